//! When something was made or changed. All times of an API server have one form, whose order is that of their text.

use serde_json::Value;

/// When the object was made.
pub(super) fn made(object: &Value) -> Option<&str> {
    object["metadata"]["creationTimestamp"].as_str()
}

/// When somebody changed what the object says, which its status is no part of.
pub(crate) fn changed(object: &Value) -> Option<&str> {
    last(object, |_| true).max(made(object))
}

/// When somebody last set what stands below these fields, such as `["f:metadata", "f:labels"]`.
pub(super) fn set<'o>(object: &'o Value, fields: &[&str]) -> Option<&'o str> {
    last(object, |owned| !fields.iter().fold(owned, |inner, field| &inner[*field]).is_null())
}

fn last(object: &Value, concerns: impl Fn(&Value) -> bool) -> Option<&str> {
    let managers = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let says = |manager: &&Value| manager["subresource"].is_null() && concerns(&manager["fieldsV1"]);
    managers.filter(says).filter_map(|manager| manager["time"].as_str()).max()
}
