//! `multipod uninject`.

use std::process::ExitCode;

use crate::manifest::{self, Manifests};

use super::input::Input;
use super::output::{self, ManifestFormat};
use super::report::{self, Aside, Failure};

/// Remove from manifests what `inject` has added
///
/// Relies on the annotation multipod/status, which records what was added and what was there before.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    input: Input,

    /// How to print the result
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: ManifestFormat,

    #[command(flatten)]
    aside: Aside,
}

const EXAMPLES: &str = "\
EXAMPLES
  multipod uninject -f injected.yaml
  kubectl get deployment web -o yaml | multipod uninject | kubectl apply -f -

EXIT CODES
  0  everything was printed
  2  something could not be read; nothing was printed";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let sources = self.input.read()?;
        let manifests = Manifests::read(&sources);
        let outcome = manifest::uninject(&manifests);
        report::outcome(&outcome, self.aside)?;
        output::manifests(&outcome, self.output)
    }
}
