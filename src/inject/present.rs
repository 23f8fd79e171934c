//! What is in the pod already. Names and status annotations prove nothing: a thing is there when every field that we
//! would write is there, whatever the API server or others have added around it.

use serde::Deserialize;
use serde_json::Value;

use crate::pod::view::same_place;
use crate::pod::{Container, Field, Pod, Scalar};
use multipod_json::Raw;
use multipod_values::short;

use super::same::is_part_of;
use super::wanted::{Place, Wanted};
use super::{DenyReason, Refusal};

/// Marks what is there. A thing of ours by name that is not ours by its fields becomes a refusal.
pub(super) fn mark(
    wanted: &mut Wanted,
    pod: &Pod<'_>,
    refusals: &mut Vec<Refusal>,
    warnings: &mut Vec<String>,
) {
    let mut spec = Received { raw: pod.raw_spec, lists: None };
    mark_containers(wanted, pod, &mut spec, refusals);
    mark_volumes(wanted, pod, &mut spec, refusals);
    mark_app(wanted, pod, &mut spec, refusals);
    mark_annotations(wanted, pod, refusals, warnings);
    mark_pod_fields(wanted, pod, refusals);
}

/// The lists of the spec, split into their items only when a name of ours is seen in one; the item alone is then built.
struct Received<'a> {
    raw: &'a str,
    lists: Option<Lists<'a>>,
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

impl Received<'_> {
    fn item(&mut self, list: &str, index: usize) -> Value {
        // The view was read from the same text, so it parses.
        let lists = self.lists.get_or_insert_with(|| multipod_json::read(self.raw).unwrap_or_default());
        let items = match list {
            "initContainers" => lists.init_containers.items(),
            "containers" => lists.containers.items(),
            "volumes" => lists.volumes.items(),
            _ => &[],
        };
        items.get(index).and_then(|item| serde_json::from_str(item.text()).ok()).unwrap_or_default()
    }
}

