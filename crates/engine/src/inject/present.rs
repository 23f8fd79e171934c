//! What is in the pod already. Names and status annotations prove nothing: a thing is there when every field that we
//! would write is there. What it has besides is told, and where an enforced policy asks for it, refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::pattern::change::{Kind, Parent, Sysctl};
use crate::pattern::container::{Security, Volume};
use crate::pattern::{Addition, AppEnv, AppMount, Change, Context, Note};
use crate::pod::limits::{LISTS, THING};
use crate::pod::path::Folder;
use crate::pod::{Container, Field, Mount, Pod, Scalar};
use crate::policy::Resolution;
use multipod_json::{Meter, Raw, read_within};
use multipod_values::short;

use super::few::{Refusals, Warnings};
use super::plan::{Plan, Planned, Presence};
use super::same::{Likeness, compare};
use super::{DenyReason, Refusal};

/// Marks what is there. A thing of ours by name that is not ours by its fields becomes a refusal.
pub(super) fn mark(
    plan: &mut Plan,
    pod: &Pod<'_>,
    (context, resolution): (&Context<'_>, &Resolution<'_>),
    refusals: &mut Refusals,
    warnings: &mut Warnings,
) {
    let mut look = Look {
        pod,
        context,
        resolution,
        spec: Received { raw: pod.raw_spec, meter: pod.meter, lists: None, variables: BTreeMap::new() },
        warnings,
    };
    let spec = &pod.spec;
    let most =
        spec.containers.items().len() + spec.init_containers.items().len() + spec.volumes.items().len();
    for index in 0..plan.changes.len() {
        let planned = &plan.changes[index];
        // One change is looked for among all of its kind.
        let among = match planned.change.parent().app() {
            Some(app) => spec.containers.items()[app].volume_mounts.items().len(),
            None => most,
        };
        if !pod.go(1 + among) {
            return;
        }
        match look.for_change(planned, plan) {
            Found::Nothing => {}
            Found::Same => plan.changes[index].presence = Presence::Present,
            Found::Other(reason, message) => {
                let key = plan.key_of(planned);
                let about = planned.change.annotation().map_or(key, |note| &*note.key);
                refusals
                    .tell(|| Refusal { asked_by: Some(key), ..Refusal::new(reason, message).about(about) });
            }
            Found::Unreadable(problem) => refusals.tell(|| Refusal::unreadable(&problem)),
        }
    }
}

/// What there is in the place of a change.
enum Found {
    Nothing,
    /// What we would add, or what may stand in its place.
    Same,
    /// Something else, and why that cannot be.
    Other(DenyReason, String),
    Unreadable(String),
}

impl Found {
    fn same_or(same: bool, reason: DenyReason, message: impl FnOnce() -> String) -> Self {
        if same { Found::Same } else { Found::Other(reason, message()) }
    }
}

/// The received pod, and what decides about what is in it.
struct Look<'l, 'p> {
    pod: &'l Pod<'p>,
    context: &'l Context<'l>,
    resolution: &'l Resolution<'l>,
    spec: Received<'p>,
    warnings: &'l mut Warnings,
}

/// One change that is looked for, and how it is told.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    key: &'static str,
    part: &'w str,
    enforced: bool,
}

impl Look<'_, '_> {
    fn for_change(&mut self, planned: &Planned, plan: &Plan) -> Found {
        let (key, part, enforced) = (plan.key_of(planned), plan.name_of(planned), plan.is_enforced(planned));
        let (pod, wanted) = (self.pod, Wanted { key, part, enforced });
        match &planned.change {
            Change::Container(new) => self.container(new, planned.change.parent(), wanted),
            Change::Volume(volume) => self.volume(volume, wanted),
            Change::AppMount(new) => self.app_mount(new, wanted),
            Change::AppVariable(new) => self.app_variable(new, plan, wanted),
            Change::Annotation(note) => self.annotation(note, wanted),
            Change::Sysctl(Sysctl { name, value }) => {
                let sysctls =
                    pod.spec.security_context.value().map_or(&[][..], |context| context.sysctls.items());
                let theirs = sysctls.iter().find(|sysctl| *sysctl.name == **name);
                theirs.map_or(Found::Nothing, |theirs| {
                    Found::same_or(*theirs.value == **value, DenyReason::SysctlTaken, || {
                        format!(
                            "{key}: {part} needs the kernel setting {name}={value}, and the pod sets it to \
                             {theirs}\nUse ports from 1024 up, or remove the setting",
                            theirs = &*theirs.value,
                        )
                    })
                })
            }
            Change::PullSecret(new) => {
                let secrets = pod.spec.image_pull_secrets.items();
                if secrets.iter().any(|secret| *secret.name == *new.name) {
                    Found::Same
                } else {
                    Found::Nothing
                }
            }
            Change::SharedProcesses => {
                let shared = pod.spec.share_process_namespace.value() == Some(&true);
                if shared { Found::Same } else { Found::Nothing }
            }
        }
    }

