//! The policies themselves, once everything in them was checked.

use std::fmt;
use std::sync::Arc;

use crate::annotation::Key;
use crate::pattern::Context;

use super::bounds::Bounds;
use super::matching::{Labels, Match, Mismatch, Undecided};

/// What the operators of a cluster want of some of its pods.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Unique among policies.
    pub name: String,
    /// Which pods it is for.
    pub matches: Match,
    /// How far it goes.
    pub mode: Mode,
    /// Values of keys, as if the pod had them.
    pub annotations: Vec<(Key, String)>,
    /// What `@name` of an ambassador stands for: `HOST:PORT`.
    pub upstreams: Vec<(String, String)>,
    /// What `@name` of logging stands for: `otlp://HOST:PORT`…
    pub destinations: Vec<(String, String)>,
    /// What pods may choose themselves.
    pub bounds: Bounds,
}

/// How far a policy goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It adds what nobody else asks for, unless the pod opts out.
    #[default]
    Default,
    /// It decides, whatever pods and namespaces say.
    Enforce,
    /// It only tells what it would add.
    Audit,
}

/// Every policy, ordered by name, so that the order of their sources does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    by_name: Vec<Arc<Policy>>,
}

impl Policy {
    /// The policy's value for a key.
    pub fn value(&self, key: Key) -> Option<&str> {
        self.annotations.iter().find(|(own, _)| *own == key).map(|(_, value)| value.as_str())
    }

    /// Why the policy is not for a pod; nothing where it is.
    pub fn why_not<'a>(
        &'a self,
        context: &Context<'a>,
        pod_labels: Labels<'a>,
    ) -> Result<Option<Mismatch<'a>>, Undecided> {
        self.matches.mismatch(context, pod_labels)
    }
}

impl Policies {
    /// Every policy, ordered by name.
    pub fn iter(&self) -> Iter<'_> {
        self.by_name.iter().map(|policy| &**policy)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The policy with this name.
    pub fn find(&self, name: &str) -> Option<&Policy> {
        let at = self.by_name.binary_search_by(|policy| policy.name.as_str().cmp(name)).ok()?;
        self.by_name.get(at).map(|policy| &**policy)
    }

    /// Whether the policy is in force now: one whose name is taken is left out.
    pub(super) fn insert(&mut self, policy: &Arc<Policy>) -> bool {
        let found = self.by_name.binary_search_by(|other| other.name.cmp(&policy.name));
        found.map_err(|at| self.by_name.insert(at, Arc::clone(policy))).is_err()
    }
}

type Iter<'p> = std::iter::Map<std::slice::Iter<'p, Arc<Policy>>, fn(&Arc<Policy>) -> &Policy>;

impl<'p> IntoIterator for &'p Policies {
    type Item = &'p Policy;
    type IntoIter = Iter<'p>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Mode {
    /// As policies write it.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Default => "default",
            Mode::Enforce => "enforce",
            Mode::Audit => "audit",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
