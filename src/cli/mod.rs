//! The command line.

mod follow;
mod wait_for;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "multipod", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    WaitFor(wait_for::Args),
    Follow(follow::Args),
}

/// Runs the program with its arguments.
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::WaitFor(args) => args.run(),
        Command::Follow(args) => args.run(),
    }
}
