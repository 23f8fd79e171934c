//! The webhook configurations: for which pods the API server calls multipod.

use multipod_engine::policy::{Requirement, Selector};
use serde_json::Value;

use super::{Namespace, time};

/// The end of the names of our entries.
const OURS: &str = ".multipod.dev";
/// The names of the conditions by which our entries share the pods.
const ASKS: &str = "asks-by-annotation";
const ASKS_NOT: &str = "does-not-ask-by-annotation";

/// One entry of a `MutatingWebhookConfiguration` that is ours and about pods.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// When its configuration was made.
    pub made: String,
    /// Whether a pod is made without us where nobody answers.
    pub ignores_failure: bool,
    /// The namespace and name of the Service that is asked, if it is one.
    pub service: Option<(String, String)>,
    namespaces: Selector,
    pods: Selector,
    /// Pods that ask, those that do not, or both.
    asking: Option<bool>,
}

impl Entry {
    /// Those of a configuration.
    pub(crate) fn of(configuration: &Value) -> impl Iterator<Item = Entry> {
        let made = time::made(configuration).unwrap_or_default();
        let entries = configuration["webhooks"].as_array().into_iter().flatten();
        entries.filter(|entry| is_ours(entry)).map(move |entry| {
            let has = |condition: &str| {
                let mut conditions = entry["matchConditions"].as_array().into_iter().flatten();
                conditions.any(|one| one["name"] == condition)
            };
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let service = &entry["clientConfig"]["service"];
            Entry {
                made: made.to_owned(),
                ignores_failure: entry["failurePolicy"] == "Ignore",
                service: text(&service["namespace"]).zip(text(&service["name"])),
                namespaces: Selector::legible(&entry["namespaceSelector"]),
                pods: Selector::legible(&entry["objectSelector"]),
                asking: match (has(ASKS), has(ASKS_NOT)) {
                    (true, false) => Some(true),
                    (false, true) => Some(false),
                    _ => None,
                },
            }
        })
    }

    /// Whether it is for a pod that asks by its own annotations, or does not.
    pub(super) fn is_for(&self, asks: bool) -> bool {
        self.asking.is_none_or(|asking| asking == asks)
    }

    /// What keeps it from a namespace.
    pub(super) fn unmet<'e>(&'e self, namespace: &'e Namespace) -> Option<&'e Requirement> {
        self.namespaces.unmet(|label| namespace.label(label))
    }

    /// What keeps it from a pod.
    pub(super) fn unmet_by<'e>(&'e self, pod: &'e Value) -> Option<&'e Requirement> {
        self.pods.unmet(|label| pod["metadata"]["labels"][label].as_str())
    }
}

fn is_ours(entry: &Value) -> bool {
    let named = entry["name"].as_str().is_some_and(|name| name.ends_with(OURS));
    let rules = entry["rules"].as_array().into_iter().flatten();
    let resources = rules.flat_map(|rule| rule["resources"].as_array().into_iter().flatten());
    named && resources.into_iter().any(|resource| resource == "pods" || resource == "*")
}
