//! The status annotation: a record for people, for `uninject`, and for files that are injected again. At admission nothing
//! is ever decided from it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::annotation::key::STATUS;
use crate::pattern::change::{Kind, Parent, Shape};
use crate::pattern::{Change, Note};
use crate::pod::limits::RECORD;
use crate::pod::{Held, Pod};
use multipod_json::read_within;

use super::plan::{Plan, Planned, Reason, earlier};

/// What was added to a pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Status<'s> {
    /// The version of multipod that added it.
    version: Cow<'s, str>,
    /// What was asked for, and who asked.
    patterns: BTreeMap<Cow<'s, str>, Cow<'s, str>>,
    /// What is new, by kind, besides this annotation.
    added: Vec<(Kind, Entry<'s>)>,
    /// Maps and lists that were not there before: `spec.volumes`, `app.env`…; a closing `?` says it was null.
    made: Vec<Cow<'s, str>>,
}

/// One thing that was added.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry<'s> {
    Named(Cow<'s, str>),
    /// In an app container: its name, and that of the thing.
    InApp(Cow<'s, str>, Cow<'s, str>),
    /// A field of the pod.
    Set,
}

/// Adds the record of a plan to it. What an earlier round of the same kind has added is still ours.
pub(super) fn record(plan: &mut Plan, pod: &Pod<'_>) {
    // Lists and maps of text can always be written.
    let json = serde_json::to_string(&Status::of(plan, pod)).unwrap_or_default();
    let note = Note { key: Cow::Borrowed(STATUS), value: json, must_be_ours: false };
    plan.changes.push(Planned::new(0, Reason::EveryPod, note));
}

impl<'s> Status<'s> {
    pub(super) fn read(text: &'s str) -> Result<Self, multipod_json::Error> {
        multipod_json::read(text)
    }

    /// Everything of one kind.
    pub(super) fn entries(&self, kind: Kind) -> impl Iterator<Item = &Entry<'s>> + Clone {
        self.added.iter().filter(move |(own, _)| *own == kind).map(|(_, entry)| entry)
    }

    /// Everything that was added.
    pub(super) fn all(&self) -> &[(Kind, Entry<'s>)] {
        &self.added
    }

    /// The patterns, and who asked for each.
    pub(super) fn asked(&self) -> impl Iterator<Item = (&str, &str)> {
        self.patterns.iter().map(|(pattern, source)| (&**pattern, &**source))
    }

    /// Whether a map or a list was made, and whether it was null before.
    pub(super) fn was_made(&self, path: &str) -> Option<Held> {
        let absent = self.made.iter().any(|made| made == path);
        let null = self.made.iter().any(|made| made.strip_suffix('?') == Some(path));
        if null { Some(Held::Null) } else { absent.then_some(Held::Absent) }
    }

    fn of(plan: &'s Plan, pod: &'s Pod<'_>) -> Status<'s> {
        let text = pod.metadata.annotations.text(STATUS);
        let before: Status<'s> =
            text.and_then(|text| read_within(RECORD, pod.meter, text).ok()).unwrap_or_default();
        let added_before: BTreeSet<&(Kind, Entry<'_>)> = before.added.iter().collect();
        let mut status = Status {
            version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
            patterns: plan
                .parts
                .iter()
                .map(|part| (Cow::Borrowed(&*part.name), part.source.text()))
                .collect(),
            added: Vec::with_capacity(plan.changes.len()),
            made: Vec::with_capacity(8),
        };
        let entry = |planned: &'s Planned| (planned.change.kind(), entry(&planned.change, pod));
        let mut earlier = earlier(&plan.changes, entry);
        for (index, planned) in plan.changes.iter().enumerate() {
            let is_new = earlier(index).is_none();
            let entry = entry(planned);
            // What may have been the user's own before us counts as ours only if it is new, or was recorded as ours.
            let ours = planned.is_missing() || added_before.contains(&entry);
            if entry.0.is_named_by_us() || (ours && is_new) {
                status.added.push(entry);
            }
        }
        status.record_made(plan, pod);
        if !before.made.is_empty() {
            let made: BTreeSet<Cow<'_, str>> = status.made.iter().cloned().collect();
            status.made.extend(before.made.into_iter().filter(|path| !made.contains(path)));
        }
        status
    }

    /// The parents that the patch has to make.
    fn record_made(&mut self, plan: &Plan, pod: &'s Pod<'_>) {
        for parent in Parent::that_may_be_made() {
            // This record itself is an annotation.
            if parent != Parent::Annotations && !plan.missing().any(|new| new.change.parent() == parent) {
                continue;
            }
            for (level, held) in parent.levels().into_iter().zip(parent.held(pod)) {
                match held {
                    // A field that was not there is no parent.
                    Held::Absent if parent.kind().shape() == Shape::Flag => {}
                    Held::Absent => self.made.push(Cow::Borrowed(level)),
                    Held::Null => self.made.push(Cow::Owned(format!("{level}?"))),
                    Held::Present => {}
                }
            }
        }
        let in_app = plan.missing().filter_map(|new| Some((new.change.parent().app()?, new.change.parent())));
        let in_app: BTreeSet<(usize, Parent)> = in_app.collect();
        for (index, parent) in in_app {
            let name = &*pod.spec.containers.items()[index].name;
            let [_, list] = parent.levels();
            match parent.held(pod).last() {
                Some(Held::Absent) => self.made.push(Cow::Owned(format!("{name}.{list}"))),
                Some(Held::Null) => self.made.push(Cow::Owned(format!("{name}.{list}?"))),
                _ => {}
            }
        }
    }
}

fn entry<'s>(change: &'s Change, pod: &'s Pod<'_>) -> Entry<'s> {
    let name = Cow::Borrowed(change.name());
    match change.parent().app() {
        Some(index) => Entry::InApp(Cow::Borrowed(&*pod.spec.containers.items()[index].name), name),
        None if change.kind().shape() == Shape::Flag => Entry::Set,
        None => Entry::Named(name),
    }
}

