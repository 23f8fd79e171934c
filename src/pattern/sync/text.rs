//! What help and docs say of sync.

use crate::annotation::Key;
use crate::annotation::settings::OF_SIDECARS;
use crate::pattern::topic::Topic;

use super::request::SyncOptions;

/// What the settings of a cluster call it.
pub(super) const PROGRAM: &str = "sync";

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "sync",
    key: Key::Sync,
    what: "a git working copy that is kept up to date beside the app",
    kind: "sidecar",
    programs: &[PROGRAM],
    item: "URL",
    forms: &[(
        "https://git.example/site into=/srv/site",
        "from https, http, git or ssh, without credentials in it",
    )],
    options: SyncOptions::ROWS,
    settings: &OF_SIDECARS,
    example: Key::Sync.example(),
}];
