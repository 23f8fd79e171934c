//! What stands in the way, found before anything is patched: each clash is told with both of its sides.
//!
//! Clashes that the pod had before we came are told as warnings: they are not ours to refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::pattern::change::Kind;
use crate::pattern::{AppMount, Change, Fragment};
use crate::pod::path::Folder;
use crate::pod::{Container, Pod, Scalar};
use multipod_values::short;

use super::few::{Refusals, Warnings};
use super::plan::{Plan, Planned, Presence, earlier};
use super::{DenyReason, Refusal};

/// What the API server accepts for all annotations of an object together.
pub(super) const MOST_ANNOTATION_BYTES: usize = 256 * 1024;

/// Finds every clash between what is wanted and not there, what is there, and what others want.
pub(super) fn find(plan: &Plan, pod: &Pod<'_>, refusals: &mut Refusals, warnings: &mut Warnings) {
    names(plan, refusals);
    ports(plan, pod, refusals, warnings);
    mounts(plan, pod, refusals);
    env(plan, pod, refusals);
    share_process_namespace(plan, pod, refusals);
    already_there(pod, warnings);
}

/// A pattern that listens would listen on the node itself.
pub(super) fn host_network(fragments: &[Fragment]) -> Option<Refusal> {
    let listening = fragments.iter().find(|fragment| {
        fragment.changes.iter().any(|change| match change {
            Change::Container(new) => new.container.listens(),
            Change::Sysctl(_) => true,
            _ => false,
        })
    })?;
    let message = format!(
        "{key}: {name} listens on ports, and this pod has the node's network (hostNetwork: true), where they could \
         clash with anything on the node\nRemove hostNetwork, or the annotation",
        key = listening.key.full(),
        name = listening.name,
    );
    Some(Refusal::new(DenyReason::HostNetwork, message).about(listening.key.full()))
}

/// All annotations of an object have one limit.
pub(super) fn annotations_too_large(plan: &Plan, pod: &Pod<'_>) -> Option<Refusal> {
    let replaced = |key: &str| plan.new_annotations().any(|ours| *ours.key == *key);
    let theirs =
        pod.metadata.annotations.pairs().iter().filter(|(key, _)| !replaced(key)).map(|(key, value)| {
            key.len()
                + match value {
                    Scalar::Text(text) => text.len(),
                    _ => 0,
                }
        });
    let ours = plan.new_annotations().map(|ours| ours.key.len() + ours.value.len());
    let size: usize = theirs.chain(ours).sum();
    (size > MOST_ANNOTATION_BYTES).then(|| {
        let message = format!(
            "with what multipod renders, the pod's annotations hold {size} bytes, and Kubernetes accepts \
             {MOST_ANNOTATION_BYTES}\nAsk for less, or keep the configuration in a ConfigMap (config=NAME)"
        );
        Refusal::new(DenyReason::AnnotationsTooLarge, message)
    })
}

/// Two parts may not add the same container, volume or rendered annotation; an equal volume may be shared.
fn names(plan: &Plan, refusals: &mut Refusals) {
    for (kind, what, reason) in [
        (Kind::Container, "container", DenyReason::ContainerNameTaken),
        (Kind::Volume, "volume", DenyReason::VolumeNameTaken),
    ] {
        let all = plan.of_kind(kind);
        let mut earlier = earlier(all, |planned| planned.change.name());
        for (index, planned) in all.iter().enumerate() {
            let name = planned.change.name();
            let differs = |first: &&Planned| kind == Kind::Container || first.change != planned.change;
            let clash = earlier(index).filter(differs);
            if let Some(first) = clash {
                refusals.tell(|| {
                    Refusal::new(reason, both_want(plan, first, planned, &format!("the {what} name {name}")))
                });
            }
        }
    }
}

fn both_want(plan: &Plan, first: &Planned, second: &Planned, what: &str) -> String {
    format!("{} and {} both want {what}", plan.name_of(first), plan.name_of(second))
}

