//! `multipod guard`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use multipod_engine::policy::Loaded;

use crate::guard::{Actions, Guard};

use super::context::{policies, settings};
use super::output::{self, ManifestFormat};
use super::report::{Failure, both};

/// Write admission policies that hold while multipod is down
///
/// They belong to the API server itself: a pod that asks for a pattern, or for which a policy is enforced, is refused where
/// it comes without the container. What was injected into a live pod cannot be changed. Apply what is printed, and print it
/// again whenever policies, settings or multipod change.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The folder of policies and patterns that the server has, or one such file
    #[arg(long, value_name = "DIR")]
    policy_dir: Option<PathBuf>,

    /// The settings of the cluster, as multipod serve takes them
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// What becomes of a pod that does not pass
    #[arg(long, value_enum, value_name = "ACTION", default_value_t)]
    action: Action,

    /// multipod is asked about the pods of all namespaces (the component all-namespaces)
    #[arg(long)]
    all_namespaces: bool,

    /// For an API server that reads admission policies from files: names end as it wants them
    #[arg(long = "static")]
    static_files: bool,

    /// The output format
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: ManifestFormat,
}

/// What becomes of a pod that does not pass.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Action {
    /// It is refused
    #[default]
    Deny,
    /// It is admitted, with a warning and an entry in the audit log
    Warn,
}

const EXAMPLES: &str = "\
EXAMPLES
  multipod guard | kubectl apply -f -
  multipod guard --policy-dir policies/ --config settings.yaml --action warn
  multipod guard --static > /etc/kubernetes/admission/multipod.yaml";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let settings = self.config.as_deref().map_or_else(|| Ok(<_>::default()), settings);
        let loaded = self.policy_dir.as_deref().map_or_else(|| Ok(Loaded::default()), policies);
        let ((settings, _), loaded) = both(settings, loaded)?;
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
