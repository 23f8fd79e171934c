//! The policies themselves, once everything in them was checked.

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use schemars::JsonSchema;

use crate::annotation::Key;
use crate::pattern::{Context, Request};
use multipod_values::{Endpoint, Host};

use super::bounds::Bounds;
use super::matching::{Labels, Match, Mismatch, Undecided};

/// What the operators of a cluster want of some of its pods.
#[derive(Debug, PartialEq)]
pub struct Policy {
    /// Unique among policies.
    pub name: String,
    /// Which pods it is for.
    pub matches: Match,
    /// How far it goes.
    pub mode: Mode,
    /// Values of keys, as if the pod had them.
    pub annotations: Vec<(Key, Value)>,
    /// What `@name` of an ambassador stands for.
    pub upstreams: Vec<Named<(Host, NonZeroU16)>>,
    /// What `@name` of logging stands for.
    pub destinations: Vec<Named<Endpoint>>,
    /// What pods may choose themselves.
    pub bounds: Bounds,
}

/// The value of a key, read once for all pods.
#[derive(Debug, PartialEq)]
pub struct Value {
    /// As written.
    pub text: String,
    pub request: Request<'static>,
}

/// A name that stands for something.
#[derive(Debug, PartialEq)]
pub struct Named<T> {
    pub name: String,
    /// What it stands for, as written.
    pub text: String,
    pub value: T,
}

/// How far a policy goes.
#[derive(Clone, Copy, Debug, Default, JsonSchema, PartialEq, Eq)]
#[schemars(rename_all = "lowercase")]
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
    pub fn value(&self, key: Key) -> Option<&Value> {
        self.annotations.iter().find(|(own, _)| *own == key).map(|(_, value)| value)
    }

    /// Why the policy is not for a pod; nothing where it is.
    pub fn mismatch<'a>(
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
