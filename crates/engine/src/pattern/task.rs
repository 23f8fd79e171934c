//! What the containers of patterns do for those of the app, besides what they add. Nothing decides by it, so no decision
//! pays for it: whoever draws a pod asks the requests.

use std::time::Duration;

use super::container::Text;

/// What one container of a pattern does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub container: Text,
    pub work: Work,
}

/// What is done for containers of the app, which are known by their indices in `spec.containers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Fetching a repository into a folder of theirs, once or every so often.
    Fetch { url: String, folder: String, apps: Vec<usize>, every: Option<Duration> },
    /// Following files that they write, and printing the lines or shipping them to a server.
    Follow { files: String, apps: Vec<usize>, to: Option<String> },
}
