//! What the programs report about themselves, on the error output.

use std::collections::HashSet;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use multipod_https::reason;

/// A folder of thousands of unreadable files should not fill the log.
const MOST: usize = 200;

/// One line on the error output. If nobody reads it, that is no reason to stop.
pub(super) fn report(message: impl Display) {
    let _ = writeln!(io::stderr().lock(), "multipod: {message}");
}

/// Reports each path once, with what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct UnreadablePaths(HashSet<PathBuf>);

impl UnreadablePaths {
    pub(super) fn report(&mut self, path: &Path, error: &io::Error) {
        if self.0.len() > MOST || !self.0.insert(path.to_owned()) {
            return;
        }
        if self.0.len() > MOST {
            report("more paths cannot be read; no further ones are named");
            return;
        }
        let advice = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "; run this container with the app's user or group (runAsUser, runAsGroup), or make it group-readable"
            }
            _ => "; it is tried again",
        };
        report(format_args!("cannot read {}: {}{advice}", path.display(), reason(error)));
    }
}
