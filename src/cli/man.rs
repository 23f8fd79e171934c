//! `multipod man`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output;
use super::report::Failure;

/// Print the manual page, or write all of them
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// Write a page for every command to this directory, which the command creates if necessary
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const NOTES: &str = "\
EXAMPLES
  multipod man | man -l -
  multipod man --dir /usr/local/share/man/man1";

impl Args {
    pub(super) fn run(self, command: clap::Command) -> Result<ExitCode, Failure> {
        let command = command.disable_help_subcommand(true);
        if let Some(folder) = &self.dir {
            let failure = |error: std::io::Error| Failure::one(format!("{}: {error}", folder.display()));
            std::fs::create_dir_all(folder).map_err(failure)?;
            clap_mangen::generate_to(command, folder).map_err(failure)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut page = Vec::new();
        // Writing to memory cannot fail.
        let _ = clap_mangen::Man::new(command).render(&mut page);
        output::print(&String::from_utf8_lossy(&page), ExitCode::SUCCESS)
    }
}
