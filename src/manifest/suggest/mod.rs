//! Hand-written containers that an annotation replaces: proposed as edits, and never without the engine's consent.
//!
//! Each recogniser reads one container. It answers only where it understands all of it: a flag that it does not know is a
//! reason to leave the container alone, and to say so.

mod ambassador;
mod container;
mod init;
mod item;
mod logging;
mod metrics;
mod shell;
mod sync;

use std::collections::{BTreeSet, HashMap};

use multipod_engine::annotation::Key;
use serde_json::Value;

use multipod_yaml::Edit;

use super::{Annotation, Finding, Found, Level, Manifests, Opened, Outcome, Placed, Target, annotate, walk};
use container::{Container, Pod};
use item::{Item, Recognised};

/// Edits every pod template that has such a container. The findings are warnings for those that stay, notes for the others.
pub fn suggest<'s>(manifests: &Manifests<'s>) -> Outcome<'s> {
    let with_maps: Vec<Opened<'_>> = manifests.of_kind("ConfigMap").collect();
    let mut maps = ConfigMaps::new();
    for map in with_maps.iter().flat_map(Placed::all).filter(|placed| placed.object.kind == "ConfigMap") {
        maps.entry((map.object.namespace(), map.object.name())).or_insert(map.object.value);
    }
    walk::edited(manifests, |found, findings| {
        let Found::Template(target) = found else { return None };
        let edits = template(&target, &maps, findings);
        Some((target, edits))
    })
}

/// By namespace and name.
type ConfigMaps<'m> = HashMap<(Option<&'m str>, &'m str), &'m Value>;

