//! `multipod completions`.

use std::process::ExitCode;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, Command};
use clap_complete::Shell;
use multipod_engine::annotation::Key;
use multipod_engine::pattern::{Catalogue, topics};

use super::output;
use super::patterns::entries;
use super::report::Failure;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const NOTES: &str = "\
EXAMPLES
  source <(multipod completions bash)
  multipod completions fish > ~/.config/fish/completions/multipod.fish
  multipod completions zsh > \"${fpath[1]}/_multipod\"";

impl Args {
    pub(super) fn run(self, command: Command) -> Result<ExitCode, Failure> {
        let mut command = with_hints(command);
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "multipod", &mut script);
        output::print(&String::from_utf8_lossy(&script), ExitCode::SUCCESS)
    }
}

/// The command as shells complete it: what is offered for a name or a key is less than what is taken.
fn with_hints(command: Command) -> Command {
    let names = || PossibleValuesParser::new(names());
    let keys =
        || PossibleValuesParser::new(Key::ALL.map(|key| described(format!("{}=", key.full()), what_of(key))));
    let hint = |arg: Arg| match arg.get_id().as_str() {
        "annotate" | "namespace_annotations" => arg.value_parser(keys()),
        _ => arg,
    };
    let command = command
        .mut_subcommand("patterns", |patterns| patterns.mut_arg("name", |name| name.value_parser(names())));
    command.mut_subcommands(|command| command.mut_args(hint))
}

/// Every pattern, and every key under both of its names.
fn names() -> Vec<PossibleValue> {
    let entries = entries(&Catalogue::builtin()).into_iter();
    let mut names: Vec<(String, String)> = entries.map(|entry| (entry.name, entry.what)).collect();
    for key in Key::ALL {
        for name in [key.name(), key.full()] {
            if names.iter().all(|(known, _)| known != name) {
                names.push((name.to_owned(), what_of(key)));
            }
        }
    }
    names.into_iter().map(|(name, what)| described(name, what)).collect()
}

fn what_of(key: Key) -> String {
    let whats = topics().filter(|topic| topic.key == key).map(|topic| topic.what);
    whats.collect::<Vec<_>>().join("; ")
}

fn described(name: String, what: String) -> PossibleValue {
    // For as long as the program lives, which ends when its completions are printed.
    PossibleValue::new(&*name.leak()).help(&*what.leak())
}
