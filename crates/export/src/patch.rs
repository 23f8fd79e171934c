//! The JSON patch, written in CEL, that adds everything to a pod.

use multipod_engine::annotation::key::STATUS;
use multipod_engine::inject::init_names;
use multipod_engine::pattern::context::ASSIGNED_USERS;
use multipod_json::pointer;
use serde_json::Value;

use multipod_guard::{Admission, cel};

use super::fixed::{Fixed, Note, OfUsers};

/// The annotations of a pod, as a map.
pub(super) const ANNOTATIONS: &str = "object.metadata.?annotations.orValue({})";

/// The expression, and the variables that it uses.
pub(super) fn expression(fixed: &Fixed, admission: &mut Admission) -> String {
    admission.variable("annotations", ANNOTATIONS);
    admission.variable("ofNamespace", "namespaceObject.metadata.?annotations.orValue({})");
    let mut operations = Vec::new();
    annotations(fixed, admission, &mut operations);
    secrets(&fixed.pull_secrets, admission, &mut operations);
    list("volumes", &fixed.volumes, &mut operations);
    containers(&fixed.containers, admission, &mut operations);
    operations.push(add(&["metadata", "annotations", STATUS], &record(fixed, admission)));
    operations.join(" + ")
}

/// One that is added, in a list of its own.
fn add(path: &[&str], value: &str) -> String {
    add_at(&cel::text(&path_of(path)), value)
}

fn add_at(path: &str, value: &str) -> String {
    format!("[JSONPatch{{op: \"add\", path: {path}, value: {value}}}]")
}

fn path_of(steps: &[&str]) -> String {
    let mut path = String::new();
    for step in steps {
        pointer::push_step(&mut path, step);
    }
    path
}

/// Unless something is there.
fn unless(there: &str, then: &str) -> String {
    format!("({there} ? [] : {then})")
}

fn annotations(fixed: &Fixed, admission: &mut Admission, operations: &mut Vec<String>) {
    operations.push(unless("has(object.metadata.annotations)", &add(&["metadata", "annotations"], "{}")));
    for (key, note) in &fixed.annotations {
        let value = match note {
            Note::Text(text) => cel::text(text),
            Note::FirstContainer => "object.spec.containers[0].name".to_owned(),
        };
        let there = format!("{} in variables.annotations", cel::text(key));
        operations.push(unless(&there, &add(&["metadata", "annotations", key], &value)));
    }
    let keys = fixed.annotations.iter().map(|(key, _)| &**key);
    admission.variable(
        "newAnnotations",
        format!("{}.filter(key, !(key in variables.annotations))", cel::list(keys)),
    );
}

fn secrets(all: &[Value], admission: &mut Admission, operations: &mut Vec<String>) {
    if all.is_empty() {
        return;
    }
    let there = "object.spec.?imagePullSecrets.orValue([])";
    let names = all.iter().filter_map(|secret| secret["name"].as_str());
    admission.variable(
        "newSecrets",
        format!("{}.filter(name, !{there}.exists(s, s.name == name))", cel::list(names)),
    );
    let made = add(&["spec", "imagePullSecrets"], "[]");
    operations.push(unless("has(object.spec.imagePullSecrets)", &made));
    operations.push(
        "variables.newSecrets.map(name, JSONPatch{op: \"add\", path: \"/spec/imagePullSecrets/-\", value: {\"name\": name}})"
            .to_owned(),
    );
}

/// At the end of a list.
fn list(field: &str, all: &[Value], operations: &mut Vec<String>) {
    if all.is_empty() {
        return;
    }
    operations.push(unless(&format!("has(object.spec.{field})"), &add(&["spec", field], "[]")));
    operations.extend(all.iter().map(|value| add(&["spec", field, "-"], &cel::literal(value))));
}

/// Behind the leading run of what other injectors need, as the webhook puts them.
fn containers(all: &[OfUsers], admission: &mut Admission, operations: &mut Vec<String>) {
    if all.is_empty() {
        return;
    }
    let leading = format!(
        "object.spec.?initContainers.orValue([]).map(c, c.?restartPolicy.orValue(\"\") == \"Always\" || c.name in {})",
        cel::list(init_names())
    );
    admission.variable("leading", leading);
    admission.variable(
        "at",
        "false in variables.leading ? variables.leading.indexOf(false) : size(variables.leading)",
    );
    if all.iter().any(|one| one.plain != one.assigned || one.plain != one.root) {
        admission.variable("assigned", format!("{} in variables.ofNamespace", cel::text(ASSIGNED_USERS)));
        admission.variable("root", "object.spec.?securityContext.?runAsUser.orValue(-1) == 0");
    }
    operations.push(unless("has(object.spec.initContainers)", &add(&["spec", "initContainers"], "[]")));
    for (index, one) in all.iter().enumerate() {
        let path = format!("\"/spec/initContainers/\" + string(variables.at + {index})");
        operations.push(add_at(&path, &of_users(one)));
    }
}

/// Field by field: only what a user decides differs.
fn of_users(one: &OfUsers) -> String {
    let OfUsers { plain, root, assigned } = one;
    let fields = plain.as_object().into_iter().flatten().map(|(field, value)| {
        let [plain, root, assigned] = [value, &root[field], &assigned[field]].map(cel::literal);
        let unassigned = if root == plain { plain } else { format!("variables.root ? {root} : {plain}") };
        let value = if assigned == unassigned {
            assigned
        } else {
            format!("variables.assigned ? {assigned} : {unassigned}")
        };
        format!("{}: dyn({value})", cel::text(field))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}

/// The record, as `inject` writes it: what was missing, and the lists and maps that had to be made.
fn record(fixed: &Fixed, admission: &mut Admission) -> String {
    let quoted = |field: &str, names: &str| {
        let opening = cel::text(&format!(",\"{field}\":[\""));
        format!(
            "(size({names}) == 0 ? \"\" : {opening} + {names}.join({}) + {})",
            cel::text("\",\""),
            cel::text("\"]")
        )
    };
    let made = [
        (true, "metadata.annotations"),
        (!fixed.containers.is_empty(), "spec.initContainers"),
        (!fixed.volumes.is_empty(), "spec.volumes"),
        (!fixed.pull_secrets.is_empty(), "spec.imagePullSecrets"),
    ];
    let made = made.into_iter().filter(|(needed, _)| *needed);
    let made = made.map(|(_, field)| unless(&format!("has(object.{field})"), &cel::list([field])));
    admission.variable("made", made.collect::<Vec<_>>().join(" + "));
    let mut parts = vec![cel::text(&fixed.record), quoted("annotations", "variables.newAnnotations")];
    if !fixed.pull_secrets.is_empty() {
        parts.push(quoted("pullSecrets", "variables.newSecrets"));
    }
    parts.push(quoted("made", "variables.made"));
    parts.push(cel::text("}"));
    parts.join(" + ")
}
