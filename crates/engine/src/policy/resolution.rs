//! What a pod gets, and who decided it.

use std::num::NonZeroU16;

use crate::annotation::{Diagnostic, Key, Source};
use crate::pattern::{AppContainers, Names, Request};
use multipod_values::{Endpoint, Host};

use super::bounds::Bounds;
use super::matching::Undecided;
use super::object::{Mode, OnObstacle, Policy};

/// What a pod gets, and everything that `explain` tells about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolution<'a> {
    /// What counts: each key at most once, in the order of [`Key::ALL`].
    pub effective: Vec<Effective<'a>>,
    /// Values that gave way to a stronger one that differs.
    pub overridden: Vec<Overridden<'a>>,
    /// Values that an opt-out took away.
    pub opted_out: Vec<Overridden<'a>>,
    /// What audit policies would add if their mode were `default`.
    pub audited: Vec<Audited<'a>>,
    /// The policies that are for the pod, ordered by name.
    pub matched: Vec<&'a Policy>,
    /// Policies of which it cannot be told, and that count for nothing therefore: those for audits, and default ones with a
    /// condition that has no answer. With any other the pod is refused.
    pub(crate) undecided: Vec<(&'a Policy, Undecided)>,
    /// What pods may choose, by policy; audit policies bind nobody.
    pub(crate) bounds: Vec<(&'a str, &'a Bounds)>,
    /// Hosts that the policies name, enforced policies first.
    pub(crate) upstreams: Names<'a, (Host, NonZeroU16)>,
    /// Log destinations that the policies name, enforced policies first.
    pub(crate) destinations: Names<'a, Endpoint>,
    /// Keys of the namespace that look like ours and are not known.
    pub(crate) unknown_keys: Vec<Diagnostic>,
}

/// A value that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective<'a> {
    pub key: Key,
    pub value: &'a str,
    /// What the value says, where it was read before: policies read theirs once for all pods.
    pub(crate) request: Option<&'a Request<'static>>,
    pub source: Source,
    /// Whether that is an enforced policy.
    pub enforced: bool,
    /// The containers of the app that are meant where the value names none.
    pub(crate) containers: &'a AppContainers,
}

/// A value that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden<'a> {
    pub key: Key,
    /// Who decided against it.
    pub by: Source,
    /// Who had said it.
    pub whose: Source,
    pub value: &'a str,
}

/// A value that an audit policy would add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audited<'a> {
    pub key: Key,
    pub value: &'a str,
    pub policy: &'a str,
}

impl<'a> Resolution<'a> {
    /// Who decides a key; the pod itself where nobody does.
    pub(crate) fn source_of(&self, key: Key) -> Source {
        self.decided(key).map_or(Source::Pod, |effective| effective.source.clone())
    }

    /// Whether an enforced policy decides a key.
    pub(crate) fn is_enforced(&self, key: Key) -> bool {
        self.decided(key).is_some_and(|effective| effective.enforced)
    }

    /// Whether the policies that are for the pod let it choose an image.
    pub(crate) fn allows_image(&self, image: &str) -> bool {
        self.bounds.iter().all(|(_, bounds)| bounds.check(Some(image), None, None).is_ok())
    }

    /// The values that count and that a policy has set that skips pods with an obstacle, each with all policies of that kind
    /// that say the same.
    pub(crate) fn yielding(&self) -> impl Iterator<Item = (&'a Policy, &Effective<'a>)> {
        let skips =
            |policy: &&'a Policy| policy.on_obstacle == OnObstacle::Skip && policy.mode != Mode::Audit;
        let yields = move |effective: &&Effective<'a>| match &effective.source {
            Source::Policy(name) => {
                self.matched.iter().copied().filter(skips).any(|policy| policy.name == *name)
            }
            _ => false,
        };
        self.effective.iter().filter(yields).flat_map(move |effective| {
            let says = |policy: &&'a Policy| {
                policy.value(effective.key).is_some_and(|own| own.text == effective.value)
            };
            let who = self.matched.iter().copied().filter(skips).filter(says).collect::<Vec<_>>();
            who.into_iter().map(move |policy| (policy, effective))
        })
    }

    fn decided(&self, key: Key) -> Option<&Effective<'_>> {
        self.effective.iter().find(|effective| effective.key == key)
    }
}