fn mark_containers(wanted: &mut Wanted, pod: &Pod<'_>, spec: &mut Received<'_>, refusals: &mut Vec<Refusal>) {
    for index in 0..wanted.containers.len() {
        let want = &wanted.containers[index];
        let ours = &want.what.container;
        let Some((list, at)) = find_container(pod, &ours.name) else { continue };
        let right_list = match want.what.place {
            Place::NativeSidecar | Place::Step => "initContainers",
            Place::ClassicSidecar => "containers",
        };
        let theirs = with_users_of(pod, spec.item(list, at));
        if list == right_list && is_part_of(ours, &theirs) {
            wanted.containers[index].there = true;
            continue;
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
            key = wanted.key_of(want.part),
            name = ours.name,
            part = wanted.name_of(want.part),
        );
        refusals.push(Refusal::new(DenyReason::ContainerNameTaken, message).about(wanted.key_of(want.part)));
    }
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

fn mark_volumes(wanted: &mut Wanted, pod: &Pod<'_>, spec: &mut Received<'_>, refusals: &mut Vec<Refusal>) {
    for index in 0..wanted.volumes.len() {
        let want = &wanted.volumes[index];
        let name = &*want.what.name;
        let Some(at) = pod.spec.volumes.items().iter().position(|volume| &*volume.name == name) else {
            continue;
        };
        if is_part_of(&want.what, &spec.item("volumes", at)) {
            wanted.volumes[index].there = true;
            continue;
        }
        let message = format!(
            "{key}: a volume named {name} is there already, and it is not the one that {part} would add\nRename it",
            key = wanted.key_of(want.part),
            part = wanted.name_of(want.part),
        );
        refusals.push(Refusal::new(DenyReason::VolumeNameTaken, message).about(wanted.key_of(want.part)));
    }
}

fn mark_app(wanted: &mut Wanted, pod: &Pod<'_>, spec: &mut Received<'_>, refusals: &mut Vec<Refusal>) {
    let containers = pod.spec.containers.items();
    for index in 0..wanted.mounts.len() {
        let want = &wanted.mounts[index];
        let (container, mount) = (&containers[want.what.container], &want.what.mount);
        let path = mount.mount_path.trim_end_matches('/');
        let theirs = container.volume_mounts.items();
        let Some(other) = theirs.iter().find(|other| same_place(&other.mount_path, path)) else {
            continue;
        };
        let same = *other.name == *mount.name
            && *other.sub_path == *mount.sub_path.as_deref().unwrap_or_default()
            && other.read_only.unwrap_or(false) == mount.read_only;
        if same {
            wanted.mounts[index].there = true;
            continue;
        }
        let message = format!(
            "{key}: {part} needs to mount a folder at {path} in container {app}, where volume {other} is mounted \
             already\nChoose another folder, or remove that mount",
            key = wanted.key_of(want.part),
            part = wanted.name_of(want.part),
            app = &*container.name,
            other = &*other.name,
        );
        refusals.push(Refusal::new(DenyReason::MountPathTaken, message).about(wanted.key_of(want.part)));
    }
    for index in 0..wanted.env.len() {
        let want = &wanted.env[index];
        let container = &containers[want.what.container];
        let name = &*want.what.env.name;
        let names = match container.env_names() {
            Ok(names) => names,
            Err(fault) => {
                let message = format!("the pod cannot be read: {fault}");
                refusals.push(Refusal::new(DenyReason::UnreadablePod, message));
                continue;
            }
        };
        let Some(at) = names.iter().position(|other| &**other == name) else { continue };
        if is_part_of(&want.what.env, &spec.item("containers", want.what.container)["env"][at]) {
            wanted.env[index].there = true;
            continue;
        }
        let message = format!(
            "{key}: {part} sets the variable {name} in container {app}, which sets it already\nRemove one of the two",
            key = wanted.key_of(want.part),
            part = wanted.name_of(want.part),
            app = &*container.name,
        );
        refusals.push(Refusal::new(DenyReason::EnvNameTaken, message).about(wanted.key_of(want.part)));
    }
}

fn mark_annotations(
    wanted: &mut Wanted,
    pod: &Pod<'_>,
    refusals: &mut Vec<Refusal>,
    warnings: &mut Vec<String>,
) {
    for index in 0..wanted.notes.len() {
        let want = &wanted.notes[index];
        let note = &want.what;
        let Some((_, value)) = pod.metadata.annotations.pairs().iter().find(|(key, _)| **key == *note.key)
        else {
            continue;
        };
        let same = matches!(value, Scalar::Text(text) if **text == *note.value);
        if !same && note.must_be_ours {
            let message = format!(
                "{key}: the annotation {taken} carries what {part} has rendered, and the pod sets it to something else\n\
                 Remove {taken} from the pod",
                key = wanted.key_of(want.part),
                taken = note.key,
                part = wanted.name_of(want.part),
            );
            refusals.push(Refusal::new(DenyReason::AnnotationTaken, message).about(&*note.key));
            continue;
        }
        if !same {
            warnings.push(format!(
                "{} stays as the pod has it; multipod would have set it to {:?}",
                note.key,
                short(&note.value)
            ));
        }
        wanted.notes[index].there = true;
    }
}

fn mark_pod_fields(wanted: &mut Wanted, pod: &Pod<'_>, refusals: &mut Vec<Refusal>) {
    let sysctls = pod.spec.security_context.value().map_or(&[][..], |context| context.sysctls.items());
    for index in 0..wanted.sysctls.len() {
        let want = &wanted.sysctls[index];
        let (name, value) = &want.what;
        let Some(theirs) = sysctls.iter().find(|sysctl| *sysctl.name == **name) else { continue };
        if *theirs.value == **value {
            wanted.sysctls[index].there = true;
            continue;
        }
        let message = format!(
            "{key}: {part} needs the kernel setting {name}={value}, and the pod sets it to {theirs}\nUse ports from \
             1024 up, or remove the setting",
            key = wanted.key_of(want.part),
            part = wanted.name_of(want.part),
            theirs = &*theirs.value,
        );
        refusals.push(Refusal::new(DenyReason::SysctlTaken, message).about(wanted.key_of(want.part)));
    }
    for want in &mut wanted.pull_secrets {
        want.there = pod.spec.image_pull_secrets.items().iter().any(|secret| *secret.name == *want.what);
    }
    if let Some(share) = &mut wanted.share_process_namespace {
        share.there = pod.spec.share_process_namespace.value() == Some(&true);
    }
}
