//! What a value adds to a pod with one container, as the engine decides it.

use multipod_engine::annotation::Key;
use multipod_engine::annotation::key::STATUS;
use multipod_engine::inject::{Verdict, decide};
use multipod_engine::pattern::Context;
use multipod_engine::pod::Head;
use multipod_engine::policy::Policies;
use serde_json::{Map, Value, json};

/// The pod before anything is added.
pub(crate) fn minimal_pod(key: Key, value: &str) -> Value {
    json!({
        "metadata": {"name": "sample", "annotations": {key.full(): value}},
        "spec": {"containers": [{"name": "app", "image": "app:1", "ports": [{"containerPort": 8775}]}]},
    })
}

/// Only what a value adds to a minimal pod, which may be nothing; else why the pod is refused.
pub fn sample(key: Key, value: &str, context: &Context<'_>) -> Result<Value, String> {
    let before = minimal_pod(key, value);
    let json = before.to_string();
    let head = Head::read(&json).map_err(|fault| fault.to_string())?;
    let nobody = Policies::default();
    let decision = decide(&head, context, &nobody).map_err(|error| error.to_string())?;
    match &decision.verdict {
        Verdict::Inject(injection) => {
            let mut after = injection.patch.applied(&before).ok_or("the patch does not fit the pod")?;
            if let Some(annotations) = after["metadata"]["annotations"].as_object_mut() {
                annotations.shift_remove(STATUS);
            }
            Ok(new_in(&after, &before))
        }
        Verdict::Skip(_) => Ok(json!({})),
        Verdict::Deny(refusals) => {
            Err(refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// What one value has and another has not. Things in lists are known by their names.
fn new_in(after: &Value, before: &Value) -> Value {
    match (after, before) {
        (Value::Object(after), Value::Object(before)) => {
            let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(value));
            let new = changed
                .map(|(key, value)| (key.clone(), new_in(value, before.get(key).unwrap_or(&Value::Null))));
            Value::Object(new.collect())
        }
        (Value::Array(after), Value::Array(before)) => {
            let new = after.iter().filter(|item| !before.contains(item)).map(|item| {
                let named =
                    before.iter().find(|other| item["name"].is_string() && other["name"] == item["name"]);
                named.map_or_else(|| item.clone(), |old| with_name(item, new_in(item, old)))
            });
            Value::Array(new.collect())
        }
        _ => after.clone(),
    }
}

fn with_name(item: &Value, new: Value) -> Value {
    let mut whole = Map::new();
    whole.insert("name".to_owned(), item["name"].clone());
    if let Value::Object(new) = new {
        whole.extend(new);
    }
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_left_and_things_keep_their_names() {
        let before = json!({"a": 1, "list": [{"name": "app", "x": 1}, {"name": "same"}], "gone": 1});
        let after = json!({"a": 1, "b": [2], "list": [{"name": "new"}, {"name": "app", "x": 1, "y": 2}, {"name": "same"}]});
        assert_eq!(
            new_in(&after, &before),
            json!({"b": [2], "list": [{"name": "new"}, {"name": "app", "y": 2}]})
        );
    }
}