    fn container(&mut self, new: &Addition, parent: Parent, wanted: Wanted<'_>) -> Found {
        let ours = &new.container;
        let Some((list, at)) = find_container(self.pod, &ours.name) else { return Found::Nothing };
        let right_list = if parent == Parent::Containers { "containers" } else { "initContainers" };
        let theirs = with_users_of(self.pod, &ours.security_context, self.spec.item(list, at));
        let Wanted { key, part, enforced } = wanted;
        let what = || format!("a container named {}", ours.name);
        let found = compare("container", ours, &theirs, self.context);
        let moved = found.moved.as_deref();
        let may_move = |image: &str| !enforced && self.resolution.allows_image(image);
        if list == right_list && found.ours && moved.is_none_or(may_move) {
            self.warnings.extend(moved.map(|image| {
                format!(
                    "{key}: {} has the image {}, not {}: taken for what another webhook makes of it",
                    what(),
                    short(image),
                    ours.image
                )
            }));
            return self.judge(&found, what, DenyReason::ContainerNameTaken, wanted);
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
            "{key}: {} is there already (spec.{list}), and it is not the one that {part} would add{image}\n\
             Rename it, or remove it if it was added by an earlier version (multipod uninject){mirror}",
            what()
        );
        Found::Other(DenyReason::ContainerNameTaken, message)
    }

    fn volume(&mut self, volume: &Volume, wanted: Wanted<'_>) -> Found {
        let Wanted { key, part, .. } = wanted;
        let what = || format!("a volume named {}", volume.name);
        let all = self.pod.spec.volumes.items();
        let Some(at) = all.iter().position(|other| *other.name == *volume.name) else {
            return Found::Nothing;
        };
        let found = compare("volume", volume, &self.spec.item("volumes", at), self.context);
        if found.ours {
            return self.judge(&found, what, DenyReason::VolumeNameTaken, wanted);
        }
        let message = format!(
            "{key}: {} is there already, and it is not the one that {part} would add\nRename it",
            what()
        );
        Found::Other(DenyReason::VolumeNameTaken, message)
    }

