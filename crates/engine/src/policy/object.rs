//! The policies themselves, once everything in them was checked.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use schemars::JsonSchema;

use crate::annotation::Key;
use crate::pattern::{AppContainers, Context, Request};
use multipod_values::{Endpoint, Host};

use super::bounds::Bounds;
use super::condition::Condition;
use super::fence::Fence;
use super::index::Index;
use super::matching::{Labels, Match, Mismatch, Undecided};
use super::rollout::{Rollout, Workload};

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
    /// Which of the app's containers these mean where they name none.
    pub containers: AppContainers,
    /// What `@name` of an ambassador stands for.
    pub upstreams: Vec<Named<(Host, NonZeroU16)>>,
    /// What `@name` of logging stands for.
    pub destinations: Vec<Named<Endpoint>>,
    /// What pods may choose themselves.
    pub bounds: Bounds,
    /// Of all that it is for, the workloads that it reaches so far.
    pub rollout: Rollout,
    /// What becomes of a pod that cannot have what it sets.
    pub on_obstacle: OnObstacle,
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

/// What becomes of a pod in which something stands in the way of what a policy sets.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Eq)]
#[schemars(rename_all = "lowercase")]
pub enum OnObstacle {
    /// It is refused.
    Deny,
    /// It is left without what the policy sets, and its user is told why.
    Skip,
}

/// Every policy, ordered by name, so that the order of their sources does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    by_name: Vec<Arc<Policy>>,
    /// Where to find those that a pod has to be compared with; without it, all have to be asked.
    index: Option<Index>,
    /// The annotations of namespaces that conditions of any of them read, in order.
    namespace_annotations: Arc<[Arc<str>]>,
    /// What stands for enforced ones that cannot be read.
    pub(super) fences: Vec<Arc<Fence>>,
}

impl Policy {
    /// The policy's value for a key.
    pub(crate) fn value(&self, key: Key) -> Option<&Value> {
        self.annotations.iter().find(|(own, _)| *own == key).map(|(_, value)| value)
    }

    /// Why the policy is not for a pod; nothing where it is.
    pub fn mismatch<'a>(
        &'a self,
        context: &Context<'a>,
        pod_labels: Labels<'a>,
    ) -> Result<Option<Mismatch<'a>>, Undecided> {
        let known = self.matches.mismatch(context, pod_labels);
        let workload = Workload::of(context);
        match known {
            Ok(None) | Err(_) if !self.rollout.reaches(&self.name, workload) => {
                Ok(Some(Mismatch::Rollout(self.rollout, workload)))
            }
            known => known,
        }
    }
}

impl Policies {
    /// Every policy, ordered by name.
    pub fn iter(&self) -> Iter<'_> {
        self.by_name.iter().map(|policy| &**policy)
    }

    /// Whether there is none, not even one that cannot be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.fences.is_empty()
    }

    /// What stands for those that are or may be enforced, cannot be read, and may be for this pod, of whose labels there may
    /// be more than are known.
    pub(crate) fn unread<'p>(
        &'p self,
        context: &'p Context<'p>,
        pod_labels: Labels<'p>,
        more_labels: bool,
    ) -> impl Iterator<Item = &'p Arc<Fence>> {
        self.fences.iter().filter(move |fence| fence.may_concern(context, pod_labels, more_labels))
    }

    /// The policy with this name.
    pub fn find(&self, name: &str) -> Option<&Policy> {
        let at = self.by_name.binary_search_by(|policy| policy.name.as_str().cmp(name)).ok()?;
        self.by_name.get(at).map(|policy| &**policy)
    }

    /// The annotations of namespaces that conditions of any of them read, in order.
    pub fn namespace_annotations(&self) -> &Arc<[Arc<str>]> {
        &self.namespace_annotations
    }

    /// Takes a policy in; its name is free. [`Policies::complete`] ends it.
    pub(super) fn insert(&mut self, policy: &Arc<Policy>) {
        let at = self.by_name.partition_point(|other| other.name < policy.name);
        self.by_name.insert(at, Arc::clone(policy));
        self.index = None;
    }

    /// Works out what all of them have to be asked for, once they are in.
    pub(super) fn complete(&mut self) {
        self.index = Some(Index::of(self.by_name.iter().map(|policy| &policy.matches)));
        let conditions = self.by_name.iter().flat_map(|policy| policy.matches.conditions());
        let named: BTreeSet<&str> =
            conditions.flat_map(Condition::namespace_annotations).map(String::as_str).collect();
        self.namespace_annotations = named.into_iter().map(Arc::from).collect();
    }

    /// Those that may be for a pod, ordered by name: all but some of those that are not.
    pub(crate) fn candidates<'p>(
        &'p self,
        context: &Context<'_>,
        pod_labels: Labels<'_>,
    ) -> impl Iterator<Item = &'p Policy> {
        let found = self.index.as_ref().and_then(|index| index.candidates(context, pod_labels));
        let all = if found.is_some() { &[][..] } else { &self.by_name[..] };
        let found = found.into_iter().flatten().filter_map(|at| self.by_name.get(at));
        found.chain(all).map(|policy| &**policy)
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
    /// What becomes of a pod with an obstacle where the policy does not say.
    pub(super) const fn on_obstacle(self) -> OnObstacle {
        match self {
            Mode::Enforce => OnObstacle::Deny,
            Mode::Default | Mode::Audit => OnObstacle::Skip,
        }
    }

    /// As policies write it.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Default => "default",
            Mode::Enforce => "enforce",
            Mode::Audit => "audit",
        }
    }
}

impl OnObstacle {
    /// As policies write it.
    pub const fn name(self) -> &'static str {
        match self {
            OnObstacle::Deny => "deny",
            OnObstacle::Skip => "skip",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
