//! The plan as an RFC 6902 patch: explicit `add` operations, each aimed at what the received pod really holds.
//!
//! Never made by comparing documents, and never from a typed copy of the pod: both rewrite what they do not know.

use std::ops::Range;

use multipod_json::pointer;
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::Value;

use crate::pattern::change::{Parent, Shape};
use crate::pattern::{Change, Role};
use crate::pod::{Held, Pod};

use super::plan::Plan;

/// A patch, as the text that is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    json: String,
    operations: Vec<(Range<usize>, Range<usize>)>,
}

/// One `add`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operation<'p> {
    /// Where, as a JSON pointer.
    pub path: &'p str,
    pub value: &'p str,
}

impl Patch {
    /// The patch that carries out a plan on this pod.
    pub(super) fn of(plan: &Plan, pod: &Pod<'_>) -> serde_json::Result<Patch> {
        let (json, path) = (Vec::with_capacity(4096), String::with_capacity(128));
        let mut writer = Writer { json, path, operations: Vec::with_capacity(16) };
        writer.json.push(b'[');
        for together in plan.changes.chunk_by(|one, next| one.change.parent() == next.change.parent()) {
            let new = together.iter().filter(|planned| planned.is_missing()).map(|planned| &planned.change);
            if let Some(first) = new.clone().next() {
                writer.add_to(first.parent(), new, plan, pod)?;
            }
        }
        writer.json.push(b']');
        let json = String::from_utf8(writer.json).map_err(serde_json::Error::custom)?;
        Ok(Patch { json, operations: writer.operations })
    }

    pub fn json(&self) -> &str {
        &self.json
    }

    /// The pod with what is added, as an API server would make it; nothing where the patch is for another pod.
    pub fn applied(&self, pod: &Value) -> Option<Value> {
        let operations: json_patch::Patch = serde_json::from_str(&self.json).ok()?;
        let mut after = pod.clone();
        json_patch::patch(&mut after, &operations).ok()?;
        Some(after)
    }

    /// The operations in their order.
    pub fn operations(&self) -> impl ExactSizeIterator<Item = Operation<'_>> {
        self.operations
            .iter()
            .map(|(path, value)| Operation { path: self.text(path), value: self.text(value) })
    }

    fn text(&self, range: &Range<usize>) -> &str {
        &self.json[range.clone()]
    }
}

/// A patch that is being written.
struct Writer {
    json: Vec<u8>,
    /// The pointer of one operation, whose memory the next one uses again.
    path: String,
    operations: Vec<(Range<usize>, Range<usize>)>,
}

impl Writer {
    /// Adds to one parent. Where it is not there it is made, with what it is in; to append to it would be refused.
    fn add_to<'c>(
        &mut self,
        parent: Parent,
        new: impl Iterator<Item = &'c Change> + Clone,
        plan: &Plan,
        pod: &Pod<'_>,
    ) -> serde_json::Result<()> {
        let [above, path] = parent.levels();
        let mut held = parent.held(pod).map(|held| held == Held::Present);
        let (has_above, has_parent) = (held.next() == Some(true), held.next() == Some(true));
        let all = All { shape: parent.kind().shape(), new: new.clone() };
        if !has_above {
            let name = path.strip_prefix(above).and_then(|rest| rest.strip_prefix('.')).unwrap_or(path);
            return self.add(parent, above, None, &Inside { name, all });
        }
        if !has_parent || parent.kind().shape() == Shape::Flag {
            return self.add(parent, path, None, &all);
        }
        let (mut sidecar, mut step) = (plan.sidecars_at, plan.steps_at);
        for change in new {
            match change {
                Change::Container(new) if parent == Parent::InitContainers => {
                    let next = if new.role == Role::Step { &mut step } else { &mut sidecar };
                    self.add(parent, path, Some(&next.to_string()), change)?;
                    *next += 1;
                }
                _ if parent.kind().shape() == Shape::Map => {
                    self.add(parent, path, Some(change.name()), change)?;
                }
                _ => self.add(parent, path, Some("-"), change)?,
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        parent: Parent,
        path: &str,
        item: Option<&str>,
        value: &impl Serialize,
    ) -> serde_json::Result<()> {
        if !self.operations.is_empty() {
            self.json.push(b',');
        }
        self.path.clear();
        if let Some(container) = parent.app() {
            self.path.push_str("/spec/containers");
            pointer::push_step(&mut self.path, &container.to_string());
        }
        for step in path.split('.').chain(item) {
            pointer::push_step(&mut self.path, step);
        }
        self.json.extend_from_slice(br#"{"op":"add","path":""#);
        let start = self.json.len();
        self.json.extend_from_slice(self.path.as_bytes());
        let path = start..self.json.len();
        self.json.extend_from_slice(br#"","value":"#);
        let start = self.json.len();
        serde_json::to_writer(&mut self.json, value)?;
        self.operations.push((path, start..self.json.len()));
        self.json.push(b'}');
        Ok(())
    }
}

/// All changes of one parent as its whole value, written without being built.
struct All<I> {
    shape: Shape,
    new: I,
}

impl<'c, I: Iterator<Item = &'c Change> + Clone> Serialize for All<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.shape {
            Shape::Map => serializer.collect_map(self.new.clone().map(|entry| (entry.name(), entry))),
            Shape::Flag => true.serialize(serializer),
            Shape::List => serializer.collect_seq(self.new.clone()),
        }
    }
}

/// A parent in what it is in.
struct Inside<V> {
    name: &'static str,
    all: V,
}

impl<V: Serialize> Serialize for Inside<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.name, &self.all)])
    }
}
