//! `multipod guard`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use multipod_guard::{Actions, Guard};

use super::context::surroundings;
use super::output::{self, ManifestFormat};
use super::report::Failure;

/// Print admission policies that apply while multipod is down
///
/// The API server evaluates them itself: it rejects a pod that requests a pattern, or that an enforced policy applies to, if
/// the pod lacks the container. It also protects what was injected into a live pod. Apply the output, and repeat this
/// whenever policies, settings or multipod change.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The directory of policies and patterns that the server uses, or one such file
    #[arg(long, value_name = "DIR")]
    policy_dir: Option<PathBuf>,

    /// The settings of the cluster, as multipod serve takes them
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// What happens to a pod that does not pass
    #[arg(long, value_enum, value_name = "ACTION", default_value_t)]
    action: Action,

    /// The API server calls multipod for the pods of all namespaces (the component all-namespaces)
    #[arg(long)]
    all_namespaces: bool,

    /// For an API server that reads admission policies from files: use the names that it requires
    #[arg(long = "static")]
    static_files: bool,

    /// The output format
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: ManifestFormat,
}

/// What becomes of a pod that does not pass.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Action {
    /// Reject it
    #[default]
    Deny,
    /// Admit it, with a warning and an entry in the audit log
    Warn,
}

const EXAMPLES: &str = "\
EXAMPLES
  multipod guard | kubectl apply -f -
  multipod guard --policy-dir policies/ --config settings.yaml --action warn
  multipod guard --static > /etc/kubernetes/admission/multipod.yaml";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let (settings, loaded) = surroundings(self.config.as_deref(), self.policy_dir.as_deref())?;
        let written = Guard {
            settings: &settings,
            catalogue: &loaded.catalogue,
            policies: &loaded.policies,
            actions: match self.action {
                Action::Deny => Actions::Deny,
                Action::Warn => Actions::Warn,
            },
            all_namespaces: self.all_namespaces,
            static_files: self.static_files,
        }
        .write();
        let heading = "Written by multipod guard. What these policies do not see:";
        output::objects(&written.objects, (heading, &written.limits), self.output)
    }
}