fn template(target: &Target<'_>, maps: &ConfigMaps<'_>, findings: &mut Vec<Finding>) -> Vec<Edit> {
    let pod = Pod::of(target.value);
    let mut replaced: Vec<(&Container<'_>, Item)> = Vec::new();
    for container in &pod.containers {
        let Some(recognised) = recognise(container, &pod, target, maps) else { continue };
        let at = format!("{}{}", target.pointer, container.pointer());
        let recognised =
            recognised.and_then(|item| match stands_in_the_way(container, &pod, &replaced, &item) {
                Some(why) => Err(why),
                None => Ok(item),
            });
        match recognised {
            Ok(item) => {
                let message =
                    format!("{} does what {}: {:?} does", container.name(), item.key.full(), item.text);
                findings.push(target.finding_at(&at, Level::Note, "replaceable", message));
                findings.extend(named_ports(container).map(|port| {
                    let message = format!(
                        "the port name {port} goes with {}\nA Service whose targetPort is {port} needs its number",
                        container.name()
                    );
                    target.finding_at(&at, Level::Warning, "port_name_gone", message)
                }));
                replaced.push((container, item));
            }
            Err(why) => {
                let message = format!("{} looks like what multipod does, and stays: {why}", container.name());
                findings.push(target.finding_at(&at, Level::Warning, "not_replaceable", message));
            }
        }
    }
    if replaced.is_empty() { Vec::new() } else { edits(target, &pod, &replaced) }
}

fn recognise(
    container: &Container<'_>,
    pod: &Pod<'_>,
    target: &Target<'_>,
    maps: &ConfigMaps<'_>,
) -> Recognised {
    let config_map = |name: &str| maps.get(&(target.placed.object.namespace(), name)).copied();
    ambassador::recognise(container, pod, config_map)
        .or_else(|| sync::recognise(container, pod))
        .or_else(|| metrics::recognise(container))
        .or_else(|| init::recognise(container))
        .or_else(|| logging::recognise(container, pod))
}

/// Steps of multipod run before those of the pod, so that none may come before them now.
fn stands_in_the_way(
    container: &Container<'_>,
    pod: &Pod<'_>,
    replaced: &[(&Container<'_>, Item)],
    item: &Item,
) -> Option<String> {
    if item.key != Key::Init {
        return None;
    }
    let is_replaced =
        |other: &Container<'_>| replaced.iter().any(|(there, _)| there.pointer() == other.pointer());
    let earlier = pod
        .containers
        .iter()
        .find(|other| other.is_step() && other.index < container.index && !is_replaced(other))?;
    Some(format!("{} runs before it, and the steps of multipod run before those of the pod", earlier.name()))
}

fn named_ports<'c>(container: &Container<'c>) -> impl Iterator<Item = &'c str> {
    let ports = container.value["ports"].as_array().into_iter().flatten();
    ports.filter_map(|port| port["name"].as_str())
}

/// Sets the annotations and takes out the containers, with the mounts and volumes that nobody needs then.
fn edits(target: &Target<'_>, pod: &Pod<'_>, replaced: &[(&Container<'_>, Item)]) -> Vec<Edit> {
    let keys: BTreeSet<&str> = replaced.iter().map(|(_, item)| item.key.full()).collect();
    let annotations: Vec<Annotation> = keys
        .into_iter()
        .map(|key| {
            let there = target.value["metadata"]["annotations"][key].as_str();
            let new = replaced.iter().filter(|(_, item)| item.key.full() == key).map(|(_, item)| &*item.text);
            let value = there.into_iter().chain(new).collect::<Vec<_>>().join(", ");
            Annotation { key: key.to_owned(), value }
        })
        .collect();
    let mut edits = annotate::edits(&annotations, target);

    let goes =
        |container: &Container<'_>| replaced.iter().any(|(there, _)| there.pointer() == container.pointer());
    let mounts: BTreeSet<(usize, &str)> =
        replaced.iter().flat_map(|(_, item)| &item.mounts).map(|(at, volume)| (*at, &**volume)).collect();
    for (at, container) in pod.containers.iter().enumerate().filter(|(_, container)| !goes(container)) {
        let is_gone = |mount: &Value| mount["name"].as_str().is_some_and(|name| mounts.contains(&(at, name)));
        let list = format!("{}{}/volumeMounts", target.pointer, container.pointer());
        edits.extend(without(&list, &container.value["volumeMounts"], is_gone));
    }
    let is_mounted = |volume: &str| {
        let mut others = pod.containers.iter().enumerate().filter(|(_, container)| !goes(container));
        others.any(|(at, container)| {
            container.mounts().any(|(name, _)| name == volume) && !mounts.contains(&(at, volume))
        })
    };
    let was_theirs: BTreeSet<&str> = replaced
        .iter()
        .flat_map(|(container, _)| container.mounts().map(|(name, _)| name))
        .filter(|volume| !is_mounted(volume))
        .collect();
    let is_gone = |volume: &Value| volume["name"].as_str().is_some_and(|name| was_theirs.contains(name));
    let spec = &target.value["spec"];
    edits.extend(without(&format!("{}/spec/volumes", target.pointer), &spec["volumes"], is_gone));
    for list in container::LISTS {
        let gone: BTreeSet<usize> =
            replaced.iter().filter(|(one, _)| one.list == list).map(|(one, _)| one.index).collect();
        let is_gone = |at: usize| gone.contains(&at);
        edits.extend(without_places(&format!("{}/spec/{list}", target.pointer), &spec[list], is_gone));
    }
    edits
}

fn without(pointer: &str, list: &Value, is_gone: impl Fn(&Value) -> bool) -> Vec<Edit> {
    without_places(pointer, list, |at| is_gone(&list[at]))
}

/// From the end, so that no place moves; a list of which nothing is left goes too.
fn without_places(pointer: &str, list: &Value, is_gone: impl Fn(usize) -> bool) -> Vec<Edit> {
    let count = list.as_array().map_or(0, Vec::len);
    let gone: Vec<usize> = (0..count).rev().filter(|at| is_gone(*at)).collect();
    if count > 0 && gone.len() == count {
        return vec![Edit::Remove { pointer: pointer.to_owned() }];
    }
    gone.into_iter().map(|at| Edit::Remove { pointer: format!("{pointer}/{at}") }).collect()
}
