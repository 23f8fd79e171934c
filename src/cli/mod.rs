//! The command line: one file per command, each thin, and what they share.

mod certs;
mod check;
mod color;
mod completions;
mod config_file;
mod diff;
mod explain;
mod follow;
mod inject;
mod input;
mod man;
mod output;
mod patterns;
mod report;
mod serve;
mod surroundings;
mod uninject;
mod version;
mod wait_for;

use clap::builder::Resettable;
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Injects named, typed multi-container patterns into Kubernetes pods
#[derive(Parser)]
#[command(name = "multipod", version, arg_required_else_help = true, after_help = NOTES)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: color::When,
}

const NOTES: &str = "\
Called as kubectl-multipod, it is a plugin of kubectl: kubectl multipod inject -f app.yaml";

#[derive(Subcommand)]
enum Command {
    Inject(inject::Args),
    Uninject(uninject::Args),
    Diff(diff::Args),
    Explain(explain::Args),
    Check(check::Args),
    Patterns(patterns::Args),
    Serve(Box<serve::Args>),
    Certs(certs::Args),
    WaitFor(wait_for::Args),
    Follow(follow::Args),
    Completions(completions::Args),
    Man(man::Args),
    Version(version::Args),
}

/// Runs the program with its arguments.
pub fn run() -> ExitCode {
    let cli = parse(env::args_os().collect());
    cli.color.apply();
    let end = match cli.command {
        Command::Inject(args) => args.run(),
        Command::Uninject(args) => args.run(),
        Command::Diff(args) => args.run(),
        Command::Explain(args) => args.run(),
        Command::Check(args) => args.run(),
        Command::Patterns(args) => args.run(),
        Command::Serve(args) => args.run(),
        Command::Certs(args) => args.run(),
        Command::WaitFor(args) => Ok(args.run()),
        Command::Follow(args) => Ok(args.run()),
        Command::Completions(args) => args.run(),
        Command::Man(args) => args.run(),
        Command::Version(args) => args.run(),
    };
    end.unwrap_or_else(report::Failure::tell)
}

/// Ends the process where the arguments ask for help, or make no sense.
fn parse(args: Vec<OsString>) -> Cli {
    let called = args.first().and_then(|program| Path::new(program).file_stem());
    // A variable with nothing in it says nothing, as manifests write it.
    let mut command = Cli::command().mut_subcommands(|command| command.mut_args(unless_blank));
    if called.is_some_and(|name| name == "kubectl-multipod") {
        command = command.bin_name("kubectl multipod");
    }
    let matches = command.get_matches_from(args);
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn unless_blank(arg: Arg) -> Arg {
    let is_blank = arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    if is_blank { arg.env(Resettable::Reset) } else { arg }
}
