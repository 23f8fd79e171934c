//! The pod templates of a manifest, and what the other objects are.

use serde_json::Value;

use crate::annotation::key::PREFIX;
use crate::pod::{Object, objects};
use crate::yaml::Document;

use super::{Annotation, Finding, Level, Manifest};

/// One pod, or pod template, in a document.
#[derive(Debug)]
pub struct Target<'m> {
    /// The object that holds it, which may be the pod itself.
    pub object: Object<'m>,
    /// Where it stands in the document, as a JSON pointer.
    pub pointer: String,
    /// What it holds: `metadata` and `spec`.
    pub value: &'m Value,
    file: &'m str,
    document: &'m Document<'m>,
    number: usize,
}

/// What an object of a document is to us.
#[derive(Debug)]
pub enum Found<'m> {
    /// It has a pod template.
    Template(Target<'m>),
    /// It has none, and why it is left alone.
    Other(Finding),
}

/// The objects of one document of a manifest, by its index.
pub fn found<'m>(manifest: &'m Manifest<'m>, index: usize) -> Vec<Found<'m>> {
    let Some(document) = manifest.documents.get(index).filter(|document| !document.is_empty()) else {
        return Vec::new();
    };
    let whole = |object, pointer, value| Target {
        object,
        pointer,
        value,
        file: manifest.name,
        document,
        number: index + 1,
    };
    let objects = objects(document.value());
    if objects.is_empty() && !document.value().is_object() {
        let object = Object { pointer: String::new(), kind: "", value: document.value(), place: None };
        let text = "it is left as it is: it is no Kubernetes object";
        let target = whole(object, String::new(), document.value());
        return vec![Found::Other(target.finding(Level::Note, "no_object", text))];
    }
    let found = objects.into_iter().map(|object| match object.template() {
        Some((pointer, value)) => Found::Template(whole(object, pointer, value)),
        None => {
            let (pointer, value) = (object.pointer.clone(), object.value);
            Found::Other(whole(object, pointer, value).without_template())
        }
    });
    found.collect()
}

impl<'m> Target<'m> {
    /// Whether there are containers to put something beside; patches of kustomize often have none.
    pub fn has_containers(&self) -> bool {
        !self.value["spec"]["containers"].is_null()
    }

    /// The template as the engine reads it, with annotations set first.
    pub fn json(&self, annotations: &[Annotation]) -> String {
        if annotations.is_empty() {
            return self.value.to_string();
        }
        let mut value = self.value.clone();
        for annotation in annotations {
            annotation.set(&mut value);
        }
        value.to_string()
    }

    /// `Deployment web`
    pub fn title(&self) -> String {
        let kind = if self.object.kind.is_empty() { "object" } else { self.object.kind };
        format!("{kind} {}", self.object.name()).trim_end().to_owned()
    }

    /// Something about the whole template.
    pub fn finding(&self, level: Level, slug: &'static str, message: impl Into<String>) -> Finding {
        self.finding_at(&self.pointer, level, slug, message)
    }

    /// Something about one of the template's annotations; about the template where it does not have it.
    pub fn finding_about(
        &self,
        key: &str,
        level: Level,
        slug: &'static str,
        message: impl Into<String>,
    ) -> Finding {
        self.finding_at(&self.annotation_pointer(key), level, slug, message)
    }

    /// Something about the place that a pointer names.
    pub fn finding_at(
        &self,
        pointer: &str,
        level: Level,
        slug: &'static str,
        message: impl Into<String>,
    ) -> Finding {
        let position = self.document.position(pointer).or_else(|| self.document.position(&self.pointer));
        let (line, column) = position.map_or((self.document.first_line(), 1), |position| {
            position.key.map_or((position.line, position.column), |key| (key.line, key.column))
        });
        let subject = if self.object.value.is_object() {
            format!("document {}, {}", self.number, self.title())
        } else {
            format!("document {}", self.number)
        };
        Finding { level, slug, message: message.into(), file: self.file.to_owned(), line, column, subject }
    }

    /// Where an annotation of the template stands, or would.
    pub fn annotation_pointer(&self, key: &str) -> String {
        format!("{}/metadata/annotations/{}", self.pointer, escaped(key))
    }

    /// The document that it stands in.
    pub fn document(&self) -> &'m Document<'m> {
        self.document
    }

    /// The annotations of multipod below a pointer within the object.
    pub fn asks_at(&self, pointer: &str) -> impl Iterator<Item = &'m str> {
        let annotations = self.object.value.pointer(pointer).and_then(Value::as_object);
        annotations.into_iter().flatten().map(|(key, _)| &**key).filter(|key| key.starts_with(PREFIX))
    }

    fn without_template(&self) -> Finding {
        let unknown = self.object.place.is_none();
        let asks = self.asks_at("/spec/template/metadata/annotations").next();
        let title = self.title();
        match asks {
            Some(key) if unknown => {
                let message = format!(
                    "{key} has no effect here: multipod does not know where objects of this kind keep their \
                     pods\n{title} is left as it is; in a cluster, its pods are injected when they are made"
                );
                let pointer = format!("{}/spec/template/metadata/annotations/{}", self.pointer, escaped(key));
                self.finding_at(&pointer, Level::Warning, "unknown_kind", message)
            }
            _ if self.object.kind.is_empty() => {
                self.finding(Level::Note, "no_kind", format!("{title} is left as it is: it has no kind"))
            }
            _ => {
                let message = format!("{title} is left as it is: it has no pod template");
                self.finding(Level::Note, "no_pod_template", message)
            }
        }
    }
}

/// A name as a part of a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
