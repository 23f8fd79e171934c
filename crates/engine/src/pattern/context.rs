//! What surrounds a pod: all that is known besides the pod itself.

use std::num::NonZeroU16;
use std::sync::Arc;

use crate::pod::{Head, Meter, Version};
use multipod_values::{Endpoint, Host};

use super::{AppContainers, Catalogue, Settings};

/// Set on the namespaces of `OpenShift`, which chooses the users of their containers.
pub const ASSIGNED_USERS: &str = "openshift.io/sa.scc.uid-range";

/// A label of a namespace; many namespaces share its texts.
pub type Label = (Arc<str>, Arc<str>);

/// The longest value of a namespace's annotation that conditions read, in bytes.
pub const LONGEST_ANNOTATION: usize = 256;

/// An annotation of a namespace that conditions name; nothing where its value is too long for them.
pub type Read = (Arc<str>, Option<Arc<str>>);

/// Which annotations of a namespace are known, for conditions, which may name any.
#[derive(Clone, Copy, Debug)]
pub enum Annotations<'a> {
    /// All of them, where the labels are known as well.
    All,
    /// Of those with these names, in order, what there is, in the same order; nothing where the namespace has no annotation
    /// at all. Any other is still being read.
    Named { named: &'a [Arc<str>], read: Option<&'a [Read]> },
}

/// Everything around one pod that decides about it, besides the policies, which are read in its light.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The namespace of the request; the pod's own may be empty.
    pub namespace: &'a str,
    /// The namespace's labels; none where they are not known, which is not the same as no labels.
    pub namespace_labels: Option<&'a [Label]>,
    pub namespace_annotations: &'a [(String, String)],
    /// What conditions know of these and of others.
    pub annotations: Annotations<'a>,
    /// The kind of workload that the pod's template stands in, where no controller has made the pod yet.
    pub owner_kind: Option<&'a str>,
    /// The name of that workload, as it stays from one version of it to the next.
    pub owner_name: Option<&'a str>,
    /// The version of the API server.
    pub version: Version,
    pub settings: &'a Settings,
    /// The patterns that are defined by files: adapters, and the administrator's own.
    pub catalogue: &'a Catalogue,
    /// Hosts that the policies for this pod name, once they are resolved.
    pub upstreams: &'a Names<'a, (Host, NonZeroU16)>,
    /// Log destinations that the policies for this pod name, likewise.
    pub destinations: &'a Names<'a, Endpoint>,
    /// The pod itself, once it is known.
    pub pod: Option<&'a Head<'a>>,
    /// Whether there is time to go on; without it there is.
    pub meter: Option<&'a Meter<'a>>,
    /// Which of the app's containers a value means where it names none: whoever says the value decides.
    pub containers: &'a AppContainers,
}

impl<'a> Context<'a> {
    /// Of a pod in the namespace `default`, of which nothing more is known.
    pub fn new(settings: &'a Settings, catalogue: &'a Catalogue) -> Self {
        const NO_UPSTREAMS: &Names<'static, (Host, NonZeroU16)> = &Names { entries: Vec::new() };
        const NO_DESTINATIONS: &Names<'static, Endpoint> = &Names { entries: Vec::new() };
        Context {
            namespace: "default",
            namespace_labels: Some(&[]),
            namespace_annotations: &[],
            annotations: Annotations::All,
            owner_kind: None,
            owner_name: None,
            version: Version::ASSUMED,
            settings,
            catalogue,
            upstreams: NO_UPSTREAMS,
            destinations: NO_DESTINATIONS,
            pod: None,
            meter: None,
            containers: &AppContainers::Default,
        }
    }

    /// The same with what the pod itself tells of its namespace and its owner.
    #[must_use]
    pub fn of_pod(self, head: &'a Head<'a>) -> Self {
        let metadata = head.metadata.value();
        let own = metadata.map_or("", |metadata| &*metadata.namespace);
        Context {
            namespace: [self.namespace, own].into_iter().find(|name| !name.is_empty()).unwrap_or("default"),
            pod: Some(head),
            owner_name: self.owner_name.or_else(|| metadata.map(crate::pod::Metadata::workload)),
            owner_kind: self.owner_kind.or_else(|| metadata.and_then(|metadata| metadata.owner_kind())),
            ..self
        }
    }

    /// Whether the platform chooses the users of containers, so that ours name none.
    pub(crate) fn assigns_users(&self) -> bool {
        self.settings.assigned_users
            || self.namespace_annotations.iter().any(|(key, _)| key == ASSIGNED_USERS)
    }
}

/// Names that policies give a meaning in this namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Names<'a, T> {
    /// Strongest policies first.
    pub entries: Vec<Name<'a, T>>,
}

impl<T> Default for Names<'_, T> {
    fn default() -> Self {
        Names { entries: Vec::new() }
    }
}

/// One name, from one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Name<'a, T> {
    /// What people write behind `@`.
    pub name: &'a str,
    /// What it stands for, as written.
    pub text: &'a str,
    pub value: &'a T,
    /// The policy that says so.
    pub policy: &'a str,
    /// Whether that policy is enforced, and so beats one that is not.
    pub enforced: bool,
}

impl<'a, T> Names<'a, T> {
    /// What `name` stands for here; the error is what was expected instead.
    pub(crate) fn resolve(&self, name: &str) -> Result<&'a T, String> {
        let mut found = self.entries.iter().filter(|entry| entry.name == name);
        let Some(first) = found.next() else {
            return Err(self.unknown());
        };
        match found.find(|other| other.enforced == first.enforced && other.text != first.text) {
            Some(other) => Err(format!(
                "policies {} and {} disagree: @{name} is {} or {}",
                first.policy, other.policy, first.text, other.text
            )),
            None => Ok(first.value),
        }
    }

    fn unknown(&self) -> String {
        if self.entries.is_empty() {
            return "no policy for this pod gives one; on the command line, --policy-dir says where policies are".to_owned();
        }
        let mut names: Vec<&str> = self.entries.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        format!("policies name here: @{}", names.join(", @"))
    }
}
