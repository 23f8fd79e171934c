//! The command line: one file for each command, and what they share.

mod certs;
mod check;
mod color;
mod completions;
mod config_file;
mod context;
mod crds;
mod diff;
mod draw;
mod explain;
mod export;
mod follow;
mod guard;
mod inject;
mod input;
mod line;
mod live;
mod man;
mod output;
mod patterns;
mod policies;
mod question;
mod report;
mod restart;
mod review;
mod schema;
mod serve;
mod suggest;
mod test;
mod uninject;
mod version;
mod wait_for;
mod why;
mod width;

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
    #[arg(long, global = true, display_order = 900, value_enum, value_name = "WHEN", default_value_t)]
    color: color::When,
}

const NOTES: &str = "\
Installed as kubectl-multipod, it is a kubectl plugin: kubectl multipod inject -f app.yaml";

#[derive(Subcommand)]
enum Command {
    Inject(inject::Args),
    Uninject(uninject::Args),
    Diff(diff::Args),
    Explain(explain::Args),
    Draw(draw::Args),
    Check(check::Args),
    Test(test::Args),
    Suggest(suggest::Args),
    Patterns(patterns::Args),
    Policies(policies::Args),
    Why(why::Args),
    Restart(restart::Args),
    Guard(guard::Args),
    Export(export::Args),
    Crds(crds::Args),
    Serve(Box<serve::Args>),
    Review(review::Args),
    Certs(certs::Args),
    WaitFor(wait_for::Args),
    Follow(follow::Args),
    Completions(completions::Args),
    Man(man::Args),
    Schema(schema::Args),
    Version(version::Args),
}

/// Runs the program with the arguments of its process.
pub fn run() -> ExitCode {
    let cli = parse(&env::args_os().collect::<Vec<_>>());
    cli.color.apply();
    let result = match cli.command {
        Command::Inject(args) => args.run(),
        Command::Uninject(args) => args.run(),
        Command::Diff(args) => args.run(),
        Command::Explain(args) => args.run(),
        Command::Draw(args) => args.run(),
        Command::Check(args) => args.run(),
        Command::Test(args) => args.run(),
        Command::Suggest(args) => args.run(),
        Command::Patterns(args) => args.run(),
        Command::Policies(args) => args.run(),
        Command::Why(args) => args.run(),
        Command::Restart(args) => args.run(),
        Command::Guard(args) => args.run(),
        Command::Export(args) => args.run(),
        Command::Crds(args) => args.run(),
        Command::Serve(args) => args.run(),
        Command::Review(args) => args.run(),
        Command::Certs(args) => args.run(),
        Command::WaitFor(args) => Ok(args.run()),
        Command::Follow(args) => Ok(args.run()),
        Command::Completions(args) => args.run(Cli::command()),
        Command::Man(args) => args.run(Cli::command()),
        Command::Schema(schema::Args) => schema::run(),
        Command::Version(args) => args.run(),
    };
    result.unwrap_or_else(report::Failure::report)
}

/// Exits where the arguments ask for help or are wrong.
fn parse(args: &[OsString]) -> Cli {
    let called = args.first().and_then(|program| Path::new(program).file_stem());
    // An empty variable counts as unset, because manifests cannot leave a variable out.
    let mut command = Cli::command().mut_subcommands(|command| styled(command.mut_args(unless_blank)));
    if called.is_some_and(|name| name == "kubectl-multipod") {
        command = command.bin_name("kubectl multipod");
    }
    let matches = command.get_matches_from(args);
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Headings and examples below the options look as clap's own do; where there are no colours, it takes them out again.
fn styled(command: clap::Command) -> clap::Command {
    let Some(notes) = command.get_after_help().map(ToString::to_string) else { return command };
    let styles = command.get_styles().clone();
    let (heading, literal) = (styles.get_header(), styles.get_literal());
    let lines = notes.lines().map(|line| {
        let is_heading = line.starts_with(|c: char| c.is_ascii_uppercase()) && line == line.to_uppercase();
        let is_command = line.starts_with("  ") && line.contains("multipod ") && !line.starts_with("  A ");
        match (is_heading, is_command) {
            (true, _) => format!("{heading}{line}{heading:#}\n"),
            (false, true) => format!("{literal}{line}{literal:#}\n"),
            (false, false) => format!("{line}\n"),
        }
    });
    let text: String = lines.collect();
    command.after_help(text.trim_end().to_owned())
}

fn unless_blank(arg: Arg) -> Arg {
    let is_blank = arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    if is_blank { arg.env(Resettable::Reset) } else { arg }
}
