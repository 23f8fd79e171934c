//! The standard output: everything or nothing, and quiet when nobody reads it.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use super::{FAILURE, report};

/// Prints a text and ends with `code`. A reader that goes away early has seen enough.
pub(super) fn print(text: &str, code: ExitCode) -> ExitCode {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            report::failure(&format!("cannot write to the standard output: {error}"));
            ExitCode::from(FAILURE)
        }
        _ => code,
    }
}
