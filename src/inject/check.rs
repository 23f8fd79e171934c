//! Before a patch is given out it is applied to an outline of the received pod, by the strict rules of RFC 6902, and
//! the result is compared with the plan.
//!
//! The outline holds which parents exist, how long each list is and where ours stand in it: all that an `add` can get
//! wrong. Building the whole document for this would cost more than everything else together.

use thiserror::Error;

use crate::annotation::key::STATUS;
use crate::pattern::container::Container;
use crate::pod::view::Pairs;
use crate::pod::{Field, Pod};
use multipod_json::Raw;

use super::patch::{Operation, Patch};
use super::plan::Plan;

/// What is wrong with a patch of ours: always our own fault, never the user's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatchFault {
    /// A value could not be serialised.
    #[error("a value could not be written as JSON")]
    Unwritable,
    /// The path leads to no place that we may add to.
    #[error("the patch adds at {0}, where nothing of ours belongs")]
    Forbidden(String),
    /// The parent does not exist, or the index is behind its end.
    #[error("the patch adds at {0}, whose parent is not there")]
    NoParent(String),
    /// The field is there already.
    #[error("the patch adds at {0}, which is there already")]
    Overwrites(String),
    /// The result is not what was planned.
    #[error("the patched pod would not have the planned {0}")]
    NotThePlan(&'static str),
}

/// Applies the patch to the outline, and compares with the plan.
pub(super) fn check<'p>(patch: &'p Patch, plan: &'p Plan, pod: &Pod<'_>) -> Result<(), PatchFault> {
    let mut outline = Outline::of(pod);
    for operation in patch.operations() {
        outline.apply(operation, pod)?;
    }
    outline.compare(plan, pod)
}

/// A list of the pod: missing, or this long.
type List = Option<usize>;

struct Outline<'p> {
    metadata: bool,
    annotations: List,
    security_context: bool,
    sysctls: List,
    share_process_namespace: bool,
    pull_secrets: List,
    volumes: List,
    containers: List,
    /// What stands in each place; `None` is the user's own.
    init: Option<Vec<Option<&'p str>>>,
    /// How many mounts and variables were added to the app's containers.
    added_mounts: usize,
    added_env: usize,
    /// Lists of the app's containers that an operation has made: only the first one may.
    made: Vec<(usize, bool)>,
}

fn length<T>(list: &Field<Vec<T>>) -> List {
    list.value().map(Vec::len)
}

impl<'p> Outline<'p> {
    fn of(pod: &Pod<'_>) -> Self {
        let context = pod.spec.security_context.value();
        Outline {
            metadata: pod.has_metadata,
            annotations: pod.metadata.annotations.value().map(|pairs| pairs.0.len()),
            security_context: context.is_some(),
            sysctls: context.and_then(|context| length(&context.sysctls)),
            share_process_namespace: pod.spec.share_process_namespace.value().is_some(),
            pull_secrets: length(&pod.spec.image_pull_secrets),
            volumes: length(&pod.spec.volumes),
            containers: length(&pod.spec.containers),
            init: pod.spec.init_containers.value().map(|init| vec![None; init.len()]),
            added_mounts: 0,
            added_env: 0,
            made: Vec::new(),
        }
    }

    fn apply(&mut self, operation: Operation<'p>, pod: &Pod<'_>) -> Result<(), PatchFault> {
        let path = operation.path;
        let no_parent = || PatchFault::NoParent(path.to_owned());
        let overwrites = || PatchFault::Overwrites(path.to_owned());
        let rest = path.strip_prefix('/').ok_or_else(|| PatchFault::Forbidden(path.to_owned()))?;
        let (top, rest) = rest.split_once('/').unwrap_or((rest, ""));
        if top == "metadata" {
            return self.apply_to_metadata(operation, rest, pod);
        }
        if top != "spec" || !pod.has_spec {
            return Err(PatchFault::Forbidden(path.to_owned()));
        }
        match rest {
            "shareProcessNamespace" if self.share_process_namespace => Err(overwrites()),
            "shareProcessNamespace" => {
                self.share_process_namespace = true;
                Ok(())
            }
            "securityContext" if self.security_context => Err(overwrites()),
            "securityContext" => {
                self.security_context = true;
                self.sysctls = Some(1);
                Ok(())
            }
            "initContainers" if self.init.is_some() => Err(overwrites()),
            "initContainers" => {
                self.init = Some(operation.names().map(Some).collect());
                Ok(())
            }
            _ if rest.starts_with("securityContext/") && !self.security_context => Err(no_parent()),
            _ => {
                if let Some(index) = rest.strip_prefix("initContainers/") {
                    let init = self.init.as_mut().ok_or_else(no_parent)?;
                    let index =
                        index.parse().ok().filter(|index| *index <= init.len()).ok_or_else(no_parent)?;
                    init.insert(index, operation.names().next());
                    return Ok(());
                }
                let lists: [(&str, &mut List); 4] = [
                    ("imagePullSecrets", &mut self.pull_secrets),
                    ("volumes", &mut self.volumes),
                    ("containers", &mut self.containers),
                    ("securityContext/sysctls", &mut self.sysctls),
                ];
                for (name, list) in lists {
                    match rest.strip_prefix(name) {
                        Some("") if list.is_some() => return Err(overwrites()),
                        Some("") => {
                            *list = Some(operation.items());
                            return Ok(());
                        }
                        Some("/-") => {
                            *list.as_mut().ok_or_else(no_parent)? += 1;
                            return Ok(());
                        }
                        _ => {}
                    }
                }
                self.apply_to_app(operation, rest, pod)
            }
        }
    }

