//! What is in the pod already. Names and status annotations prove nothing: a thing is there when every field that we
//! would write is there, whatever the API server or others have added around it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::pattern::change::{Kind, Parent, Sysctl};
use crate::pattern::{Addition, AppEnv, AppMount, Change, Note};
use crate::pod::limits::{LISTS, THING};
use crate::pod::view::same_place;
use crate::pod::{Container, Field, Pod, Scalar};
use multipod_json::{Raw, read_within};
use multipod_values::short;

use super::few::{Refusals, Warnings};
use super::plan::{Plan, Planned, Presence};
use super::same::is_part_of;
use super::{DenyReason, Refusal};

/// Marks what is there. A thing of ours by name that is not ours by its fields becomes a refusal.
pub(super) fn mark(plan: &mut Plan, pod: &Pod<'_>, refusals: &mut Refusals, warnings: &mut Warnings) {
    let mut spec = Received { raw: pod.raw_spec, lists: None, variables: BTreeMap::new() };
    for index in 0..plan.changes.len() {
        let planned = &plan.changes[index];
        match found(planned, plan, pod, &mut spec) {
            Found::Nothing => {}
            Found::Same => plan.changes[index].presence = Presence::Present,
            Found::Kept(warning) => {
                warnings.tell(|| warning);
                plan.changes[index].presence = Presence::Present;
            }
            Found::Other(reason, message) => {
                let about = planned.change.annotation().map_or(plan.key_of(planned), |note| &*note.key);
                refusals.tell(|| Refusal::new(reason, message).about(about));
            }
            Found::Unreadable(message) => {
                refusals.tell(|| Refusal::new(DenyReason::UnreadablePod, message));
            }
        }
    }
}

/// What there is in the place of a change.
enum Found {
    Nothing,
    /// What we would add.
    Same,
    /// What gives way to the user's own, with a warning.
    Kept(String),
    /// Something else, and why that cannot be.
    Other(DenyReason, String),
    Unreadable(String),
}

impl Found {
    fn same_or(same: bool, reason: DenyReason, message: impl FnOnce() -> String) -> Self {
        if same { Found::Same } else { Found::Other(reason, message()) }
    }
}

fn found<'p>(planned: &Planned, plan: &Plan, pod: &Pod<'p>, spec: &mut Received<'p>) -> Found {
    let (key, part) = (plan.key_of(planned), plan.name_of(planned));
    match &planned.change {
        Change::Container(new) => container(new, planned, plan, pod, spec),
        Change::Volume(volume) => {
            let name = &*volume.name;
            let at = pod.spec.volumes.items().iter().position(|volume| &*volume.name == name);
            at.map_or(Found::Nothing, |at| {
                let same = is_part_of(volume, &spec.item("volumes", at));
                Found::same_or(same, DenyReason::VolumeNameTaken, || {
                    format!(
                        "{key}: a volume named {name} is there already, and it is not the one that {part} would add\n\
                         Rename it"
                    )
                })
            })
        }
        Change::AppMount(new) => app_mount(new, key, part, pod),
        Change::AppVariable(new) => app_variable(new, planned, plan, pod, spec),
        Change::Annotation(note) => annotation(note, key, part, pod),
        Change::Sysctl(Sysctl { name, value }) => {
            let sysctls =
                pod.spec.security_context.value().map_or(&[][..], |context| context.sysctls.items());
            let theirs = sysctls.iter().find(|sysctl| *sysctl.name == **name);
            theirs.map_or(Found::Nothing, |theirs| {
                Found::same_or(*theirs.value == **value, DenyReason::SysctlTaken, || {
                    format!(
                        "{key}: {part} needs the kernel setting {name}={value}, and the pod sets it to {theirs}\nUse \
                         ports from 1024 up, or remove the setting",
                        theirs = &*theirs.value,
                    )
                })
            })
        }
        Change::PullSecret(new) => {
            let secrets = pod.spec.image_pull_secrets.items();
            if secrets.iter().any(|secret| *secret.name == *new.name) { Found::Same } else { Found::Nothing }
        }
        Change::SharedProcesses => {
            let shared = pod.spec.share_process_namespace.value() == Some(&true);
            if shared { Found::Same } else { Found::Nothing }
        }
    }
}

/// The lists of the spec, split into their items only when a name of ours is seen in one; the item alone is then built.
struct Received<'a> {
    raw: &'a str,
    lists: Option<Lists<'a>>,
    /// Of each app container that gets variables, those that it has already.
    variables: BTreeMap<usize, Result<BTreeMap<String, Raw<'a>>, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Lists<'a> {
    #[serde(borrow)]
    init_containers: Field<Vec<Raw<'a>>>,
    #[serde(borrow)]
    containers: Field<Vec<Raw<'a>>>,
    #[serde(borrow)]
    volumes: Field<Vec<Raw<'a>>>,
}

impl<'a> Received<'a> {
    fn item(&mut self, list: &str, index: usize) -> Value {
        // The view was read from the same text, so it parses.
        let lists = self.lists.get_or_insert_with(|| read_within(LISTS, self.raw).unwrap_or_default());
        let items = match list {
            "initContainers" => lists.init_containers.items(),
            "containers" => lists.containers.items(),
            "volumes" => lists.volumes.items(),
            _ => &[],
        };
        items.get(index).map(|item| built(*item)).unwrap_or_default()
    }

