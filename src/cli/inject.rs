//! `multipod inject`.

use std::process::ExitCode;

use crate::manifest::{self, Annotation, Finding, Level, Outcome, Source, World};

use super::input::Input;
use super::surroundings::Surroundings;
use super::{FAILURE, output, report};

/// Inject patterns into the pods of manifests
///
/// Reads manifests, adds to every pod (template) what its annotations and the policies ask for, and prints everything.
/// Documents that do not change are printed byte for byte; the others keep their order, their comments and their style.
/// If one document is refused nothing is printed, every problem is told, and the exit code is 2.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) injection: Injection,

    /// How to print the result
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Format,
}

/// What `inject` and `diff` share.
#[derive(Debug, clap::Args)]
pub(super) struct Injection {
    #[command(flatten)]
    input: Input,

    /// Set an annotation on every pod template first: KEY=VALUE; may be given several times
    #[arg(short = 'a', long, value_name = "KEY=VALUE")]
    annotate: Vec<Annotation>,

    #[command(flatten)]
    surroundings: Surroundings,

    /// Do not tell what is left as it is
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// As it was written, with what is added
    #[default]
    Yaml,
    /// One object as itself, several as a List
    Json,
}

const NOTES: &str = "\
EXAMPLES
  multipod inject -f app.yaml | kubectl apply -f -
  kustomize build . | multipod inject | kubectl apply -f -
  multipod inject -f manifests/ -R --policy-dir policies/ --namespace shop
  multipod inject -f app.yaml --annotate 'multipod/ambassador=80:8775'

NAMESPACES
  A pod's namespace is the one that its object names, else --namespace, else \"default\".
  Labels and annotations of namespaces, which policies look at, come from Namespace objects
  anywhere among the manifests. --namespace-labels and --namespace-annotations are stronger,
  and hold for all namespaces.

EXIT CODES
  0  everything was printed
  2  something was refused or could not be read; nothing was printed";

impl Args {
    pub(super) fn run(self) -> ExitCode {
        let format = self.output;
        self.injection.run(|_, outcome| {
            let text = match format {
                Format::Yaml => manifest::yaml(&outcome.texts),
                Format::Json => manifest::json(&outcome.texts),
            };
            output::print(&text, ExitCode::SUCCESS)
        })
    }
}

impl Injection {
    /// Injects, tells what is to be told, and hands over what nobody has refused.
    pub(super) fn run(self, finish: impl FnOnce(&[Source], &Outcome<'_>) -> ExitCode) -> ExitCode {
        let (sources, world) = match (self.input.read(), self.surroundings.read()) {
            (Ok(sources), Ok(world)) => (sources, world),
            (sources, world) => {
                let failures = [sources.err(), world.err()];
                return fail(failures.into_iter().flatten().flatten());
            }
        };
        carry_out(&sources, self.quiet, finish, |manifests| injected(manifests, &world, &self.annotate))
    }
}

fn injected<'m>(
    manifests: &'m [manifest::Manifest<'m>],
    world: &World,
    annotate: &[Annotation],
) -> Outcome<'m> {
    manifest::inject(manifests, world, annotate)
}

/// Reads manifests, does `work` with them, and finishes with what comes out unless something is refused.
pub(super) fn carry_out(
    sources: &[Source],
    quiet: bool,
    finish: impl FnOnce(&[Source], &Outcome<'_>) -> ExitCode,
    work: impl for<'m> FnOnce(&'m [manifest::Manifest<'m>]) -> Outcome<'m>,
) -> ExitCode {
    let manifests = match manifest::read(sources) {
        Ok(manifests) => manifests,
        Err(findings) => return refuse(&findings),
    };
    let outcome = work(&manifests);
    report::findings(&outcome.findings, !quiet);
    if outcome.is_refused() { ExitCode::from(FAILURE) } else { finish(sources, &outcome) }
}

fn refuse(findings: &[Finding]) -> ExitCode {
    debug_assert!(findings.iter().all(|finding| finding.level == Level::Error));
    report::findings(findings, true);
    ExitCode::from(FAILURE)
}

/// Tells why nothing was done.
pub(super) fn fail(failures: impl Iterator<Item = String>) -> ExitCode {
    failures.for_each(|failure| report::failure(&failure));
    ExitCode::from(FAILURE)
}