impl Serialize for Status<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &self.version)?;
        map.serialize_entry("patterns", &self.patterns)?;
        for kind in Kind::ALL {
            let entries = self.entries(kind);
            match entries.clone().next() {
                None => {}
                Some(Entry::Set) => map.serialize_entry(kind.status(), &true)?,
                Some(_) => map.serialize_entry(kind.status(), &Entries(entries))?,
            }
        }
        if !self.made.is_empty() {
            map.serialize_entry("made", &self.made)?;
        }
        map.end()
    }
}

struct Entries<I>(I);

impl<'e, 's: 'e, I: Iterator<Item = &'e Entry<'s>> + Clone> Serialize for Entries<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Entry::Named(name) => name.serialize(serializer),
            Entry::InApp(container, name) => (container, name).serialize(serializer),
            Entry::Set => true.serialize(serializer),
        }
    }
}

impl<'de: 's, 's> Deserialize<'de> for Status<'s> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StatusVisitor)
    }
}

struct StatusVisitor;

impl<'de> Visitor<'de> for StatusVisitor {
    type Value = Status<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record of what was added")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Status<'de>, A::Error> {
        let mut status = Status::default();
        while let Some(field) = map.next_key::<Cow<'de, str>>()? {
            let kind = Kind::ALL.into_iter().find(|kind| kind.status() == field);
            match (kind, &*field) {
                (Some(kind), _) if kind.is_in_app() => {
                    let pairs: Vec<(Cow<'de, str>, Cow<'de, str>)> = map.next_value()?;
                    status.added.extend(pairs.into_iter().map(|(app, name)| (kind, Entry::InApp(app, name))));
                }
                (Some(kind), _) if kind.shape() == Shape::Flag => {
                    status.added.extend(map.next_value::<bool>()?.then_some((kind, Entry::Set)));
                }
                (Some(kind), _) => {
                    let names: Vec<Cow<'de, str>> = map.next_value()?;
                    status.added.extend(names.into_iter().map(|name| (kind, Entry::Named(name))));
                }
                (None, "version") => status.version = map.next_value()?,
                (None, "patterns") => status.patterns = map.next_value()?,
                (None, "made") => status.made = map.next_value()?,
                (None, _) => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(status)
    }
}