    fn apply_to_metadata(
        &mut self,
        operation: Operation<'_>,
        rest: &str,
        pod: &Pod<'_>,
    ) -> Result<(), PatchFault> {
        let path = operation.path;
        let annotations = &mut self.annotations;
        match rest {
            "" | "annotations" => {
                let there = if rest.is_empty() { self.metadata } else { annotations.is_some() };
                if there {
                    return Err(PatchFault::Overwrites(path.to_owned()));
                }
                if !rest.is_empty() && !self.metadata {
                    return Err(PatchFault::NoParent(path.to_owned()));
                }
                self.metadata = true;
                *annotations = Some(operation.members());
                Ok(())
            }
            _ => {
                let key = rest
                    .strip_prefix("annotations/")
                    .filter(|key| !key.contains('/'))
                    .ok_or_else(|| PatchFault::Forbidden(path.to_owned()))?;
                let theirs = pod.metadata.annotations.pairs().iter().any(|(name, _)| is_written(key, name));
                // The status is ours, whoever wrote it.
                if theirs && !is_written(key, STATUS) {
                    return Err(PatchFault::Overwrites(path.to_owned()));
                }
                *annotations.as_mut().ok_or_else(|| PatchFault::NoParent(path.to_owned()))? +=
                    usize::from(!theirs);
                Ok(())
            }
        }
    }

    /// `containers/INDEX/volumeMounts` and `containers/INDEX/env`, whole or one more item.
    fn apply_to_app(
        &mut self,
        operation: Operation<'_>,
        rest: &str,
        pod: &Pod<'_>,
    ) -> Result<(), PatchFault> {
        let path = operation.path;
        let forbidden = || PatchFault::Forbidden(path.to_owned());
        let inside = rest.strip_prefix("containers/").ok_or_else(forbidden)?;
        let (index, field) = inside.split_once('/').ok_or_else(forbidden)?;
        let index: usize = index.parse().map_err(|_| forbidden())?;
        let container =
            pod.spec.containers.items().get(index).ok_or_else(|| PatchFault::NoParent(path.to_owned()))?;
        let (field, append) = field.strip_suffix("/-").map_or((field, false), |field| (field, true));
        let (is_env, there) = match field {
            "volumeMounts" => (false, container.volume_mounts.value().is_some()),
            "env" => (true, container.env.value().is_some()),
            _ => return Err(forbidden()),
        };
        let there = there || self.made.contains(&(index, is_env));
        let added = match (append, there) {
            (true, true) => 1,
            (true, false) => return Err(PatchFault::NoParent(path.to_owned())),
            (false, true) => return Err(PatchFault::Overwrites(path.to_owned())),
            (false, false) => {
                self.made.push((index, is_env));
                operation.items()
            }
        };
        *(if is_env { &mut self.added_env } else { &mut self.added_mounts }) += added;
        Ok(())
    }

    fn compare(&self, plan: &'p Plan, pod: &Pod<'_>) -> Result<(), PatchFault> {
        let grown = |list: List, before: List, by: usize| list.unwrap_or(0) == before.unwrap_or(0) + by;
        let spec = &pod.spec;
        let new_keys = plan.annotations.iter().filter(|(key, _)| !pod.metadata.annotations.has(key)).count();
        let before = Outline::of(pod);
        for (what, as_planned) in [
            ("annotations", grown(self.annotations, before.annotations, new_keys)),
            ("sysctls", grown(self.sysctls, before.sysctls, plan.sysctls.len())),
            ("pull secrets", grown(self.pull_secrets, before.pull_secrets, plan.pull_secrets.len())),
            ("volumes", grown(self.volumes, before.volumes, plan.volumes.len())),
            ("containers", grown(self.containers, before.containers, plan.containers.len())),
            ("mounts", self.added_mounts == plan.mounts.len()),
            ("variables", self.added_env == plan.env.len()),
            ("init containers", self.init_is_planned(plan, spec.init_containers.items().len())),
        ] {
            if !as_planned {
                return Err(PatchFault::NotThePlan(what));
            }
        }
        Ok(())
    }

