//! Reads the tree of a definition, and keeps every problem with its line.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::pattern::object::{Spot, unknown_field};

use super::node::{Node, Tree};
use super::shape::fields;

/// Longer lists would make every pod that asks wait.
const MOST: usize = 256;

/// Reads one definition and collects what is wrong with it. It goes on after a problem, so that all are reported at once.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<(Spot, String)>,
}

impl Reader {
    pub(super) fn problem(&mut self, line: Spot, message: impl Into<String>) {
        self.problems.push((line, message.into()));
    }

    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> &'n [(String, Node)] {
        if let Tree::Map(entries) = &node.tree {
            if entries.len() > MOST {
                self.problem(node.line, format!("{what}: expected at most {MOST}"));
            }
            return &entries[..entries.len().min(MOST)];
        }
        self.problem(node.line, format!("{what}: expected a map"));
        &[]
    }

    /// The items of a list; nothing is an empty list.
    pub(super) fn items<'n>(&mut self, node: Option<&'n Node>, what: &str) -> &'n [Node] {
        match node.map(|node| (&node.tree, node.line)) {
            None | Some((Tree::Null, _)) => &[],
            Some((Tree::List(items), line)) => {
                if items.len() > MOST {
                    self.problem(line, format!("{what}: expected at most {MOST}"));
                }
                &items[..items.len().min(MOST)]
            }
            Some((_, line)) => {
                self.problem(line, format!("{what}: expected a list"));
                &[]
            }
        }
    }

    /// Refuses the keys of a map that are no fields of this shape.
    pub(super) fn only<Shape: DeserializeOwned>(&mut self, node: &Node, what: &str) {
        self.only_these(node, what, fields::<Shape>());
    }

    /// Refuses the keys of a map that are not known.
    pub(super) fn only_these(&mut self, node: &Node, what: &str, known: &[&str]) {
        for (key, entry) in self.entries(node, what) {
            if !known.contains(&&**key) {
                self.problem(entry.key, format!("{what}: {}", unknown_field(key, known)));
            }
        }
    }

    /// Text as it is written, and no text for a hole.
    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.tree {
            Tree::Text(text) => Some(text),
            Tree::Hole(_) => Some(""),
            Tree::Wrong { why, .. } => {
                self.problem(node.line, format!("{what}: {why}"));
                None
            }
            _ => {
                self.problem(node.line, format!("{what}: expected text; numbers and booleans need quotes"));
                None
            }
        }
    }

    pub(super) fn owned(&mut self, node: &Node, what: &str) -> Option<Cow<'static, str>> {
        self.text(node, what).map(|text| Cow::Owned(text.to_owned()))
    }

    /// Text as `parse` accepts it.
    pub(super) fn parsed<T>(
        &mut self,
        node: &Node,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(self.text(node, what)?) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.problem(node.line, format!("{what}: {expected}"));
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Tree::Bool(value) = node.tree {
            return Some(value);
        }
        self.problem(node.line, format!("{what}: expected true or false"));
        None
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, node: &Node, what: &str, least: i64, most: i64) -> Option<i64> {
        let number = if let Tree::Number(number) = &node.tree { number.as_i64() } else { None };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.problem(node.line, format!("{what}: expected a whole number from {least} to {most}"));
        }
        number
    }

    /// A port, and any port for a hole and for one that is only written wrongly.
    pub(super) fn port(&mut self, node: &Node, what: &str) -> Option<u16> {
        match &node.tree {
            Tree::Hole(_) => Some(1),
            Tree::Text(_) => {
                self.problem(node.line, format!("{what}: expected a port without quotes"));
                Some(1)
            }
            Tree::Wrong { .. } => self.text(node, what).and(None),
            _ => self.number(node, what, 1, 65535).and_then(|port| u16::try_from(port).ok()),
        }
    }

    /// Anything, as it is written; nothing stands for a hole.
    pub(super) fn plain(&mut self, node: &Node, what: &str) -> Option<Value> {
        Some(match &node.tree {
            Tree::Null | Tree::Hole(_) => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Number(number) => Value::Number(number.clone()),
            Tree::Text(_) | Tree::Wrong { .. } => Value::String(self.text(node, what)?.to_owned()),
            Tree::List(items) => {
                Value::Array(items.iter().map(|item| self.plain(item, what)).collect::<Option<_>>()?)
            }
            Tree::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, entry) in entries {
                    map.insert(key.clone(), self.plain(entry, what)?);
                }
                Value::Object(map)
            }
        })
    }
}
