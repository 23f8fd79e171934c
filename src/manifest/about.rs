//! Which annotation a warning of a decision is about.

use multipod_engine::annotation::key::PREFIX;
use multipod_engine::inject::{Decision, Verdict};

use super::Target;

/// The key of the template's annotation that a warning names, or that asks for a container that it names; else the only one
/// that the template has, if there is just one and nobody else asks for anything.
pub(super) fn key_of<'k>(warning: &str, target: &'k Target<'_>, decision: &Decision<'_>) -> Option<&'k str> {
    let annotations = target.value["metadata"]["annotations"].as_object()?;
    let own: Vec<&str> =
        annotations.keys().map(String::as_str).filter(|key| key.starts_with(PREFIX)).collect();
    let by_itself = own.iter().filter(|key| warning.contains(**key)).max_by_key(|key| key.len());
    if let Some(key) = by_itself {
        return Some(key);
    }
    let Verdict::Inject(injection) = &decision.verdict else { return None };
    let plan = &injection.plan;
    let asked = |key: &str| own.iter().find(|own| **own == key).copied();
    let containers = plan.changes.iter().filter_map(|planned| Some((planned, planned.change.container()?)));
    let named = containers.filter(|(_, new)| warning.contains(&*new.container.name));
    if let Some((planned, _)) = named.max_by_key(|(_, new)| new.container.name.len()) {
        return asked(plan.key_of(planned));
    }
    // What policies and namespaces do, and what is so without us, is about no annotation of the pod.
    if ["policy ", "namespace ", PREFIX, "without multipod"].iter().any(|word| warning.contains(word)) {
        return None;
    }
    let mut keys = plan.changes.iter().map(|planned| plan.key_of(planned));
    let first = keys.next()?;
    keys.all(|key| key == first).then(|| asked(first))?
}
