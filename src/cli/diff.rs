//! `multipod diff`.

mod cluster;
mod unified;

use std::process::ExitCode;

use super::color::Styles;
use super::inject::Injection;
use super::live::OfCluster;
use super::output;
use super::report::Failure;
pub(super) use unified::unified;

/// Show what `inject` would change
///
/// Takes the same arguments as inject, and prints a unified diff for each file that would change. With --cluster, it reads the
/// workloads of a cluster instead, and shows which of them would change with the policies of --policy-dir.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    injection: Injection,

    #[command(flatten)]
    live: OfCluster,
}

const EXAMPLES: &str = "\
EXAMPLES
  multipod diff -f app.yaml
  multipod diff -f manifests/ --policy-dir policies/ --quiet
  multipod diff -f app.yaml | patch -p0
  multipod diff --policy-dir policies/ --cluster

EXIT CODES
  0  nothing would change
  1  something would change
  2  a pod would be rejected, or something could not be read";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        if let Some(reach) = self.live.reach() {
            return cluster::diff(self.injection.context(), &reach);
        }
        self.injection.run(|sources, outcome| {
            let styles = Styles::of_output();
            let mut out = String::new();
            for (source, documents) in sources.iter().zip(&outcome.texts) {
                let after = documents.concat();
                if after != source.text {
                    out.push_str(&unified(&source.name, &source.text, &after, styles));
                }
            }
            let code = if out.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) };
            output::print(&out, code)
        })
    }
}
