//! What of a pod is not in another one: every value of the first must be in the second, as it was.

use serde_json::Value;

/// Lists that may grow.
const GROWING: [&str; 5] = [
    "/spec/containers",
    "/spec/initContainers",
    "/spec/volumes",
    "/spec/imagePullSecrets",
    "/spec/securityContext/sysctls",
];
/// Objects that may get new members; all others keep theirs.
const OPEN: [&str; 4] = ["", "/metadata", "/metadata/annotations", "/spec"];

/// The places whose value is gone, changed, or has become more than it may.
pub fn lost(before: &Value, after: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    compare("", before, after, &mut lost);
    lost
}

fn compare(place: &str, before: &Value, after: &Value, lost: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                let inside = format!("{place}/{key}");
                match after.get(key) {
                    Some(other) => compare(&inside, value, other, lost),
                    None => lost.push(inside),
                }
            }
            for key in after.keys().filter(|key| !before.contains_key(*key)) {
                if !OPEN.contains(&place) && !is_growing(&format!("{place}/{key}")) {
                    lost.push(format!("{place}/{key} is new"));
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if is_growing(place) => {
            // In their order, with others between them.
            let mut rest = after.iter();
            for (at, item) in before.iter().enumerate() {
                let inside = format!("{place}/{at}");
                let found = rest.by_ref().any(|other| {
                    let mut lost = Vec::new();
                    compare(&inside, item, other, &mut lost);
                    lost.is_empty()
                });
                if !found {
                    lost.push(inside);
                }
            }
        }
        // Nothing may become a map or list that we fill.
        (Value::Null, _) if may_be_filled(place) => {}
        (before, after) if before == after => {}
        _ => lost.push(place.to_owned()),
    }
}

fn is_growing(place: &str) -> bool {
    GROWING.contains(&place) || of_a_container(place)
}

fn of_a_container(place: &str) -> bool {
    let inside = place.strip_prefix("/spec/containers/").and_then(|rest| rest.split_once('/'));
    inside.is_some_and(|(_, field)| matches!(field, "volumeMounts" | "env"))
}

fn may_be_filled(place: &str) -> bool {
    is_growing(place)
        || ["/metadata", "/metadata/annotations", "/spec/securityContext", "/spec/shareProcessNamespace"]
            .contains(&place)
}

#[test]
fn what_is_lost_is_found() {
    use serde_json::json;
    let before = json!({"spec": {"containers": [{"name": "a", "x": [1]}, {"name": "b"}], "y": null}, "metadata": null});
    for (after, expected) in [
        (before.clone(), vec![]),
        (
            json!({"spec": {"containers": [{"name": "z"}, {"name": "a", "x": [1], "env": []}, {"name": "b"}], "y": null},
                "metadata": {}, "more": 1}),
            vec![],
        ),
        (
            json!({"spec": {"containers": [{"name": "b"}, {"name": "a", "x": [1]}], "y": null}, "metadata": null}),
            vec!["/spec/containers/1"],
        ),
        (
            json!({"spec": {"containers": [{"name": "a", "x": [1, 2]}, {"name": "b"}], "y": null}, "metadata": null}),
            vec!["/spec/containers/0", "/spec/containers/1"],
        ),
        (
            json!({"spec": {"containers": [{"name": "a", "x": [1]}, {"name": "b", "image": "z"}], "y": 1}, "metadata": null}),
            vec!["/spec/containers/1", "/spec/y"],
        ),
    ] {
        assert_eq!(lost(&before, &after), expected, "{after}");
    }
}
