//! All that must be in a pod in the end, whether it is there already or not, in the order in which it is added.
//!
//! ```text
//! initContainers:  leading run of others' infrastructure │ our sidecars │ our steps │ the user's own
//! containers:      the user's own │ our classic sidecars
//! ```

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::annotation::settings::Sidecar;
use crate::annotation::{Key, Source};
use crate::pattern::change::{Kind, Parent};
use crate::pattern::container::Text;
use crate::pattern::{Addition, Change, Note, Role};
use crate::pod::view::is_own_name;
use crate::pod::{self, Pod, Version};

use super::mesh;

/// Everything that must be in one pod.
#[derive(Debug)]
pub struct Plan {
    /// What was asked for, and by whom.
    pub parts: Vec<Part>,
    pub changes: Vec<Planned>,
    /// The index in `initContainers` of the first new native sidecar.
    pub sidecars_at: usize,
    /// The index of the first new step, once the sidecars are in.
    pub steps_at: usize,
}

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub(crate) key: Key,
    /// What people call it.
    pub name: Text,
    pub(crate) source: Source,
    /// Whether that is an enforced policy.
    pub(crate) enforced: bool,
}

/// One thing that must be in the pod.
#[derive(Debug)]
pub struct Planned {
    /// The part that needs it; the first one where every injected pod gets it.
    pub(crate) part: usize,
    pub reason: Reason,
    pub(crate) presence: Presence,
    pub change: Change,
}

/// Why a change is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its part asks for it.
    Asked,
    /// Every pod that gets something gets it.
    EveryPod,
    /// A sidecar is native or classic, because the annotation says so,
    SidecarOfAnnotation,
    /// or else the cluster's settings,
    SidecarOfSettings,
    /// or else because this version knows native ones, or does not.
    SidecarOfVersion(Version),
}

/// Whether something has to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Missing,
    /// It is in the pod, field by field.
    Present,
    /// An earlier change of this plan adds it.
    Repeated,
}

impl Planned {
    pub fn new(part: usize, reason: Reason, change: impl Into<Change>) -> Self {
        Planned { part, reason, presence: Presence::Missing, change: change.into() }
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.presence == Presence::Missing
    }
}

impl Plan {
    /// What is added, in the order of the patch.
    pub fn missing(&self) -> impl Iterator<Item = &Planned> + Clone {
        self.changes.iter().filter(|planned| planned.is_missing())
    }

    /// Whether nothing is added.
    pub(crate) fn is_empty(&self) -> bool {
        self.missing().next().is_none()
    }

    /// Every new container, in the order in which they start.
    pub fn new_containers(&self) -> impl Iterator<Item = &Addition> + Clone {
        self.missing().filter_map(|planned| planned.change.container())
    }

    /// The new containers of one role.
    pub(super) fn in_role(&self, role: Role) -> impl Iterator<Item = &Addition> + Clone {
        self.new_containers().filter(move |new| new.role == role)
    }

    pub(super) fn new_annotations(&self) -> impl Iterator<Item = &Note> + Clone {
        self.missing().filter_map(|planned| planned.change.annotation())
    }

    /// What people call the part that needs something.
    pub(crate) fn name_of(&self, planned: &Planned) -> &str {
        self.parts.get(planned.part).map_or("multipod", |part| &part.name)
    }

    /// The annotation that it came from.
    pub fn key_of(&self, planned: &Planned) -> &'static str {
        self.parts.get(planned.part).map_or("multipod", |part| part.key.full())
    }

    /// Whether it must be exactly as it would be added: an enforced policy asks for it, or for something beside it that
    /// every injected pod gets.
    pub(super) fn is_enforced(&self, planned: &Planned) -> bool {
        match planned.reason {
            Reason::EveryPod => self.parts.iter().any(|part| part.enforced),
            _ => self.parts.get(planned.part).is_some_and(|part| part.enforced),
        }
    }

    /// All of one kind, as long as they are sorted by kind: until they are [arranged](Self::arrange).
    pub(super) fn of_kind(&self, kind: Kind) -> &[Planned] {
        let start = self.changes.partition_point(|planned| planned.change.kind() < kind);
        let rest = &self.changes[start..];
        &rest[..rest.partition_point(|planned| planned.change.kind() == kind)]
    }

    /// What is needed several times is added once; and everything in the order of the patch.
    pub(super) fn arrange(&mut self, pod: &Pod<'_>) {
        for index in self.repeated() {
            self.changes[index].presence = Presence::Repeated;
        }
        self.changes.sort_by_key(|planned| order(&planned.change));
        let (sidecars, steps) = places(pod.spec.init_containers.items());
        self.sidecars_at = sidecars;
        self.steps_at = steps + self.in_role(Role::Sidecar(Some(Sidecar::Native))).count();
    }
}