/// All containers that run at the same time share one network.
fn ports(plan: &Plan, pod: &Pod<'_>, refusals: &mut Refusals, warnings: &mut Warnings) {
    let containers = plan.of_kind(Kind::Container);
    let ours = |name: &str| {
        containers
            .iter()
            .any(|planned| planned.presence == Presence::Present && planned.change.name() == name)
    };
    let mut taken: BTreeMap<(u16, &str), &str> = BTreeMap::new();
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut host: BTreeMap<(u16, &str), &str> = BTreeMap::new();
    for container in running(pod).filter(|container| !ours(&container.name)) {
        let owner = &*container.name;
        for port in container.ports.items() {
            let Ok(number) = u16::try_from(port.container_port) else { continue };
            let protocol = protocol_of(Some(&port.protocol));
            if let Some(other) = taken.insert((number, protocol), owner)
                && other != owner
            {
                warnings.tell(|| {
                    format!("containers {other} and {owner} both declare port {number}, without multipod too")
                });
            }
            if !port.name.is_empty() {
                names.insert(&port.name, owner);
            }
            if let Some(on_node) =
                port.host_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)
            {
                host.insert((on_node, protocol), owner);
            }
        }
    }
    for planned in containers {
        let Change::Container(new) = &planned.change else { continue };
        let (key, container) = (plan.key_of(planned), &new.container);
        let owner = &*container.name;
        let declared =
            container.ports.iter().map(|port| (port.container_port, protocol_of(port.protocol.as_deref())));
        let tcp = container.loopback_ports.iter().map(|port| (*port, TCP));
        let udp = container.loopback_udp_ports.iter().map(|port| (*port, "UDP"));
        for (port, protocol) in declared.chain(tcp).chain(udp) {
            if let Some(other) = taken.insert((port, protocol), owner).filter(|other| *other != owner) {
                refusals.tell(|| {
                    let message = format!(
                    "{key}: container {owner} would listen on port {port}, which container {other} has\nContainers of \
                     a pod share one network: let one of the two use another port"
                );
                    Refusal::new(DenyReason::PortTaken, message).about(key)
                });
            }
        }
        for port in &container.ports {
            if let Some(name) = &port.name
                && let Some(other) = names.insert(name, owner).filter(|other| *other != owner)
            {
                refusals.tell(|| {
                    let message = format!(
                    "{key}: container {owner} would name a port {name}, as container {other} does already\nPort \
                     names are unique in a pod: give the app's port another one"
                );
                    Refusal::new(DenyReason::PortNameTaken, message).about(key)
                });
            }
            if let Some(on_node) = port.host_port
                && let Some(other) = host
                    .insert((on_node, protocol_of(port.protocol.as_deref())), owner)
                    .filter(|other| *other != owner)
            {
                refusals.tell(|| {
                    let message = format!(
                    "{key}: container {owner} would take the node's port {on_node}, as container {other} does\n\
                     Let one of the two use another port"
                );
                    Refusal::new(DenyReason::HostPortTaken, message).about(key)
                });
            }
        }
    }
}

const TCP: &str = "TCP";

/// Each protocol has its own ports.
fn protocol_of(said: Option<&str>) -> &str {
    said.filter(|protocol| !protocol.is_empty()).unwrap_or(TCP)
}

/// The containers that run beside each other: the app's, and native sidecars.
fn running<'p>(pod: &'p Pod<'_>) -> impl Iterator<Item = &'p Container<'p>> {
    let init = pod.spec.init_containers.items().iter().filter(|container| container.is_native_sidecar());
    pod.spec.containers.items().iter().chain(init)
}

/// Two parts may not mount at the same path; and nothing can be mounted below a folder that cannot be written.
fn mounts(plan: &Plan, pod: &Pod<'_>, refusals: &mut Refusals) {
    let mut earlier: BTreeMap<usize, Mounts<'_>> = BTreeMap::new();
    for planned in plan.of_kind(Kind::AppMount) {
        let Change::AppMount(new) = &planned.change else { continue };
        let (app, mount) = (new.container, &new.mount);
        let container = &pod.spec.containers.items()[app];
        let clash = earlier.entry(app).or_default().add(planned, new);
        let refused = |message| Refusal::new(DenyReason::MountPathTaken, message).about(plan.key_of(planned));
        if let Some(first) = clash {
            let app = &*container.name;
            let message = || {
                if first.change.name() == mount.mount_path {
                    let what = format!("to mount a folder at {} in container {app}", mount.mount_path);
                    both_want(plan, first, planned, &what)
                } else {
                    format!(
                        "{} and {} want folders of container {app} one inside the other, and the outer one cannot be \
                     written: {} and {}",
                        plan.name_of(first),
                        plan.name_of(planned),
                        first.change.name(),
                        mount.mount_path
                    )
                }
            };
            refusals.tell(|| refused(message() + "\nGive one of them another folder"));
        }
        if planned.presence == Presence::Present {
            continue;
        }
        let read_only = container.mount_over(&mount.mount_path).filter(|over| pod.is_read_only(over));
        if let Some(over) = read_only {
            let message = || {
                format!(
                    "{key}: {part} needs to mount a folder at {path} in container {app}, below {over}, where volume \
                 {volume} cannot be written, so that the folder cannot be made\nChoose a folder outside it",
                    key = plan.key_of(planned),
                    part = plan.name_of(planned),
                    path = mount.mount_path,
                    app = &*container.name,
                    over = &*over.mount_path,
                    volume = &*over.name,
                )
            };
            refusals.tell(|| refused(message()));
        }
    }
}

