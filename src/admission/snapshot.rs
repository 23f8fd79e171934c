//! Everything besides the review that a decision depends on: policies, settings, namespaces, the version.

use std::sync::Arc;

use multipod_engine::pattern::context::Annotations;
use multipod_engine::pattern::{Catalogue, Context, Settings};
use multipod_engine::pod::Version;
use multipod_engine::policy::Policies;

use super::namespaces::Namespaces;

/// What is known at one moment. Cloning it is cheap, so whoever learns something new makes a new one.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub settings: Arc<Settings>,
    /// The policies in force.
    pub policies: Arc<Policies>,
    /// The patterns that can be named.
    pub catalogue: Arc<Catalogue>,
    /// The version of the API server.
    pub version: Version,
    /// What is known of namespaces.
    pub namespaces: Arc<Namespaces>,
    /// Whether all namespaces are known, but for those that were made a moment ago.
    pub watches_namespaces: bool,
    /// What ought to be known and is not yet.
    pub missing: Missing,
    /// Why it cannot be told what the policies are; until it can, nothing is decided.
    pub unread: Option<Arc<str>>,
    /// What becomes of a workload whose pods would be refused.
    pub warn: WarnMode,
}

/// What has not been read yet; while there is any, nothing is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    pub namespaces: bool,
    /// The policies and patterns of the cluster.
    pub policies: bool,
}

impl Missing {
    pub fn any(self) -> bool {
        self.namespaces || self.policies
    }
}

/// What becomes of a workload whose pods would be refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WarnMode {
    /// It is admitted, with a warning.
    #[default]
    Warn,
    Deny,
}

impl Default for Snapshot {
    fn default() -> Self {
        Snapshot {
            settings: Arc::default(),
            policies: Arc::default(),
            catalogue: Arc::default(),
            version: Version::ASSUMED,
            namespaces: Arc::default(),
            watches_namespaces: false,
            missing: Missing::default(),
            unread: None,
            warn: WarnMode::default(),
        }
    }
}

impl Snapshot {
    /// Whether anything is decided yet.
    pub fn is_ready(&self) -> bool {
        !self.missing.any() && self.unread.is_none()
    }

    /// Whether of all namespaces it is known what the policies name of them.
    pub fn knows_annotations(&self) -> bool {
        let known = self.namespaces.named();
        self.policies.namespace_annotations().iter().all(|name| known.binary_search(name).is_ok())
    }

    /// Whether this namespace will be known in a moment, and its annotations with it; without them, what they ask for
    /// would silently be missing.
    pub(super) fn must_wait_for(&self, namespace: &str) -> bool {
        self.watches_namespaces
            && !namespace.is_empty()
            && self.namespaces.get(namespace).is_none()
            && !self.settings.excluded_namespaces.iter().any(|excluded| excluded == namespace)
    }

    /// The context of a pod of this namespace.
    pub(super) fn context<'s>(
        &'s self,
        namespace: &'s str,
        owner: Option<(&'s str, &'s str)>,
    ) -> Context<'s> {
        let known = self.namespaces.get(namespace);
        Context {
            namespace,
            namespace_labels: known.map(|namespace| &*namespace.labels),
            namespace_annotations: known.map_or(&[], |namespace| &*namespace.annotations),
            annotations: known.map_or(Annotations::All, |namespace| Annotations::Named {
                named: self.namespaces.named(),
                read: namespace.read.as_deref(),
            }),
            owner_kind: owner.map(|(kind, _)| kind),
            owner_name: owner.map(|(_, name)| name),
            version: self.version,
            ..Context::new(&self.settings, &self.catalogue)
        }
    }
}