    /// The variable of a container that has the name of one that the plan sets. However many there are, they are looked at
    /// once.
    fn variable(&mut self, new: &AppEnv, plan: &Plan, pod: &Pod<'a>) -> Result<Option<Raw<'a>>, &str> {
        let found = self.variables.entry(new.container).or_insert_with(|| {
            let ours =
                plan.of_kind(Kind::AppVariable).iter().filter_map(|planned| planned.change.app_variable());
            let ours = ours.filter(|ours| ours.container == new.container);
            let ours: BTreeSet<&str> = ours.map(|ours| &*ours.env.name).collect();
            let mut theirs = BTreeMap::new();
            pod.spec.containers.items()[new.container].each_variable(|name, variable| {
                if ours.contains(name) && !theirs.contains_key(name) {
                    theirs.insert(name.to_owned(), variable);
                }
            })?;
            Ok(theirs)
        });
        found.as_ref().map(|theirs| theirs.get(&*new.env.name).copied()).map_err(String::as_str)
    }
}

/// What is too large to be one of ours is none.
fn built(raw: Raw<'_>) -> Value {
    read_within(THING, raw.text()).unwrap_or_default()
}

fn container(
    new: &Addition,
    planned: &Planned,
    plan: &Plan,
    pod: &Pod<'_>,
    spec: &mut Received<'_>,
) -> Found {
    let ours = &new.container;
    let Some((list, at)) = find_container(pod, &ours.name) else { return Found::Nothing };
    let right_list =
        if planned.change.parent() == Parent::Containers { "containers" } else { "initContainers" };
    let theirs = with_users_of(pod, spec.item(list, at));
    if list == right_list && is_part_of(ours, &theirs) {
        return Found::Same;
    }
    // The likeliest reason, where others rewrite what we have added.
    let theirs = theirs["image"].as_str().filter(|image| **image != *ours.image);
    let (image, mirror) = theirs.map_or_else(Default::default, |image| {
        (
            format!(": its image is {}, not {}", short(image), ours.image),
            "; if another webhook rewrites images, put what it makes of them into the settings of multipod",
        )
    });
    let message = format!(
        "{key}: a container named {name} is there already (spec.{list}), and it is not the one that {part} would \
         add{image}\nRename it, or remove it if it was added by an earlier version (multipod uninject){mirror}",
        key = plan.key_of(planned),
        name = ours.name,
        part = plan.name_of(planned),
    );
    Found::Other(DenyReason::ContainerNameTaken, message)
}

/// A container that names no user has that of the pod, and a pod may have got one since.
fn with_users_of(pod: &Pod<'_>, mut container: Value) -> Value {
    let Some(of_pod) = pod.spec.security_context.value() else { return container };
    let Some(security) = container.get_mut("securityContext").and_then(Value::as_object_mut) else {
        return container;
    };
    for (field, id) in [("runAsUser", of_pod.run_as_user), ("runAsGroup", of_pod.run_as_group)] {
        if let Some(id) = id
            && security.get(field).is_none_or(Value::is_null)
        {
            security.insert(field.to_owned(), id.into());
        }
    }
    container
}

fn find_container(pod: &Pod<'_>, name: &str) -> Option<(&'static str, usize)> {
    let lists: [(&'static str, &[Container<'_>]); 3] = [
        ("initContainers", pod.spec.init_containers.items()),
        ("containers", pod.spec.containers.items()),
        ("ephemeralContainers", pod.spec.ephemeral_containers.items()),
    ];
    lists.into_iter().find_map(|(list, items)| Some((list, items.iter().position(|c| &*c.name == name)?)))
}

fn app_mount(new: &AppMount, key: &str, part: &str, pod: &Pod<'_>) -> Found {
    let (container, mount) = (&pod.spec.containers.items()[new.container], &new.mount);
    let path = mount.mount_path.trim_end_matches('/');
    let theirs = container.volume_mounts.items();
    let Some(other) = theirs.iter().find(|other| same_place(&other.mount_path, path)) else {
        return Found::Nothing;
    };
    let same = *other.name == *mount.name
        && *other.sub_path == *mount.sub_path.as_deref().unwrap_or_default()
        && other.read_only.unwrap_or(false) == mount.read_only;
    Found::same_or(same, DenyReason::MountPathTaken, || {
        format!(
            "{key}: {part} needs to mount a folder at {path} in container {app}, where volume {other} is mounted \
             already\nChoose another folder, or remove that mount",
            app = &*container.name,
            other = &*other.name,
        )
    })
}

fn app_variable<'p>(
    new: &AppEnv,
    planned: &Planned,
    plan: &Plan,
    pod: &Pod<'p>,
    spec: &mut Received<'p>,
) -> Found {
    let theirs = match spec.variable(new, plan, pod) {
        Ok(Some(theirs)) => theirs,
        Ok(None) => return Found::Nothing,
        Err(problem) => return Found::Unreadable(format!("the pod cannot be read: {problem}")),
    };
    Found::same_or(is_part_of(&new.env, &built(theirs)), DenyReason::EnvNameTaken, || {
        format!(
            "{key}: {part} sets the variable {name} in container {app}, which sets it already\nRemove one of the two",
            key = plan.key_of(planned),
            part = plan.name_of(planned),
            name = new.env.name,
            app = &*pod.spec.containers.items()[new.container].name,
        )
    })
}

fn annotation(note: &Note, key: &str, part: &str, pod: &Pod<'_>) -> Found {
    let theirs = pod.metadata.annotations.pairs().iter().find(|(key, _)| **key == *note.key);
    let Some((_, value)) = theirs else { return Found::Nothing };
    if matches!(value, Scalar::Text(text) if **text == *note.value) {
        return Found::Same;
    }
    if !note.must_be_ours {
        return Found::Kept(format!(
            "{} stays as the pod has it; multipod would have set it to {:?}",
            note.key,
            short(&note.value)
        ));
    }
    let message = format!(
        "{key}: the annotation {taken} carries what {part} has rendered, and the pod sets it to something else\n\
         Remove {taken} from the pod",
        taken = note.key,
    );
    Found::Other(DenyReason::AnnotationTaken, message)
}
