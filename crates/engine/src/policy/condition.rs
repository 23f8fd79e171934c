//! The conditions of a policy: what must hold for a pod besides its labels, in CEL.

use std::collections::BTreeSet;
use std::fmt;

use multipod_cel::{Condition as Cel, Fault, Given, Mistake, Value};

use crate::annotation::{Excerpt, Span};
use crate::pattern::Context;
use crate::pattern::context::{Annotations, LONGEST_ANNOTATION};
use crate::pod::{Head, Pairs, Scalar};

/// The label that the API server gives every namespace.
pub(super) const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

const TOO_LONG: Value<'static> =
    unknown("this annotation of the namespace is longer than the 256 bytes that conditions read");

const fn unknown(why: &'static str) -> Value<'static> {
    Value::Unknown(Fault::new(why))
}

/// Something that must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub(crate) name: String,
    cel: Cel,
}

impl Condition {
    /// The error is what is wrong, and where.
    pub(super) fn parse(name: &str, expression: &str) -> Result<Condition, (String, Excerpt)> {
        let cel = Cel::parse(expression).map_err(|Mistake { at, message }| {
            let span = Span { start: at.start, end: at.end };
            (message, Excerpt::of(expression, span, String::new()))
        })?;
        Ok(Condition { name: name.to_owned(), cel })
    }

    /// As it was written.
    pub fn expression(&self) -> &str {
        self.cel.text()
    }

    /// The annotations of the pod's namespace that it reads.
    pub(super) fn namespace_annotations(&self) -> &[String] {
        self.cel.namespace_annotations()
    }

    /// Whether it holds; the error is why nobody can tell.
    pub(super) fn holds<'a>(&'a self, given: &Given<'a>) -> Result<bool, Fault> {
        self.cel.holds(given)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, multipod_values::short(self.expression().trim()))
    }
}

/// What conditions are about: as much of a pod as a decision knows, which stays text but for its metadata.
pub(super) fn given<'a>(
    context: &Context<'a>,
    pod: &'a Head<'a>,
    conditions: &'a [Condition],
) -> Result<Given<'a>, Fault> {
    let mut object = Vec::new();
    let mut metadata = vec![("namespace", Value::text(context.namespace))];
    if let Some(of_pod) = pod.metadata.value() {
        let names = [("name", &of_pod.name), ("generateName", &of_pod.generate_name)];
        metadata.extend(
            names
                .into_iter()
                .filter(|(_, name)| !name.is_empty())
                .map(|(key, name)| (key, Value::text(name))),
        );
        let maps = [("labels", of_pod.labels.value()), ("annotations", of_pod.annotations.value())];
        metadata.extend(maps.into_iter().filter_map(|(key, pairs)| Some((key, texts(pairs?)?))));
    }
    object.push(("metadata", Value::map(metadata)));
    if let Some(spec) = pod.raw_spec() {
        object.push(("spec", Value::json(spec)?));
    }
    let name = Value::text(context.namespace);
    let labels = match context.namespace_labels {
        Some(labels) => {
            let labels = labels.iter().filter(|(key, _)| **key != *NAMESPACE_NAME);
            let labels = labels.map(|(key, value)| (&**key, Value::text(value)));
            Value::map(labels.chain([(NAMESPACE_NAME, name.clone())]))
        }
        None => unknown("the labels of the namespace are not known"),
    };
    let metadata = [("name", name), ("labels", labels)];
    let annotations = annotations(context, conditions).map(|annotations| ("annotations", annotations));
    let namespace = Value::map([("metadata", Value::map(metadata.into_iter().chain(annotations)))]);
    Ok(Given::new(Value::map(object), namespace, context.meter))
}

/// Those of the namespace that the conditions name.
fn annotations<'a>(context: &Context<'a>, conditions: &'a [Condition]) -> Option<Value<'a>> {
    const UNKNOWN: Value<'static> = unknown("the annotations of the namespace are not known");
    const NOT_YET: Value<'static> =
        Value::Unknown(Fault::not_yet("this annotation of the namespace is still being read"));
    let is_known = context.namespace_labels.is_some();
    let has_any = match context.annotations {
        Annotations::All => !context.namespace_annotations.is_empty(),
        Annotations::Named { read, .. } => read.is_some(),
    };
    if !has_any {
        return (!is_known).then_some(UNKNOWN);
    }
    let value = |name: &str| match context.annotations {
        Annotations::All => {
            let found = context.namespace_annotations.iter().find(|(key, _)| key == name);
            match found {
                Some((_, value)) if value.len() > LONGEST_ANNOTATION => Some(TOO_LONG),
                Some((_, value)) => Some(Value::text(value)),
                None => (!is_known).then_some(UNKNOWN),
            }
        }
        Annotations::Named { named, .. } if named.binary_search_by(|known| (**known).cmp(name)).is_err() => {
            Some(NOT_YET)
        }
        Annotations::Named { read, .. } => {
            let read = read.unwrap_or_default();
            let at = read.binary_search_by(|(key, _)| (**key).cmp(name)).ok()?;
            Some(read[at].1.as_ref().map_or(TOO_LONG, |value| Value::text(value)))
        }
    };
    // Each once, however many conditions name it.
    let names: BTreeSet<&str> =
        conditions.iter().flat_map(Condition::namespace_annotations).map(String::as_str).collect();
    Some(Value::map(names.into_iter().filter_map(|name| Some((name, value(name)?)))))
}

/// Nothing where there are none: an API server leaves an empty map out.
fn texts<'a>(pairs: &'a Pairs<'a>) -> Option<Value<'a>> {
    let text = |value: &'a Scalar<'a>| match value {
        Scalar::Text(text) => Value::text(text),
        Scalar::Null => Value::text(""),
        _ => unknown("a label or an annotation of the pod is not text: write its value in quotes"),
    };
    let entries = pairs.entries.iter();
    (!pairs.entries.is_empty()).then(|| Value::map(entries.map(|(key, value)| (&**key, text(value)))))
}
