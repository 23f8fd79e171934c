//! Whether a thing that is there is the one that we would add: ours ⊆ theirs, and nothing around it makes it another.

use serde::Serialize;
use serde_json::Value;

use crate::pod::view::covers as lies_in;
use multipod_values::{Resource, quantity};

/// Fields that make something else of what they stand in: where we leave one out, it must be out.
const DECISIVE: [&str; 8] =
    ["command", "args", "restartPolicy", "subPath", "subPathExpr", "privileged", "add", "hostPort"];

/// Whether every field that we would write is in theirs, whatever the API server and others have added around it.
pub(super) fn is_part_of(ours: &impl Serialize, theirs: &Value) -> bool {
    serde_json::to_value(ours).is_ok_and(|ours| covers(theirs, &ours, ""))
}

fn covers(theirs: &Value, ours: &Value, field: &str) -> bool {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            let decided = |key: &&str| ours.contains_key(*key) || theirs.get(*key).is_none_or(says_nothing);
            DECISIVE.iter().all(decided)
                && ours.iter().all(|(key, value)| match theirs.get(key) {
                    Some(other) => covers(other, value, key),
                    // Neither an empty list of amounts nor an empty value is stored.
                    None => matches!(&**key, "requests" | "limits" | "value") && says_nothing(value),
                })
        }
        (Value::Array(theirs), Value::Array(ours)) => match field {
            // Order and number matter where a list is one command line.
            "command" | "args" | "drop" | "add" => theirs == ours,
            "env" => ours.iter().all(|variable| has_variable(theirs, variable)),
            "volumeMounts" => has_all(theirs, ours) && !hides(theirs, ours),
            _ => has_all(theirs, ours),
        },
        (Value::String(theirs), Value::String(ours)) if theirs != ours => same_quantity(theirs, ours, field),
        (theirs, ours) => theirs == ours,
    }
}

/// Null, false, zero and everything empty: what the API server takes for "not said".
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// Others may add their own items between ours.
fn has_all(theirs: &[Value], ours: &[Value]) -> bool {
    let mut rest = theirs.iter();
    ours.iter().all(|item| rest.any(|other| covers(other, item, "")))
}

/// Of two variables with one name the last one counts.
fn has_variable(theirs: &[Value], ours: &Value) -> bool {
    theirs.iter().rfind(|other| other["name"] == ours["name"]).is_some_and(|other| covers(other, ours, ""))
}

/// Whether something of others is mounted inside a folder that we mount to be read only: our configuration.
fn hides(theirs: &[Value], ours: &[Value]) -> bool {
    let path = |mount: &Value| mount["mountPath"].as_str().unwrap_or_default().to_owned();
    let own: Vec<String> = ours.iter().map(path).collect();
    let read_only: Vec<String> = ours.iter().filter(|mount| mount["readOnly"] == true).map(path).collect();
    theirs
        .iter()
        .map(path)
        .any(|path| !own.contains(&path) && read_only.iter().any(|folder| lies_in(folder, &path)))
}

/// The API server rewrites quantities: `0.05` becomes `50m`.
fn same_quantity(theirs: &str, ours: &str, field: &str) -> bool {
    let resource = match field {
        "cpu" => Resource::Cpu,
        "memory" | "ephemeral-storage" | "storage" | "sizeLimit" => Resource::Memory,
        _ => return false,
    };
    let theirs = quantity::thousandths(theirs, resource);
    theirs.is_ok() && theirs == quantity::thousandths(ours, resource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ours() -> Value {
        json!({"name": "a", "args": ["x"], "resources": {"requests": {}, "limits": {"cpu": "50m"}},
            "env": [{"name": "MODE", "value": "m"}],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "c", "mountPath": "/etc/c", "readOnly": true}]})
    }

    fn theirs() -> Value {
        json!({"name": "a", "args": ["x"], "command": [], "resources": {"limits": {"cpu": "0.05"}},
            "restartPolicy": null, "terminationMessagePath": "/dev/termination-log",
            "env": [{"name": "OTHER", "value": "o"}, {"name": "MODE", "value": "m"}],
            "securityContext": {"runAsUser": 7},
            "volumeMounts": [{"name": "token", "mountPath": "/t"}, {"name": "v", "mountPath": "/v", "readOnly": false},
                {"name": "c", "mountPath": "/etc/c", "readOnly": true}]})
    }

    #[test]
    fn what_others_add_does_not_hide_what_is_ours() {
        assert!(is_part_of(&ours(), &theirs()));
    }

    #[test]
    fn what_makes_it_another_thing_is_seen() {
        let more = |place: &str, item: Value| {
            let mut list = theirs().pointer(place).unwrap().clone();
            list.as_array_mut().unwrap().push(item);
            list
        };
        let first_mount =
            json!([{"name": "v", "mountPath": "/v", "subPath": "s"}, theirs()["volumeMounts"][2]]);
        for (place, other) in [
            ("/name", json!("b")),
            ("/args", json!(["x", "y"])),
            ("/command", json!(["sh"])),
            ("/restartPolicy", json!("Always")),
            ("/volumeMounts", json!([])),
            ("/volumeMounts", first_mount),
            ("/volumeMounts", more("/volumeMounts", json!({"name": "evil", "mountPath": "/etc/c/file"}))),
            ("/volumeMounts", more("/volumeMounts", json!({"name": "evil", "mountPath": "/etc//c/file"}))),
            ("/volumeMounts", more("/volumeMounts", json!({"name": "evil", "mountPath": "etc/./c/file"}))),
            ("/volumeMounts", more("/volumeMounts", json!({"name": "evil", "mountPath": "/etc/c/."}))),
            ("/env", more("/env", json!({"name": "MODE", "value": "other"}))),
            ("/env", json!([])),
        ] {
            let mut changed = theirs();
            *changed.pointer_mut(place).unwrap() = other.clone();
            assert!(!is_part_of(&ours(), &changed), "{place}: {other}");
        }
        let ours = json!({"securityContext": {"capabilities": {"drop": ["ALL"]}}});
        for security in [
            json!({"capabilities": {"drop": ["ALL"]}, "privileged": true}),
            json!({"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}),
        ] {
            assert!(!is_part_of(&ours, &json!({"securityContext": security})), "{security}");
        }
    }

    #[test]
    fn a_volume_of_another_kind_is_not_an_empty_one_of_ours() {
        let ours = json!({"name": "v", "emptyDir": {}});
        assert!(is_part_of(&ours, &json!({"name": "v", "emptyDir": {"sizeLimit": "1Gi"}})));
        assert!(!is_part_of(&ours, &json!({"name": "v", "hostPath": {"path": "/"}})));
    }
}
