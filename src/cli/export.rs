//! `multipod export`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use multipod_engine::pattern::object::Kind;
use multipod_engine::pod::Version;
use multipod_engine::policy::{Loaded, Policy};

use multipod_export::{EVERYWHERE, Export, FIRST, Lost};
use multipod_guard::{Actions, Guard};

use super::context::surroundings;
use super::output::{self, ManifestFormat};
use super::report::Failure;

/// Print policies for the API server itself, without a webhook
///
/// Only for policies that add the same to every pod: a Pattern with fixed text. The resulting pods are the same as with the
/// webhook. For every other policy, the command says what would be lost, and prints nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// The policies to export [default: all in the directory]
    #[arg(value_name = "POLICY")]
    names: Vec<String>,

    /// The kind of object to print
    #[arg(long = "as", value_enum, value_name = "KIND")]
    target: Target,

    /// The directory of policies and patterns that the server uses, or one such file
    #[arg(short = 'f', long, value_name = "DIR")]
    policy_dir: PathBuf,

    /// The settings of the cluster, as multipod serve takes them
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The policies apply in all namespaces (the component all-namespaces)
    #[arg(long)]
    all_namespaces: bool,

    /// The version of the cluster: in 1.34 and 1.35, such policies are a beta feature that is off by default
    #[arg(long, value_name = "VERSION", default_value_t = EVERYWHERE, value_parser = Version::parse)]
    kubernetes_version: Version,

    /// The output format
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: ManifestFormat,
}

/// What policies are exported as.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    /// A `MutatingAdmissionPolicy` and its binding, for each policy
    MutatingAdmissionPolicy,
}

const NOTES: &str = "\
EXAMPLES
  multipod export --as mutating-admission-policy -f policies/ | kubectl apply -f -
  multipod export --as mutating-admission-policy -f policies/ audit-tap --kubernetes-version 1.34

EXIT CODES
  0  everything was printed
  2  a policy needs the webhook, or something could not be read; nothing was printed";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Target::MutatingAdmissionPolicy = self.target;
        if self.kubernetes_version < FIRST {
            return Err(Failure::one(format!(
                "Kubernetes {} has no MutatingAdmissionPolicy that one can rely on: it begins with {FIRST}",
                self.kubernetes_version
            )));
        }
        let (settings, loaded) = surroundings(self.config.as_deref(), Some(&self.policy_dir))?;
        let export = Export {
            guard: Guard {
                settings: &settings,
                catalogue: &loaded.catalogue,
                policies: &loaded.policies,
                actions: Actions::Deny,
                all_namespaces: self.all_namespaces,
                static_files: false,
            },
            version: self.kubernetes_version,
        };
        let written = export.write(&self.meant(&loaded)?).map_err(|lost| refused(&lost, &loaded))?;
        let heading = "Written by multipod export. What differs from the webhook:";
        output::objects(&written.objects, (heading, &written.limits), self.output)
    }

    fn meant<'l>(&self, loaded: &'l Loaded) -> Result<Vec<&'l Policy>, Failure> {
        if self.names.is_empty() {
            let all: Vec<&Policy> = loaded.policies.iter().collect();
            let none = format!("{}: there are no policies", self.policy_dir.display());
            return Failure::unless_empty(if all.is_empty() { vec![none] } else { Vec::new() }, all);
        }
        let mut unknown = Vec::new();
        let mut meant: Vec<&Policy> = Vec::new();
        for name in &self.names {
            match loaded.policies.find(name) {
                Some(policy) if meant.iter().any(|other| other.name == policy.name) => {}
                Some(policy) => meant.push(policy),
                None => {
                    let names: Vec<&str> = loaded.policies.iter().map(|policy| &*policy.name).collect();
                    unknown.push(format!(
                        "{}: there is no policy {name}, there are: {}",
                        self.policy_dir.display(),
                        names.join(", ")
                    ));
                }
            }
        }
        Failure::unless_empty(unknown, meant)
    }
}

/// Each with the place of its policy.
fn refused(lost: &[Lost], loaded: &Loaded) -> Failure {
    let told = lost.iter().map(|lost| {
        let object = loaded
            .objects
            .iter()
            .find(|object| object.kind == Kind::InjectionPolicy && object.name == lost.policy);
        let place = object.map(|object| format!("{}: ", object.place)).unwrap_or_default();
        format!("{place}{lost}")
    });
    Failure::all(told.collect())
}