    /// Others' infrastructure, our sidecars, our steps, the user's own: by name and place.
    fn init_is_planned(&self, plan: &'p Plan, theirs: usize) -> bool {
        let between = plan.steps_at - plan.sidecars_at - plan.sidecars.len();
        let ours = |containers: &'p [Container]| containers.iter().map(|container| Some(&*container.name));
        let planned = std::iter::repeat_n(None, plan.sidecars_at)
            .chain(ours(&plan.sidecars))
            .chain(std::iter::repeat_n(None, between))
            .chain(ours(&plan.steps))
            .chain(std::iter::repeat_n(None, theirs - plan.sidecars_at - between));
        let init = self.init.as_deref().unwrap_or_default();
        planned.eq(init.iter().copied())
    }
}

impl<'p> Operation<'p> {
    /// The names of the containers in the value: one object or a list of them, `name` first in each.
    fn names(self) -> impl Iterator<Item = &'p str> {
        let list = self.value.starts_with('[');
        let found = if list { self.container_names() } else { first_name(self.value).into_iter().collect() };
        found.into_iter()
    }

    fn container_names(self) -> Vec<&'p str> {
        let items: Vec<Raw<'_>> = multipod_json::read(self.value).unwrap_or_default();
        items.into_iter().filter_map(|item| first_name(item.text())).collect()
    }

    /// How many items a list value has.
    fn items(self) -> usize {
        if !self.value.starts_with('[') {
            return 1;
        }
        multipod_json::read::<Vec<serde::de::IgnoredAny>>(self.value).map_or(0, |items| items.len())
    }

    /// How many annotations a map value holds, or the map below its `annotations`.
    fn members(self) -> usize {
        #[derive(serde::Deserialize)]
        struct Annotated<'v> {
            #[serde(borrow)]
            annotations: Pairs<'v>,
        }
        let whole = self.path == "/metadata";
        let pairs = if whole {
            multipod_json::read::<Annotated<'_>>(self.value).map(|inside| inside.annotations)
        } else {
            multipod_json::read::<Pairs<'_>>(self.value)
        };
        pairs.map_or(0, |pairs| pairs.0.len())
    }
}

/// Whether one part of a JSON pointer, escapes and all, stands for this name.
fn is_written(part: &str, name: &str) -> bool {
    let mut part = part.bytes();
    let mut plain = std::iter::from_fn(|| match part.next()? {
        b'~' if part.next()? == b'0' => Some(b'~'),
        b'~' => Some(b'/'),
        other => Some(other),
    });
    name.bytes().all(|byte| plain.next() == Some(byte)) && plain.next().is_none()
}

fn first_name(value: &str) -> Option<&str> {
    value.strip_prefix(r#"{"name":""#)?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::Head;

    fn outcome(pod: &str, path: &str) -> Result<(), PatchFault> {
        let head = Head::read(pod).unwrap();
        let pod = head.open().unwrap();
        Outline::of(&pod).apply(Operation { path, value: r#"{"name":"multipod-x"}"# }, &pod)
    }

    #[test]
    fn only_adds_to_places_that_exist_and_are_free_pass() {
        let pod = r#"{"metadata":{"annotations":{"a":"b"}},"spec":{"containers":[{"name":"app"}],"initContainers":[{"name":"i"}]}}"#;
        for (path, expected) in [
            ("/metadata/annotations/x~1y", Ok(())),
            ("/metadata/annotations/a", Err("already")),
            ("/metadata/annotations", Err("already")),
            ("/metadata/labels/x", Err("belongs")),
            ("/spec/initContainers/1", Ok(())),
            ("/spec/initContainers/2", Err("parent")),
            ("/spec/initContainers", Err("already")),
            ("/spec/volumes/-", Err("parent")),
            ("/spec/volumes", Ok(())),
            ("/spec/containers/-", Ok(())),
            ("/spec/containers/0/env", Ok(())),
            ("/spec/containers/0/env/-", Err("parent")),
            ("/spec/containers/1/env", Err("parent")),
            ("/spec/containers/0/image", Err("belongs")),
            ("/spec/securityContext/sysctls/-", Err("parent")),
            ("/spec/securityContext", Ok(())),
            ("/spec/nodeName", Err("belongs")),
            ("/status", Err("belongs")),
        ] {
            match (outcome(pod, path), expected) {
                (Ok(()), Ok(())) => {}
                (Err(fault), Err(part)) if fault.to_string().contains(part) => {}
                (got, want) => panic!("{path}: {got:?}, expected {want:?}"),
            }
        }
    }

    #[test]
    fn a_patch_that_leaves_the_plan_undone_is_refused() {
        let json = r#"{"metadata":{"annotations":{"multipod/ambassador":"80:8775"}},"spec":{"containers":[{"name":"app"}]}}"#;
        let head = Head::read(json).unwrap();
        let (settings, policies, catalogue) = Default::default();
        let context = crate::pattern::Context::new(&settings, &catalogue);
        let decision = crate::inject::decide(&head, &context, &policies);
        let crate::inject::Verdict::Inject(plan) = &decision.verdict else { panic!("{decision:?}") };
        let pod = decision.pod.as_ref().unwrap();
        assert!(Patch::of(plan, pod).is_ok());
        assert!(matches!(check(&Patch::default(), plan, pod), Err(PatchFault::NotThePlan(_))));
    }
}
