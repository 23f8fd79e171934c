//! `multipod completions`.

use std::process::ExitCode;

use clap_complete::Shell;

use super::output;
use super::report::Failure;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

const NOTES: &str = "\
EXAMPLES
  source <(multipod completions bash)
  multipod completions fish > ~/.config/fish/completions/multipod.fish
  multipod completions zsh > \"${fpath[1]}/_multipod\"";

impl Args {
    pub(super) fn run(self, mut command: clap::Command) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "multipod", &mut script);
        output::print(&String::from_utf8_lossy(&script), ExitCode::SUCCESS)
    }
}
