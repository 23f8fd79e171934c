//! Annotations that the command line sets on every pod template.

use std::borrow::Cow;
use std::str::FromStr;

use serde_json::{Map, Value};
use thiserror::Error;

use multipod_engine::annotation::Key;
use multipod_engine::annotation::key::{PREFIX, RENDERED_PREFIX, STATUS};
use multipod_engine::pattern::opt_out;
use multipod_values::suggest;
use multipod_yaml::Edit;

use super::{Finding, Level, Target};

/// One annotation to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub key: String,
    pub value: String,
}

/// Why a text is no annotation to set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AnnotationError {
    /// There is no `=`.
    #[error("expected KEY=VALUE, such as multipod/ambassador=80:8775")]
    NoValue,
    /// There is nothing before the `=`.
    #[error("the key is empty; expected KEY=VALUE, such as multipod/ambassador=80:8775")]
    NoKey,
    /// The API server would not take it.
    #[error(
        "{0:?} is no annotation key: letters, digits, - _ and . with an optional domain and / before the name"
    )]
    BadKey(String),
    /// A key of ours that does not exist, or one of ours without its prefix.
    #[error("there is no key {0}{1}")]
    UnknownKey(String, String),
    /// A key that multipod writes itself.
    #[error("{0} is written by multipod itself")]
    Reserved(String),
}

impl FromStr for Annotation {
    type Err = AnnotationError;

    fn from_str(text: &str) -> Result<Self, AnnotationError> {
        let (key, value) = text.split_once('=').ok_or(AnnotationError::NoValue)?;
        check(key)?;
        Ok(Annotation { key: key.to_owned(), value: value.to_owned() })
    }
}

fn check(key: &str) -> Result<(), AnnotationError> {
    if key.is_empty() {
        return Err(AnnotationError::NoKey);
    }
    if key == STATUS || key.starts_with(RENDERED_PREFIX) {
        return Err(AnnotationError::Reserved(key.to_owned()));
    }
    let is_ours = key.starts_with(PREFIX);
    if is_ours && Key::from_full(key).is_some() {
        return Ok(());
    }
    if is_ours || Key::from_name(key).is_some() {
        let full = format!("{PREFIX}{}", key.strip_prefix(PREFIX).unwrap_or(key));
        let meant = suggest::did_you_mean(&full, Key::ALL.iter().map(|key| key.full()));
        return Err(AnnotationError::UnknownKey(key.to_owned(), meant));
    }
    if is_annotation_key(key) { Ok(()) } else { Err(AnnotationError::BadKey(key.to_owned())) }
}

/// What the API server takes for the key of an annotation, or of a label; without a slash, also for a label's value.
pub(crate) fn is_annotation_key(key: &str) -> bool {
    let word = |text: &str, longest: usize, others: &str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        text.len() <= longest
            && ends(text.chars().next())
            && ends(text.chars().last())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    match key.split_once('/') {
        Some((domain, name)) => word(domain, 253, "-.") && word(name, 63, "-_."),
        None => word(key, 63, "-_."),
    }
}

impl Annotation {
    /// Sets it in the value of a template, as the edit does in its text.
    fn set(&self, template: &mut Value) {
        let annotations = map_at(template, "metadata").and_then(|metadata| {
            metadata.entry("annotations").or_insert(Value::Null);
            metadata.get_mut("annotations").and_then(as_map)
        });
        if let Some(annotations) = annotations {
            annotations.insert(self.key.clone(), self.value.clone().into());
        }
    }
}

/// Those of the annotations that a template gets: what a pod opts out of it keeps out, and that is said.
pub(super) fn for_target<'a>(
    annotations: &'a [Annotation],
    target: &Target<'_>,
) -> (Cow<'a, [Annotation]>, Vec<Finding>) {
    let own = &target.value["metadata"]["annotations"];
    let opt_out = own[Key::OptOut.full()].as_str().and_then(|text| opt_out::parse(text).ok());
    let Some(opt_out) = opt_out.filter(|_| !annotations.is_empty()) else {
        return (Cow::Borrowed(annotations), Vec::new());
    };
    let is_declined = |annotation: &&Annotation| {
        Key::from_full(&annotation.key).is_some_and(|key| key != Key::OptOut && opt_out.declines(key))
    };
    let (declined, wanted): (Vec<&Annotation>, Vec<&Annotation>) = annotations.iter().partition(is_declined);
    let findings = declined.into_iter().map(|annotation| {
        let message = format!("{} does not get {}: it opts out", target.title(), annotation.key);
        target.finding_about(Key::OptOut.full(), Level::Note, "opted_out", message)
    });
    let findings = findings.collect();
    (Cow::Owned(wanted.into_iter().cloned().collect()), findings)
}

