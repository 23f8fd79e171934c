//! `multipod uninject`.

use std::process::ExitCode;

use crate::manifest;

use super::inject::{carry_out, fail};
use super::input::Input;
use super::output;

/// Take out of manifests what `inject` has added
///
/// Believes the annotation multipod/status, which says what was added and what was there before.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    input: Input,

    /// Do not tell what is left as it is
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
EXAMPLES
  multipod uninject -f injected.yaml
  kubectl get deployment web -o yaml | multipod uninject | kubectl apply -f -

EXIT CODES
  0  everything was printed
  2  something could not be read; nothing was printed";

impl Args {
    pub(super) fn run(self) -> ExitCode {
        let sources = match self.input.read() {
            Ok(sources) => sources,
            Err(failures) => return fail(failures.into_iter()),
        };
        let print = |_: &[_], outcome: &manifest::Outcome<'_>| {
            output::print(&manifest::yaml(&outcome.texts), ExitCode::SUCCESS)
        };
        carry_out(&sources, self.quiet, print, manifest::uninject)
    }
}