    fn app_mount(&mut self, new: &AppMount, wanted: Wanted<'_>) -> Found {
        let Wanted { key, part, .. } = wanted;
        let (container, mount) = (&self.pod.spec.containers.items()[new.container], &new.mount);
        let path = mount.mount_path.trim_end_matches('/');
        let place = Folder::of(path);
        let is_ours = |other: &Mount<'_>| {
            *other.name == *mount.name
                && *other.sub_path == *mount.sub_path.as_deref().unwrap_or_default()
                && *other.sub_path_expr == *mount.sub_path_expr.as_deref().unwrap_or_default()
                && other.read_only.unwrap_or(false) == mount.read_only
        };
        // One place can be spelled in two ways, and one of them may be ours.
        let mounts = container.volume_mounts.items().iter().enumerate();
        let mut there = mounts.filter(|(_, other)| *other.mount_path.place() == place);
        let Some((at, first)) = there.next() else { return Found::Nothing };
        if let Some(other) = [first].into_iter().chain(there.map(|(_, other)| other)).find(|o| !is_ours(o)) {
            let message = format!(
                "{key}: {part} needs to mount a folder at {path} in container {app}, where volume {other} is mounted \
                 already\nChoose another folder, or remove that mount",
                app = &*container.name,
                other = &*other.name,
            );
            return Found::Other(DenyReason::MountPathTaken, message);
        }
        let mut theirs = self.spec.mount(new.container, at);
        if let Some(place) = theirs.get_mut("mountPath") {
            *place = Value::from(&*mount.mount_path);
        }
        let found = compare("mount", mount, &theirs, self.context);
        let what = || format!("the mount at {path} in container {}", &*container.name);
        self.judge(&found, what, DenyReason::MountPathTaken, wanted)
    }

    fn app_variable(&mut self, new: &AppEnv, plan: &Plan, wanted: Wanted<'_>) -> Found {
        let Wanted { key, part, .. } = wanted;
        let (container, name) = (&self.pod.spec.containers.items()[new.container], &*new.env.name);
        let theirs = match self.spec.variable(new, plan, self.pod) {
            Ok(Some(theirs)) => built(theirs),
            Ok(None) => return Found::Nothing,
            Err(problem) => return Found::Unreadable(problem.to_owned()),
        };
        let found = compare("variable", &new.env, &theirs, self.context);
        if found.ours {
            let what = || format!("the variable {name} in container {}", &*container.name);
            return self.judge(&found, what, DenyReason::EnvNameTaken, wanted);
        }
        let message = format!(
            "{key}: {part} sets the variable {name} in container {app}, which sets it already\nRemove one of the two",
            app = &*container.name,
        );
        Found::Other(DenyReason::EnvNameTaken, message)
    }

    fn annotation(&mut self, note: &Note, Wanted { key, part, .. }: Wanted<'_>) -> Found {
        let theirs = self.pod.metadata.annotations.pairs().iter().find(|(key, _)| **key == *note.key);
        let Some((_, value)) = theirs else { return Found::Nothing };
        if matches!(value, Scalar::Text(text) if **text == *note.value) {
            return Found::Same;
        }
        if !note.must_be_ours {
            self.warnings.tell(|| {
                format!(
                    "{} stays as the pod has it; multipod would have set it to {:?}",
                    note.key,
                    short(&note.value)
                )
            });
            return Found::Same;
        }
        let message = format!(
            "{key}: the annotation {taken} carries what {part} has rendered, and the pod sets it to something else\n\
             Remove {taken} from the pod",
            taken = note.key,
        );
        Found::Other(DenyReason::AnnotationTaken, message)
    }

    /// Ours, with something besides perhaps: the pod's author may have added that to what they ask for themselves.
    fn judge(
        &mut self,
        found: &Likeness,
        what: impl FnOnce() -> String,
        reason: DenyReason,
        wanted: Wanted<'_>,
    ) -> Found {
        let Wanted { key, part, enforced } = wanted;
        let Some(besides) = found.besides() else { return Found::Same };
        let told = format!("{key}: {} is there already, with more than {part} would add: {besides}", what());
        if enforced {
            let advice = "A policy enforces it, so it must be as multipod adds it: remove it from the pod";
            return Found::Other(reason, format!("{told}\n{advice}"));
        }
        self.warnings.tell(|| told);
        Found::Same
    }
}

/// The lists of the spec, split into their items only when a name of ours is seen in one; the item alone is then built.
struct Received<'a> {
    raw: &'a str,
    meter: Option<&'a Meter<'a>>,
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

/// The mounts of a container, each as it stands there.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Mounts<'a> {
    #[serde(borrow)]
    volume_mounts: Field<Vec<Raw<'a>>>,
}

impl<'a> Received<'a> {
    fn item(&mut self, list: &str, index: usize) -> Value {
        self.raw_item(list, index).map(built).unwrap_or_default()
    }

    /// A mount of a container of the app.
    fn mount(&mut self, container: usize, at: usize) -> Value {
        let mounts = self.raw_item("containers", container);
        let mounts = mounts
            .and_then(|raw| read_within::<Mounts<'_>>(LISTS, None, raw.text()).ok())
            .unwrap_or_default();
        mounts.volume_mounts.items().get(at).copied().map(built).unwrap_or_default()
    }

    fn raw_item(&mut self, list: &str, index: usize) -> Option<Raw<'a>> {
        // The view was read from the same text, so it parses.
        let lists =
            self.lists.get_or_insert_with(|| read_within(LISTS, self.meter, self.raw).unwrap_or_default());
        let items = match list {
            "initContainers" => lists.init_containers.items(),
            "containers" => lists.containers.items(),
            "volumes" => lists.volumes.items(),
            _ => &[],
        };
        items.get(index).copied()
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
            pod.spec.containers.items()[new.container].each_variable(pod.meter, |name, variable| {
                // Of two variables with one name the last one counts.
                if ours.contains(name) {
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
    read_within(THING, None, raw.text()).unwrap_or_default()
}

/// A container that names no user has that of the pod, and a pod may have got one since.
fn with_users_of(pod: &Pod<'_>, ours: &Security, mut container: Value) -> Value {
    let Some(of_pod) = pod.spec.security_context.value() else { return container };
    let Some(security) = container.get_mut("securityContext").and_then(Value::as_object_mut) else {
        return container;
    };
    for (field, of_pod, ours) in [
        ("runAsUser", of_pod.run_as_user, ours.run_as_user),
        ("runAsGroup", of_pod.run_as_group, ours.run_as_group),
    ] {
        if let (Some(id), Some(_)) = (of_pod, ours)
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
