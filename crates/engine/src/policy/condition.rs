//! The conditions of a policy: what must hold for a pod besides its labels, in CEL.

use std::fmt;

use multipod_cel::{Condition as Cel, Fault, Given, Mistake, Value};

use crate::annotation::{Excerpt, Span};
use crate::pattern::Context;
use crate::pod::{Head, Pairs, Scalar};

/// The label that the API server gives every namespace.
pub(super) const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Something that must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub(crate) name: String,
    cel: Cel,
}

impl Condition {
    /// The error is what is wrong, with a mark below its place.
    pub(super) fn parse(name: &str, expression: &str) -> Result<Condition, String> {
        let cel = Cel::parse(expression).map_err(|mistake| marked(expression, mistake))?;
        Ok(Condition { name: name.to_owned(), cel })
    }

    /// As it was written.
    pub fn expression(&self) -> &str {
        self.cel.text()
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

fn marked(expression: &str, Mistake { at, message }: Mistake) -> String {
    let excerpt = Excerpt::of(expression, Span { start: at.start, end: at.end }, String::new());
    format!("{message}\n{excerpt}")
}

/// What conditions are about: as much of a pod as a decision knows, which stays text but for its metadata.
pub(super) fn given<'a>(context: &Context<'a>, pod: &'a Head<'a>) -> Result<Given<'a>, Fault> {
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
        None => Value::Unknown("the labels of the namespace are not known"),
    };
    let namespace = Value::map([("metadata", Value::map([("name", name), ("labels", labels)]))]);
    Ok(Given::new(Value::map(object), namespace, context.meter))
}

/// Nothing where there are none: an API server leaves an empty map out.
fn texts<'a>(pairs: &'a Pairs<'a>) -> Option<Value<'a>> {
    let text = |value: &'a Scalar<'a>| match value {
        Scalar::Text(text) => Value::text(text),
        Scalar::Null => Value::text(""),
        _ => Value::Unknown("a label or an annotation of the pod is not text: write its value in quotes"),
    };
    let entries = pairs.entries.iter();
    (!pairs.entries.is_empty()).then(|| Value::map(entries.map(|(key, value)| (&**key, text(value)))))
}
