//! What is known of a cluster, apart from the pod in question.

use std::collections::BTreeMap;

use multipod_engine::pattern::object::Kind;
use multipod_engine::pattern::{Catalogue, Context, Settings};
use multipod_engine::pod::Version;
use multipod_engine::policy::Policies;

use super::{Entry, Namespace};

/// When objects were changed last, by kind and name.
pub(crate) type Changes = BTreeMap<(Kind, String), String>;

/// All that decides about pods of a cluster.
#[derive(Debug)]
pub(crate) struct Known {
    pub settings: Settings,
    pub policies: Policies,
    pub catalogue: Catalogue,
    pub version: Version,
    /// Whom the API server asks about pods.
    pub entries: Vec<Entry>,
    /// When each policy and pattern was changed last, for those that are objects of the cluster.
    pub changed: Changes,
}

impl Known {
    pub(crate) fn context<'a>(&'a self, namespace: &'a Namespace) -> Context<'a> {
        Context {
            namespace: &namespace.name,
            namespace_labels: namespace.labels.as_deref(),
            namespace_annotations: &namespace.annotations,
            version: self.version,
            ..Context::new(&self.settings, &self.catalogue)
        }
    }
}