/// What patterns mount in one container, by place.
#[derive(Default)]
struct Mounts<'m>(BTreeMap<Folder<'m>, (&'m Planned, &'m AppMount)>);

impl<'m> Mounts<'m> {
    /// One more, and one before it that it clashes with: another one at its place, or one inside the other where the outer
    /// one cannot be written.
    fn add(&mut self, planned: &'m Planned, new: &'m AppMount) -> Option<&'m Planned> {
        let place = Folder::of(&new.mount.mount_path);
        let is_other = |(_, other): &&(&Planned, &AppMount)| *other != new;
        let here = || self.0.get(&place).filter(is_other);
        let outer = || place.above().filter_map(|outer| self.0.get(outer)).find(|(_, o)| o.mount.read_only);
        let inner = || {
            let inside = place.inside();
            let from = (Bound::Included(&*inside), Bound::Unbounded);
            let (next, inner) = self.0.range::<str, _>(from).next().filter(|_| new.mount.read_only)?;
            next.starts_with(&inside).then_some(inner)
        };
        let clash = here().or_else(outer).or_else(inner).map(|(planned, _)| *planned);
        self.0.entry(place).or_insert((planned, new));
        clash
    }
}

/// Two parts may not set the same variable of one container differently.
fn env(plan: &Plan, pod: &Pod<'_>, refusals: &mut Refusals) {
    let all = plan.of_kind(Kind::AppVariable);
    let mut earlier = earlier(all, |planned| (planned.change.parent(), planned.change.name()));
    for (index, planned) in all.iter().enumerate() {
        let first = earlier(index).filter(|first| first.change != planned.change);
        let Change::AppVariable(new) = &planned.change else { continue };
        if let Some(first) = first {
            let app = &*pod.spec.containers.items()[new.container].name;
            let what = format!("to set the variable {} in container {app}", new.env.name);
            refusals.tell(|| {
                let message = both_want(plan, first, planned, &what);
                Refusal::new(DenyReason::EnvNameTaken, message).about(plan.key_of(planned))
            });
        }
    }
}

fn share_process_namespace(plan: &Plan, pod: &Pod<'_>, refusals: &mut Refusals) {
    let Some(planned) = plan.of_kind(Kind::SharedProcesses).first() else { return };
    let key = plan.key_of(planned);
    let message = if pod.spec.share_process_namespace.value() == Some(&false) {
        format!("{key}: the spec says shareProcessNamespace: false\nRemove one of the two")
    } else if pod.spec.host_pid == Some(true) {
        format!(
            "{key}: a pod with the node's processes (hostPID: true) cannot share a namespace of its own\n\
                 Remove one of the two"
        )
    } else {
        return;
    };
    refusals.tell(|| Refusal::new(DenyReason::ProcessNamespaceTaken, message).about(key));
}

/// Duplicates that the pod had before we came: the API server will refuse them, and not because of us.
fn already_there(pod: &Pod<'_>, warnings: &mut Warnings) {
    let names = |items: &[Container<'_>], what: &str, warnings: &mut Warnings| {
        duplicates(&items.iter().map(|container| &*container.name), "the pod", what, warnings);
    };
    names(pod.spec.containers.items(), "containers named", warnings);
    names(pod.spec.init_containers.items(), "init containers named", warnings);
    duplicates(
        &pod.spec.volumes.items().iter().map(|volume| &*volume.name),
        "the pod",
        "volumes named",
        warnings,
    );
    for container in pod.spec.containers.items() {
        let paths = container.volume_mounts.items().iter().map(|mount| &*mount.mount_path);
        duplicates(&paths, &container.name, "mounts at", warnings);
    }
}

fn duplicates<'n>(
    names: &(impl Iterator<Item = &'n str> + Clone),
    whose: &str,
    what: &str,
    warnings: &mut Warnings,
) {
    // Lists are short; a set is worth its allocation only for the long ones.
    let mut seen = BTreeSet::new();
    let long = names.clone().nth(16).is_some();
    for (index, name) in names.clone().enumerate() {
        let again =
            if long { !seen.insert(name) } else { names.clone().take(index).any(|other| other == name) };
        if again {
            warnings.tell(|| format!("{whose} has two {what} {}, without multipod too", short(name)));
        }
    }
}
