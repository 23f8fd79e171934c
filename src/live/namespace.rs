//! What a namespace says about its pods, and since when.

use std::sync::Arc;

use multipod_engine::annotation::key::{INJECTION, PREFIX};
use multipod_engine::pattern::context::ASSIGNED_USERS;
use serde_json::Value;

use super::time;

/// A namespace, as far as it decides about pods.
#[derive(Clone, Debug, Default)]
pub(crate) struct Namespace {
    pub name: String,
    /// Its labels, where they are known.
    pub labels: Option<Vec<(Arc<str>, Arc<str>)>>,
    pub annotations: Vec<(String, String)>,
    /// When it was opted in or out.
    pub labelled: Option<String>,
    /// When somebody last set one of its annotations that ask for something.
    pub annotated: Option<String>,
}

impl Namespace {
    pub(crate) fn of(object: &Value) -> Namespace {
        let pairs = |field: &str| {
            let pairs = object["metadata"][field].as_object().into_iter().flatten();
            pairs.filter_map(|(key, value)| Some((&**key, value.as_str()?)))
        };
        let annotations = pairs("annotations").map(|(key, value)| (key.to_owned(), value.to_owned()));
        let annotations: Vec<(String, String)> = annotations.collect();
        let asks = |key: &str| key.starts_with(PREFIX) || key == ASSIGNED_USERS;
        let keys = annotations.iter().filter(|(key, _)| asks(key)).map(|(key, _)| format!("f:{key}"));
        let annotated = keys
            .filter_map(|key| time::set(object, &["f:metadata", "f:annotations", &key]).map(str::to_owned))
            .max();
        let label = format!("f:{INJECTION}");
        Namespace {
            name: object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            labels: Some(pairs("labels").map(|(key, value)| (key.into(), value.into())).collect()),
            annotations,
            labelled: time::set(object, &["f:metadata", "f:labels", &label]).map(str::to_owned),
            annotated,
        }
    }

    /// One of which no more is known than its name.
    pub(crate) fn named(name: &str) -> Namespace {
        Namespace { name: name.to_owned(), ..Namespace::default() }
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        if key == "kubernetes.io/metadata.name" {
            return Some(&self.name);
        }
        let labels = self.labels.iter().flatten();
        labels.into_iter().find(|(name, _)| **name == *key).map(|(_, value)| &**value)
    }
}
