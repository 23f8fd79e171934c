//! The multipod program.

use std::process::ExitCode;

fn main() -> ExitCode {
    multipod::cli::run()
}
