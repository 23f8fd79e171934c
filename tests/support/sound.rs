//! What the API server would find wrong with a pod, as far as it can be seen offline; and how a patch is applied.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, dead_code, unreachable_pub)] // Each program uses its own part.

use std::collections::{BTreeMap, BTreeSet};

use multipod_engine::inject::{Patch, Removal};
use serde_json::Value;

/// Applies a patch by the reference implementation of RFC 6902.
pub fn apply(pod: &Value, patch: &Patch) -> Value {
    let operations: json_patch::Patch = serde_json::from_str(patch.json()).expect("the patch is RFC 6902");
    let mut out = pod.clone();
    json_patch::patch(&mut out, &operations).expect("the patch applies to the received pod");
    out
}

/// Takes an injection back.
pub fn undo(pod: &Value, removals: &[Removal]) -> Value {
    let mut out = pod.clone();
    for removal in removals {
        match removal {
            Removal::Null(place) => *out.pointer_mut(place).expect("the place is there") = Value::Null,
            Removal::Remove(place) => {
                let (parent, last) = place.rsplit_once('/').expect("a pointer");
                let last = last.replace("~1", "/").replace("~0", "~");
                match out.pointer_mut(parent).expect("the parent is there") {
                    Value::Object(map) => drop(map.shift_remove(&last).expect("the field is there")),
                    Value::Array(list) => drop(list.remove(last.parse().expect("an index"))),
                    other => panic!("{parent} holds {other}"),
                }
            }
        }
    }
    out
}

/// Every container of the pod, with the list that it is in.
pub fn containers(pod: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    ["initContainers", "containers"].into_iter().flat_map(|list| {
        pod["spec"][list].as_array().into_iter().flatten().map(move |container| (list, container))
    })
}

/// What is wrong with a pod: names that are there twice, mounts of no volume, ports that are none…
pub fn problems(pod: &Value) -> BTreeSet<String> {
    let mut problems = BTreeSet::new();
    let mut note = |problem: String| {
        problems.insert(problem);
    };
    let volumes: Vec<&str> = strings(&pod["spec"]["volumes"], "name");
    for name in twice(&volumes) {
        note(format!("two volumes {name}"));
    }
    let names: Vec<&str> = containers(pod).filter_map(|(_, container)| container["name"].as_str()).collect();
    for name in twice(&names) {
        note(format!("two containers {name}"));
    }
    let mut port_names: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, container) in containers(pod) {
        let name = container["name"].as_str().unwrap_or_default();
        if !is_label(name) {
            note(format!("container name {name}"));
        }
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            let volume = mount["name"].as_str().unwrap_or_default();
            if !volumes.contains(&volume) {
                note(format!("{name} mounts {volume}, which is no volume"));
            }
            let path = mount["mountPath"].as_str().unwrap_or_default();
            if path.is_empty() || path.contains(':') {
                note(format!("{name} mounts at {path:?}"));
            }
        }
        for path in twice(&strings(&container["volumeMounts"], "mountPath")) {
            note(format!("{name} mounts twice at {path}"));
        }
        for variable in twice(&strings(&container["env"], "name")) {
            note(format!("{name} has two variables {variable}"));
        }
        for port in container["ports"].as_array().into_iter().flatten() {
            if !(1..=65535).contains(&port["containerPort"].as_i64().unwrap_or_default()) {
                note(format!("{name} has port {port}"));
            }
            if let Some(port_name) = port["name"].as_str() {
                if port_name.len() > 15 || !is_label(port_name) {
                    note(format!("{name} names a port {port_name}"));
                }
                if let Some(other) = port_names.insert(port_name, name) {
                    note(format!("{name} and {other} name a port {port_name}"));
                }
            }
        }
    }
    for name in &volumes {
        if !is_label(name) {
            note(format!("volume name {name}"));
        }
    }
    for resource in ["cpu", "memory"] {
        let whole = &pod["spec"]["resources"];
        if amount(&whole["requests"][resource]).is_some_and(|has| requested(pod, resource) > has) {
            note(format!("the containers request more {resource} than the pod"));
        }
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            let limit = amount(&container["resources"]["limits"][resource]);
            if amount(&whole["limits"][resource]).is_some_and(|has| limit.is_some_and(|limit| limit > has)) {
                note(format!("the {resource} limit of {} is above that of the pod", container["name"]));
            }
        }
    }
    let annotations = pod["metadata"]["annotations"].as_object();
    let size: usize =
        annotations.into_iter().flatten().map(|(k, v)| k.len() + v.as_str().map_or(0, str::len)).sum();
    if size > 256 * 1024 {
        note(format!("{size} bytes of annotations"));
    }
    problems
}

/// The most that the containers request at one time: when all run, and when each step does.
fn requested(pod: &Value, resource: &str) -> f64 {
    let of = |container: &Value| {
        let resources = &container["resources"];
        let request = amount(&resources["requests"][resource]);
        request.or_else(|| amount(&resources["limits"][resource])).unwrap_or_default()
    };
    let list = |name: &str| pod["spec"][name].as_array().cloned().unwrap_or_default();
    let (init, apps) = (list("initContainers"), list("containers"));
    let sidecars = |until: usize| -> f64 {
        init[..until].iter().filter(|container| container["restartPolicy"] == "Always").map(of).sum()
    };
    let steps = init.iter().enumerate().map(|(at, step)| sidecars(at) + of(step));
    steps.fold(sidecars(init.len()) + apps.iter().map(of).sum::<f64>(), f64::max)
}

/// In thousandths of a core, or of a byte.
fn amount(written: &Value) -> Option<f64> {
    let text = written.as_str().map_or_else(|| written.to_string(), str::to_owned);
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let factor = match &text[digits..] {
        "" => 1e3,
        "m" => 1.0,
        "k" => 1e6,
        "M" => 1e9,
        "G" => 1e12,
        "Ki" => 1024.0 * 1e3,
        "Mi" => 1024.0 * 1024.0 * 1e3,
        "Gi" => 1024.0 * 1024.0 * 1024.0 * 1e3,
        _ => return None,
    };
    Some((number * factor).round())
}

/// Pod Security "restricted", for one container that multipod has added.
pub fn is_restricted(container: &Value) -> bool {
    let security = &container["securityContext"];
    security["runAsNonRoot"] == true
        && security["runAsUser"] != 0
        && security["allowPrivilegeEscalation"] == false
        && security["capabilities"]["drop"] == serde_json::json!(["ALL"])
        && security["capabilities"]["add"].is_null()
        && security["seccompProfile"]["type"] == "RuntimeDefault"
        && security["readOnlyRootFilesystem"] == true
        && security["privileged"].is_null()
        && container["ports"].as_array().into_iter().flatten().all(|port| port["hostPort"].is_null())
}

fn strings<'v>(list: &'v Value, field: &str) -> Vec<&'v str> {
    list.as_array().into_iter().flatten().filter_map(|item| item[field].as_str()).collect()
}

fn twice<'v>(names: &[&'v str]) -> Vec<&'v str> {
    let mut seen = BTreeSet::new();
    names.iter().filter(|name| !seen.insert(**name)).copied().collect()
}

fn is_label(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}
