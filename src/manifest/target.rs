//! The pod templates of a manifest, and what the other objects are.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use multipod_engine::annotation::key::PREFIX;
use multipod_engine::annotation::{Diagnostic, Source};
use multipod_engine::pod::{Object, objects};
use multipod_json::pointer::escaped;
use multipod_values::{plain, suggest};
use multipod_yaml::Document;

use super::finding::place_in;
use super::placed::Placed;
use super::{Finding, Level, Mark, Mend, Opened, misplaced};

/// The name of notes about objects like a Service, of which most manifests have some.
pub(crate) const NO_POD_TEMPLATE: &str = "no_pod_template";

/// How many annotations in the wrong place are told: one remedy helps them all.
const MOST_MISPLACED: usize = 10;

/// One pod, or pod template, in a document.
#[derive(Debug)]
pub(crate) struct Target<'m> {
    /// The object that holds it, which may be the pod itself.
    pub placed: Placed<'m>,
    /// Where it stands in the document, as a JSON pointer.
    pub pointer: String,
    /// What it holds: `metadata` and `spec`.
    pub value: &'m Value,
}

impl Target<'_> {
    /// The name of the workload whose pods these will be; a pod says its own.
    pub(super) fn owner_name(&self) -> Option<&str> {
        let object = &self.placed.object;
        let is_template = object.place.is_some_and(|place| !place.pointer.is_empty());
        is_template.then(|| object.name()).filter(|name| !name.is_empty())
    }
}

