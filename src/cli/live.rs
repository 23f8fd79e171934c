//! Options and helpers that all commands about a cluster share.

use std::path::{Path, PathBuf};

use tokio::runtime::Builder;

use crate::cluster::{Given, InForce, Reach, Reader};

use super::context::{policy_files, settings};
use super::report::{self, Failure, both};

const HEADING: &str = "Cluster";

/// Which cluster.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Where {
    /// The kubeconfig [default: KUBECONFIG, ~/.kube/config, or the cluster that the command runs in]
    #[arg(help_heading = HEADING, long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// A context of the kubeconfig, instead of the current one
    #[arg(help_heading = HEADING, long, value_name = "NAME")]
    context: Option<String>,
}

impl Where {
    pub(super) fn reach(&self) -> Reach {
        Reach { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() }
    }

    /// Whether somebody has named one.
    pub(super) fn is_named(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }
}

/// For commands that look at files unless they are told otherwise.
#[derive(Debug, clap::Args)]
pub(super) struct OfCluster {
    /// Read a cluster instead of files
    #[arg(help_heading = HEADING, long, conflicts_with_all = ["named", "files", "annotate"])]
    cluster: bool,

    #[command(flatten)]
    pub(super) place: Where,
}

impl OfCluster {
    /// The cluster, if one is meant.
    pub(super) fn reach(&self) -> Option<Reach> {
        (self.cluster || self.place.is_named()).then(|| self.place.reach())
    }
}

/// For commands that look at a cluster only.
#[derive(Debug, clap::Args)]
pub(super) struct Surroundings {
    #[command(flatten)]
    pub(super) place: Where,

    /// The policy files of the server, instead of those of its installation
    #[arg(help_heading = HEADING, long, value_name = "DIR")]
    policy_dir: Option<PathBuf>,

    /// The settings of the server, instead of those of its installation
    #[arg(help_heading = HEADING, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Surroundings {
    pub(super) fn given(&self) -> Result<Given, Failure> {
        given(self.policy_dir.as_deref(), self.config.as_deref())
    }

    pub(super) fn policy_dir(&self) -> Option<&Path> {
        self.policy_dir.as_deref()
    }
}

/// What is read from files.
pub(super) fn given(policy_dir: Option<&Path>, config: Option<&Path>) -> Result<Given, Failure> {
    let (settings, policies) =
        both(config.map(settings).transpose(), policy_dir.map(policy_files).transpose())?;
    Ok(Given { settings: settings.map(|(settings, file)| (settings, file.says("ipFamilies"))), policies })
}

/// Connects to a cluster and reads what is in force there; prints what could not be told for certain.
pub(super) async fn in_force(reach: &Reach, given: Given) -> Result<(Reader, InForce), String> {
    let reader = Reader::connect(reach).await?;
    let in_force = reader.in_force(given).await?;
    in_force.notes.iter().for_each(|note| report::note(note));
    Ok((reader, in_force))
}

/// Does what has to be waited for.
pub(super) fn wait<T>(doing: impl Future<Output = Result<T, String>>) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::one(error.to_string()))?;
    runtime.block_on(doing).map_err(Failure::one)
}
