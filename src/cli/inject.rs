//! `multipod inject`.

use std::process::ExitCode;

use crate::manifest::{self, Manifests, Outcome, Source};

use super::context::ContextArgs;
use super::output::{self, ManifestFormat};
use super::question::Question;
use super::report::{self, Aside, Failure};

/// Inject patterns into the pods of manifests
///
/// Reads manifests, adds what annotations and policies request to every pod (template), and prints all manifests.
/// Documents that do not change stay byte for byte the same; the others keep their order, their comments and their style.
/// If one pod is rejected, the command prints no manifests, reports every problem, and exits with 2.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) injection: Injection,

    /// How to print the result
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: ManifestFormat,
}

/// What `inject` and `diff` share.
#[derive(Debug, clap::Args)]
pub(super) struct Injection {
    #[command(flatten)]
    question: Question,

    #[command(flatten)]
    aside: Aside,
}

const NOTES: &str = "\
EXAMPLES
  multipod inject -f app.yaml | kubectl apply -f -
  kustomize build . | multipod inject | kubectl apply -f -
  multipod inject -f manifests/ -R --policy-dir policies/ --namespace shop
  multipod inject -f app.yaml --annotate 'multipod/ambassador=80:8775'

NAMESPACES
  The namespace of a pod is the one in its object, otherwise --namespace, otherwise \"default\".
  Labels and annotations of namespaces, which policies read, come from Namespace objects
  anywhere among the manifests. --namespace-labels and --namespace-annotations override them
  in all namespaces.

EXIT CODES
  0  all manifests were printed
  2  a pod would be rejected, or something could not be read; nothing was printed";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let format = self.output;
        self.injection.run(|_, outcome| output::manifests(outcome, format))
    }
}

impl Injection {
    pub(super) fn context(&self) -> &ContextArgs {
        self.question.context()
    }

    /// Injects, prints the findings, and calls `finish` if nothing is refused.
    pub(super) fn run(
        self,
        finish: impl FnOnce(&[Source], &Outcome<'_>) -> Result<ExitCode, Failure>,
    ) -> Result<ExitCode, Failure> {
        let asked = self.question.read()?;
        let manifests = Manifests::read(&asked.sources);
        let outcome = manifest::inject(&manifests, &asked.cluster, &asked.annotate);
        let told = report::outcome(&outcome, self.aside);
        asked.unread.or(())?;
        told?;
        finish(&asked.sources, &outcome)
    }
}
