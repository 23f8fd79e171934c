//! The standard output: everything or nothing, and no error when its reader closes it early.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::manifest::{self, Outcome};

use super::report::Failure;

/// The output format of manifests.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(super) enum Format {
    /// As it was written, with the changes
    #[default]
    Yaml,
    /// One object as itself, several as a List
    Json,
}

pub(super) fn manifests(outcome: &Outcome<'_>, format: Format) -> Result<ExitCode, Failure> {
    let text = match format {
        Format::Yaml => manifest::yaml(&outcome.texts),
        Format::Json => manifest::json(&outcome.texts),
    };
    print(&text, ExitCode::SUCCESS)
}

/// Prints a text and returns `code`. A reader that closes the pipe early, such as `head`, is no error.
pub(super) fn print(text: &str, code: ExitCode) -> Result<ExitCode, Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::one(format!("cannot write to the standard output: {error}")))
        }
        _ => Ok(code),
    }
}