impl Plan {
    /// Where what an earlier change adds stands again.
    fn repeated(&self) -> Vec<usize> {
        let place = |planned: &'_ Planned| (planned.is_missing(), planned.change.parent());
        let mut earlier = earlier(&self.changes, |planned| (place(planned), planned.change.name()));
        let mut is_again = |index: usize| {
            let planned = &self.changes[index];
            let first = earlier(index).filter(|_| planned.is_missing());
            first.is_some_and(|first| is_repeated(&planned.change, &first.change))
        };
        (0..self.changes.len()).filter(|index| is_again(*index)).collect()
    }
}

/// Finds, for one change after the other, the first before it that has the same key. Plans are short; a map is worth its
/// allocation only for the long ones.
pub(super) fn earlier<'c, K: Ord>(
    all: &'c [Planned],
    key: impl Fn(&'c Planned) -> K,
) -> impl FnMut(usize) -> Option<&'c Planned> {
    const SHORT: usize = 16;
    let mut firsts = BTreeMap::new();
    move |index| {
        let wanted = key(&all[index]);
        if all.len() <= SHORT {
            return all[..index].iter().find(|other| key(other) == wanted);
        }
        match firsts.entry(wanted) {
            Entry::Vacant(place) => {
                place.insert(&all[index]);
                None
            }
            Entry::Occupied(first) => Some(*first.get()),
        }
    }
}

fn is_repeated(change: &Change, earlier: &Change) -> bool {
    match (change, earlier) {
        // Of two that differ the first counts: neither is one that must be ours.
        (Change::Annotation(note), Change::Annotation(earlier)) => note.key == earlier.key,
        _ => change == earlier,
    }
}

fn order(change: &Change) -> (Parent, usize, bool) {
    let is_step = change.container().is_some_and(|new| new.role == Role::Step);
    match change.parent() {
        // One app container after the other.
        Parent::AppVariables(container) => (Parent::AppMounts(container), 1, is_step),
        parent => (parent, 0, is_step),
    }
}

/// Where our sidecars and our steps go: behind the leading run of others' infrastructure, and behind what of ours is
/// there already.
fn places(init: &[pod::Container<'_>]) -> (usize, usize) {
    let infrastructure =
        |container: &pod::Container<'_>| container.is_native_sidecar() || mesh::is_init(&container.name);
    let sidecars = init.iter().position(|container| !infrastructure(container)).unwrap_or(init.len());
    let ours = init[sidecars..].iter().take_while(|container| is_own_name(&container.name)).count();
    (sidecars, sidecars + ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_stand_behind_the_leading_run_of_infrastructure() {
        for (names, expected) in [
            (&[][..], (0, 0)),
            (&["migrate"][..], (0, 0)),
            (&["istio-init", "istio-proxy:Always", "migrate"][..], (2, 2)),
            (&["linkerd-init", "migrate", "late:Always"][..], (1, 1)),
            (&["a:Always", "multipod-x:Always", "multipod-wait-for-1", "migrate"][..], (2, 3)),
        ] {
            let init: Vec<pod::Container> = names
                .iter()
                .map(|name| {
                    let (name, policy) = name.split_once(':').unwrap_or((name, ""));
                    pod::Container {
                        name: pod::Text(name.into()),
                        restart_policy: pod::Text(policy.into()),
                        ..pod::Container::default()
                    }
                })
                .collect();
            assert_eq!(places(&init), expected, "{names:?}");
        }
    }
}
