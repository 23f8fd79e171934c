//! What the programs say about themselves, on the error output.

use std::collections::HashSet;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// So many paths are complained about; a folder of thousands should not fill the log.
const MOST: usize = 200;

/// One line on the error output. If nobody reads it, that is no reason to stop.
pub(super) fn say(message: impl Display) {
    let _ = writeln!(io::stderr().lock(), "multipod: {message}");
}

/// Says once for each path what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Complaints(HashSet<PathBuf>);

impl Complaints {
    pub(super) fn unreadable(&mut self, path: &Path, error: &io::Error) {
        if self.0.len() > MOST || !self.0.insert(path.to_owned()) {
            return;
        }
        if self.0.len() > MOST {
            say("more paths cannot be read; no further ones are named");
            return;
        }
        let advice = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "; run this container with the app's user or group (runAsUser, runAsGroup), or make it group-readable"
            }
            _ => "; it is tried again",
        };
        say(format_args!("cannot read {}: {}{advice}", path.display(), reason(error)));
    }
}

/// The system's words without its number: `connection refused`.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