/// A template as the engine reads it, with annotations set first.
pub(super) fn json(annotations: &[Annotation], target: &Target<'_>) -> String {
    if annotations.is_empty() {
        return target.value.to_string();
    }
    let mut value = target.value.clone();
    for annotation in annotations {
        annotation.set(&mut value);
    }
    value.to_string()
}

/// The edits that set all annotations on a template; of one key given twice the last counts.
pub(super) fn edits(annotations: &[Annotation], target: &Target<'_>) -> Vec<Edit> {
    let mut last: Map<String, Value> = Map::new();
    for annotation in annotations {
        last.insert(annotation.key.clone(), annotation.value.clone().into());
    }
    if last.is_empty() {
        return Vec::new();
    }
    let metadata = &target.value["metadata"];
    if metadata.is_null() {
        let pointer = format!("{}/metadata", target.pointer);
        return vec![Edit::Add { pointer, value: serde_json::json!({ "annotations": last }) }];
    }
    match &metadata["annotations"] {
        Value::Null => {
            let pointer = format!("{}/metadata/annotations", target.pointer);
            vec![Edit::Add { pointer, value: Value::Object(last) }]
        }
        there => {
            let new = last.into_iter().filter(|(key, value)| there.get(key) != Some(value));
            new.map(|(key, value)| Edit::Add { pointer: target.annotation_pointer(&key), value }).collect()
        }
    }
}

fn map_at<'v>(value: &'v mut Value, field: &str) -> Option<&'v mut Map<String, Value>> {
    let map = value.as_object_mut()?;
    map.entry(field).or_insert(Value::Null);
    map.get_mut(field).and_then(as_map)
}

/// A map, where null is an empty one.
fn as_map(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_and_values_are_told_apart_at_the_first_equals_sign() {
        for (text, key, value) in [
            ("multipod/ambassador=80:8775", "multipod/ambassador", "80:8775"),
            ("multipod/metrics=nginx port=80", "multipod/metrics", "nginx port=80"),
            ("example.com/team=", "example.com/team", ""),
            ("team=a=b", "team", "a=b"),
        ] {
            let annotation: Annotation = text.parse().unwrap();
            assert_eq!((&*annotation.key, &*annotation.value), (key, value));
        }
    }

    #[test]
    fn bad_keys_are_told_from_unknown_ones() {
        for (text, expected) in [
            ("multipod/ambassador", "expected KEY=VALUE"),
            ("=x", "the key is empty"),
            ("multipod/ambasador=80", "no key multipod/ambasador, did you mean multipod/ambassador?"),
            ("ambassador=80", "no key ambassador, did you mean multipod/ambassador?"),
            ("multipod/zebra=1", "no key multipod/zebra"),
            ("multipod/status={}", "written by multipod itself"),
            ("a b=1", "is no annotation key"),
            ("-a/b=1", "is no annotation key"),
            ("a/b/c=1", "is no annotation key"),
        ] {
            let error = text.parse::<Annotation>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn annotations_are_set_where_there_are_none() {
        let annotation = Annotation { key: "a".into(), value: "1".into() };
        for (before, after) in [
            (json!({}), json!({"metadata": {"annotations": {"a": "1"}}})),
            (json!({"metadata": null}), json!({"metadata": {"annotations": {"a": "1"}}})),
            (json!({"metadata": {"annotations": null}}), json!({"metadata": {"annotations": {"a": "1"}}})),
            (
                json!({"metadata": {"annotations": {"a": 2}}}),
                json!({"metadata": {"annotations": {"a": "1"}}}),
            ),
            (json!({"metadata": [1]}), json!({"metadata": [1]})),
        ] {
            let mut value = before.clone();
            annotation.set(&mut value);
            assert_eq!(value, after, "{before}");
        }
    }
}
