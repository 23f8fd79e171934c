//! What a cluster would know: policies, settings, namespaces, its version.

use crate::inject::Version;
use crate::manifest::World;

const HEADING: &str = "Surroundings";

/// What is around the pods.
#[derive(Debug, clap::Args)]
pub(super) struct Surroundings {
    /// The namespace of objects that name none [default: default]
    #[arg(help_heading = HEADING, short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,

    /// Labels of the pods' namespaces: K=V,…; stronger than those of Namespace objects among the manifests
    #[arg(help_heading = HEADING, long, value_name = "K=V", value_delimiter = ',', value_parser = pair)]
    namespace_labels: Vec<(String, String)>,

    /// An annotation of the pods' namespaces: K=V; may be given several times
    #[arg(help_heading = HEADING, long, value_name = "K=V", value_parser = pair)]
    namespace_annotations: Vec<(String, String)>,

    /// The version of the cluster, such as 1.34: native sidecars begin with 1.29
    #[arg(help_heading = HEADING, long, value_name = "VERSION", default_value_t = Version::ASSUMED, value_parser = Version::parse)]
    kubernetes_version: Version,
}

impl Surroundings {
    /// Reads the files that are named; the error is one line for each thing that is wrong.
    pub(super) fn read(self) -> Result<World, Vec<String>> {
        Ok(World {
            version: self.kubernetes_version,
            namespace: self.namespace,
            namespace_labels: self.namespace_labels,
            namespace_annotations: self.namespace_annotations,
            ..World::default()
        })
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
