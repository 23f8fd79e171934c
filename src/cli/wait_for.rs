//! `multipod wait-for`.

use multipod_inpod::{End, WaitOptions, wait_for};
use multipod_values::{Target, duration};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Wait until something answers (runs inside pods)
///
/// Exits with 0 as soon as the target is ready, with 1 after the timeout, and with 2 if it cannot read the target.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How long to wait in total
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    timeout: Duration,

    /// Time between two attempts
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    every: Duration,

    /// How long one attempt may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    attempt_timeout: Duration,

    /// Trust the certificates in this PEM file instead of the public authorities
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// HOST:PORT (accepts connections), dns:NAME (resolves), http://… or https://… (answers with status 2xx or 3xx)
    #[arg(value_name = "TARGET", value_parser = target)]
    target: Target,
}

impl Args {
    pub(super) fn run(self) -> ExitCode {
        let options = WaitOptions {
            target: self.target,
            timeout: self.timeout,
            every: self.every,
            attempt_timeout: self.attempt_timeout,
            ca: self.ca,
        };
        match wait_for(options) {
            Ok(End::Ready) => ExitCode::SUCCESS,
            Ok(End::TimedOut) => ExitCode::FAILURE,
            // As a shell reports a program that a signal has ended.
            Ok(End::Signal(signal)) => ExitCode::from(128 + signal),
            Err(error) => {
                let _ = writeln!(io::stderr(), "multipod: {error}");
                ExitCode::from(2)
            }
        }
    }
}

fn target(text: &str) -> Result<Target, String> {
    let forms = "write HOST:PORT, [IPV6]:PORT, dns:NAME, http://HOST… or https://HOST…";
    Target::parse(text).map_err(|expected| format!("{expected}; {forms}"))
}