/// What an object of a document is to us.
#[derive(Debug)]
pub(crate) enum Found<'m> {
    /// It has a pod template.
    Template(Target<'m>),
    /// It has none, and why it is left alone.
    Other(Placed<'m>, Vec<Finding>),
}

/// The objects of a document.
pub(crate) fn found<'m>(opened: &'m Opened<'m>) -> Vec<Found<'m>> {
    let document = &opened.document;
    if document.is_empty() {
        return Vec::new();
    }
    let whole = |object, pointer, value| Target { placed: Placed::new(object, opened), pointer, value };
    let objects = objects(document.value());
    if objects.is_empty() && !document.value().is_object() {
        let object = Object { pointer: String::new(), kind: "", value: document.value(), place: None };
        let target = whole(object, String::new(), document.value());
        let is_of_objects = |items: &Vec<Value>| items.iter().any(|item| item["kind"].is_string());
        let finding = if document.value().as_array().is_some_and(is_of_objects) {
            let message = "kubectl reads no list of objects\nPut them into the items of a List, or make each a document";
            target.finding(Level::Error, "list_of_objects", message)
        } else {
            target.left_alone("no_object", "it is no Kubernetes object")
        };
        return vec![Found::Other(target.placed, vec![finding])];
    }
    let found = objects.into_iter().map(|object| {
        if let Some((pointer, value)) = object.template() {
            return Found::Template(whole(object, pointer, value));
        }
        let (pointer, value) = (object.pointer.clone(), object.value);
        let target = whole(object, pointer, value);
        let findings = target.without_template();
        Found::Other(target.placed, findings)
    });
    found.collect()
}

impl<'m> Target<'m> {
    /// Whether there are containers to put something beside; patches of kustomize often have none.
    pub(crate) fn has_containers(&self) -> bool {
        !self.value["spec"]["containers"].is_null()
    }

    /// `Deployment web`
    pub(crate) fn title(&self) -> String {
        self.placed.title()
    }

    /// That nothing is done here, and why.
    pub(crate) fn left_alone(&self, slug: &'static str, why: impl fmt::Display) -> Finding {
        let message = format!("{} is left as it is: {why}", self.title());
        self.finding_at(&self.placed.object.pointer, Level::Note, slug, message)
    }

    /// Something about the whole template.
    pub(crate) fn finding(&self, level: Level, slug: &'static str, message: impl Into<String>) -> Finding {
        self.finding_at(&self.pointer, level, slug, message)
    }

    /// Something about one of the template's annotations; about the template where it does not have it.
    pub(crate) fn finding_about(
        &self,
        key: &str,
        level: Level,
        slug: &'static str,
        message: impl Into<String>,
    ) -> Finding {
        self.finding_at(&self.annotation_pointer(key), level, slug, message)
    }

    /// What is wrong with the value of one of the template's annotations, at its place.
    pub(crate) fn finding_in(&self, diagnostic: &Diagnostic, slug: &'static str) -> Finding {
        let below = diagnostic.below();
        let lines = std::iter::once(Cow::Owned(diagnostic.first_line())).chain(below);
        let message = plain(lines.collect::<Vec<_>>().join("\n"));
        let mut finding = self.finding_about(&diagnostic.key, Level::Error, slug, message);
        let pointer = self.annotation_pointer(&diagnostic.key);
        let value = self.value["metadata"]["annotations"][&diagnostic.key].as_str();
        let position =
            self.document().position(&pointer).zip(value).filter(|_| diagnostic.source == Source::Pod);
        if let Some(excerpt) = &diagnostic.excerpt {
            finding.mark = Some(match position {
                Some((position, value)) => Mark::in_value(self.document(), &position, excerpt, value),
                None => Mark { line: None, excerpt: excerpt.clone() },
            });
        }
        finding.mend =
            diagnostic.meant.as_deref().zip(position).and_then(|((part, meant), (position, value))| {
                let (number, start) = place_in(self.document(), &position, *part, value)?;
                let old = value.get(part.start..part.end)?;
                let mend = Mend::part(
                    self.document().line(number)?,
                    number,
                    start..start + old.len(),
                    meant.clone(),
                );
                mend.filter(|mend| mend.was == old)
            });
        finding
    }

    /// Something about the place that a pointer names.
    pub(crate) fn finding_at(
        &self,
        pointer: &str,
        level: Level,
        slug: &'static str,
        message: impl Into<String>,
    ) -> Finding {
        self.placed.finding([pointer, &self.pointer], level, slug, message)
    }

    /// Where an annotation of the template stands, or would.
    pub(crate) fn annotation_pointer(&self, key: &str) -> String {
        format!("{}/metadata/annotations/{}", self.pointer, escaped(key))
    }

    /// The document that it stands in.
    pub(crate) fn document(&self) -> &'m Document<'m> {
        self.placed.document
    }

    /// Keys of ours that stand beside the pod's annotations instead of among them: on the workload, one level off, or below
    /// a name that is nearly right.
    pub(super) fn misplaced(&self) -> Vec<Finding> {
        let Some(place) = self.placed.object.place else { return Vec::new() };
        let inside = format!("{}.metadata.annotations", place.pointer.replace('/', "."));
        let inside = inside.trim_start_matches('.');
        let (right, labels) =
            (format!("{}/metadata/annotations", place.pointer), format!("{}/metadata/labels", place.pointer));
        let mut found = Vec::new();
        keys_of_ours(self.placed.object.value, "", &mut found);
        // `check` reports labels.
        found.retain(|(at, _)| *at != right && *at != labels && at != "/metadata/labels");
        let findings = found.into_iter().map(|(at, key)| {
            let message = if place.beside().contains(&&*at) {
                format!(
                    "{key} stands on the {} itself and never reaches its pods\nPut it under {inside}",
                    self.placed.object.kind,
                )
            } else {
                let named = at.trim_start_matches('/').replace('/', ".");
                format!("{key} stands in {named}, where nobody reads it\nPut it under {inside}")
            };
            let pointer = format!("{}{at}/{}", self.placed.object.pointer, escaped(key));
            let mend = misplaced::mend(&self.placed, place, &at);
            Finding { mend, ..self.finding_at(&pointer, Level::Warning, "misplaced", message) }
        });
        findings.take(MOST_MISPLACED).collect()
    }

    fn without_template(&self) -> Vec<Finding> {
        let is_unknown = self.placed.object.place.is_none();
        if let Some(version) = self.placed.object.right_version().filter(|_| is_unknown) {
            let (kind, wrong) = (
                self.placed.object.kind,
                self.placed.object.value["apiVersion"].as_str().unwrap_or_default(),
            );
            let message = format!(
                "there is no {kind} in {wrong}, and kubectl will refuse {}\nWrite apiVersion: {version}",
                self.title()
            );
            return vec![self.finding_at(&self.pointer, Level::Warning, "unknown_kind", message)];
        }
        if let Some(meant) = meant(&self.placed.object).filter(|_| is_unknown) {
            let message = format!(
                "there is no kind {}, and kubectl will refuse {}\nDid you mean {meant}?",
                self.placed.object.kind,
                self.title()
            );
            let pointer = format!("{}/kind", self.placed.object.pointer);
            return vec![self.finding_at(&pointer, Level::Warning, "unknown_kind", message)];
        }
        let own = format!("{}/metadata", self.pointer);
        let asks = is_unknown.then(|| asks_inside(self.placed.object.value, &self.pointer, &own)).flatten();
        if let Some((pointer, key)) = asks {
            let message = format!(
                "{key} has no effect here: multipod does not know where objects of this kind keep their pods\n\
                 {} is left as it is; in a cluster, its pods are injected when they are made",
                self.title()
            );
            return vec![self.finding_at(&pointer, Level::Warning, "unknown_kind", message)];
        }
        let mut findings = self.misplaced();
        findings.push(match self.placed.object.kind {
            "" => self.left_alone("no_kind", "it has no kind"),
            _ if self.placed.object.place.is_none()
                && self.value.pointer("/spec/template/spec").is_some() =>
            {
                self.left_alone(
                    "unknown_kind",
                    "multipod does not know where objects of this kind keep their pods",
                )
            }
            _ => self.left_alone(NO_POD_TEMPLATE, "it has no pod template"),
        });
        findings
    }
}

/// The kind that was most likely meant, where Kubernetes has none of this name.
fn meant(object: &Object<'_>) -> Option<&'static str> {
    let same = object.kinds_of_version().find(|kind| kind.eq_ignore_ascii_case(object.kind));
    // The group without a name has many kinds that are none of ours.
    let is_of_few = object.value["apiVersion"].as_str().is_some_and(|version| version.contains('/'));
    let near = || suggest::nearest(object.kind, object.kinds_of_version().filter(|_| is_of_few));
    same.or_else(near).filter(|meant| *meant != object.kind)
}

/// The first annotation of multipod anywhere in an object, but for its own, with its place.
fn asks_inside<'v>(value: &'v Value, pointer: &str, own: &str) -> Option<(String, &'v str)> {
    match value {
        Value::Object(map) => map.iter().find_map(|(name, inner)| {
            let inside = format!("{pointer}/{}", escaped(name));
            let keys = inner.as_object().filter(|_| name == "annotations" && pointer.ends_with("/metadata"));
            let keys = keys.into_iter().flatten();
            let mut keys = keys.map(|(key, _)| &**key).filter(|key| key.starts_with(PREFIX));
            let asks = keys.next().map(|key| (format!("{inside}/{}", escaped(key)), key));
            if inside == own { None } else { asks.or_else(|| asks_inside(inner, &inside, own)) }
        }),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| asks_inside(item, &format!("{pointer}/{index}"), own))
        }
        _ => None,
    }
}

/// All maps that hold a key of ours, by their pointers, with that key.
fn keys_of_ours<'v>(value: &'v Value, pointer: &str, found: &mut Vec<(String, &'v str)>) {
    match value {
        Value::Object(map) => {
            let keys = map.keys().filter(|key| key.starts_with(PREFIX));
            found.extend(keys.map(|key| (pointer.to_owned(), &**key)));
            map.iter().for_each(|(name, inner)| {
                keys_of_ours(inner, &format!("{pointer}/{}", escaped(name)), found);
            });
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| keys_of_ours(item, &format!("{pointer}/{index}"), found));
        }
        _ => {}
    }
}
