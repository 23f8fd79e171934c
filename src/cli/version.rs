//! `multipod version`.

use std::process::ExitCode;

use multipod_engine::pod::Version;
use serde::Serialize;

use super::output::{self, Format, Told, json};
use super::report::Failure;

/// Print the version, and the cluster version that commands assume by default
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    told: Told,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    version: &'static str,
    assumed_kubernetes: String,
    native_sidecars: bool,
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let answer = Answer {
            version: env!("CARGO_PKG_VERSION"),
            assumed_kubernetes: Version::ASSUMED.to_string(),
            native_sidecars: Version::ASSUMED.knows_native_sidecars(),
        };
        let text = match self.told.output {
            Format::Json => json(&answer),
            Format::Text => {
                let sidecars = if answer.native_sidecars { "native" } else { "classic" };
                format!(
                    "multipod {}\nassumes Kubernetes {} ({sidecars} sidecars) where no --kubernetes-version is given\n",
                    answer.version, answer.assumed_kubernetes
                )
            }
        };
        output::print(&text, ExitCode::SUCCESS)
    }
}
