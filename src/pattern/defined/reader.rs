//! Reads the free parts of a definition: every fault with its line, every hole only where its type may stand.

use serde_json::Value;

use crate::pattern::node::{Node, Tree};
use multipod_values::{self as value, suggest};

use super::params::{Param, Type};
use super::template::{Phrase, Template};

/// Longer lists would make every pod that asks wait.
const MOST: usize = 256;

/// Where a hole may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: what stands here is the definition's alone.
    Fixed,
    /// Any param.
    Text,
    /// Any param, but text only behind something that keeps it from being read as an option.
    Argument,
    /// Where a volume appears in the app.
    MountPath,
    /// What a check asks for.
    UrlPath,
    /// The name of a Secret or ConfigMap, or of one of its keys.
    Reference,
    /// A port, and nothing around it.
    Port,
    /// A number of bytes, and nothing around it.
    Quantity,
}

/// Reads one definition and collects what is wrong with it.
pub(super) struct Reader<'p> {
    params: &'p [Param],
    pub(super) built_in: bool,
    used: Vec<bool>,
    issues: Vec<(usize, String)>,
}

impl<'p> Reader<'p> {
    pub(super) fn new(params: &'p [Param], built_in: bool, issues: Vec<(usize, String)>) -> Self {
        Reader { params, built_in, used: vec![false; params.len()], issues }
    }

    /// Something wrong at a line.
    pub(super) fn issue(&mut self, line: usize, message: impl Into<String>) {
        self.issues.push((line, message.into()));
    }

    /// Everything that was wrong, and which params were named.
    pub(super) fn finish(self) -> (Vec<(usize, String)>, Vec<bool>) {
        (self.issues, self.used)
    }

    /// The entries of a map.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> &'n [(String, Node)] {
        if let Tree::Map(entries) = &node.tree {
            if entries.len() > MOST {
                self.issue(node.line, format!("{what}: expected at most {MOST}"));
            }
            return &entries[..entries.len().min(MOST)];
        }
        self.issue(node.line, format!("{what}: expected a map"));
        &[]
    }

    /// The items of a list; nothing is an empty list.
    pub(super) fn items<'n>(&mut self, node: Option<&'n Node>, what: &str) -> &'n [Node] {
        match node.map(|node| (&node.tree, node.line)) {
            None | Some((Tree::Null, _)) => &[],
            Some((Tree::List(items), line)) => {
                if items.len() > MOST {
                    self.issue(line, format!("{what}: expected at most {MOST}"));
                }
                &items[..items.len().min(MOST)]
            }
            Some((_, line)) => {
                self.issue(line, format!("{what}: expected a list"));
                &[]
            }
        }
    }

    /// Refuses the keys of a map that are not known.
    pub(super) fn only(&mut self, node: &Node, what: &str, known: &[&str]) {
        for (key, entry) in self.entries(node, what) {
            if !known.contains(&&**key) {
                let meant = suggest::did_you_mean(key, known.iter().copied());
                let known = value::list(known, "or");
                self.issue(entry.line, format!("{what}: unknown field {key}, expected {known}{meant}"));
            }
        }
    }

    /// Text without holes, as `parse` accepts it.
    pub(super) fn fixed<T>(
        &mut self,
        node: &Node,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let phrase = self.phrase(node, what, Place::Fixed)?;
        match parse(phrase.fixed()?) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.issue(node.line, format!("{what}: {expected}"));
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Tree::Bool(value) = node.tree {
            return Some(value);
        }
        self.issue(node.line, format!("{what}: expected true or false"));
        None
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, node: &Node, what: &str, least: i64, most: i64) -> Option<i64> {
        let number = if let Tree::Number(number) = &node.tree { number.as_i64() } else { None };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.issue(node.line, format!("{what}: expected a whole number from {least} to {most}"));
        }
        number
    }

    /// Text with the holes that may stand at `place`.
    pub(super) fn phrase(&mut self, node: &Node, what: &str, place: Place) -> Option<Phrase> {
        let Some(text) = node.text() else {
            self.issue(node.line, format!("{what}: expected text; numbers and booleans need quotes"));
            return None;
        };
        let checked = Phrase::parse(text, self.params).and_then(|phrase| {
            self.fits(&phrase, place)?;
            Ok(phrase)
        });
        match checked {
            Ok(phrase) => {
                phrase.params().for_each(|param| self.used[param] = true);
                Some(phrase)
            }
            Err(message) => {
                self.issue(node.line, format!("{what}: {message}"));
                None
            }
        }
    }

    fn fits(&self, phrase: &Phrase, place: Place) -> Result<(), String> {
        let alone = phrase.is_hole();
        for param in phrase.params() {
            let Param { name, kind, .. } = &self.params[param];
            let hole = format!("$(params.{name})");
            match (place, kind) {
                (Place::Text | Place::Argument, _)
                | (Place::MountPath, Type::Path | Type::Name)
                | (Place::UrlPath, Type::UrlPath | Type::Path)
                | (Place::Reference, Type::Secret | Type::Name | Type::Identifier | Type::Enum(_)) => {}
                (Place::Port, Type::Port) | (Place::Quantity, Type::Quantity) if alone => {}
                (Place::Fixed, _) => {
                    return Err(format!("{hole} cannot stand here, this is not for annotations to say"));
                }
                (Place::Port, Type::Port) | (Place::Quantity, Type::Quantity) => {
                    return Err(format!("{hole} must stand alone here"));
                }
                _ => return Err(format!("{hole} is of type {}, which cannot stand here", kind.name())),
            }
        }
        let begins = phrase.first_param().map(|param| &self.params[param]);
        match (place, begins) {
            (Place::Argument, Some(Param { kind: Type::String, name, .. })) => Err(format!(
                "$(params.{name}) could be read as another option; write --option=$(params.{name}) or use a variable"
            )),
            (Place::MountPath, Some(Param { kind: Type::Name, .. })) => {
                Err("expected an absolute path".to_owned())
            }
            (Place::MountPath, None)
                if phrase.fixed().is_none_or(|text| value::absolute_path(text).is_err()) =>
            {
                Err("expected an absolute path".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// A tree with holes where `place` says that they may stand; it is told the way to each text, as `httpGet.port`.
    pub(super) fn template(
        &mut self,
        node: &Node,
        what: &str,
        place: &dyn Fn(&str) -> Place,
    ) -> Option<Template> {
        self.subtree(node, what, "", place)
    }

    fn subtree(
        &mut self,
        node: &Node,
        what: &str,
        way: &str,
        place: &dyn Fn(&str) -> Place,
    ) -> Option<Template> {
        match &node.tree {
            Tree::Text(text) => {
                let phrase = self.phrase(node, what, place(way))?;
                Some(if phrase.fixed().is_some() {
                    Template::Fixed(Value::String(text.clone()))
                } else {
                    Template::Phrase(phrase)
                })
            }
            Tree::List(items) => {
                let filled: Option<Vec<_>> =
                    items.iter().map(|item| self.subtree(item, what, way, place)).collect();
                filled.map(Template::List)
            }
            Tree::Map(entries) => {
                let filled: Option<Vec<_>> = entries
                    .iter()
                    .map(|(key, entry)| {
                        let way = if way.is_empty() { key.clone() } else { format!("{way}.{key}") };
                        Some((key.clone(), self.subtree(entry, what, &way, place)?))
                    })
                    .collect();
                filled.map(Template::Map)
            }
            Tree::Null | Tree::Bool(_) | Tree::Number(_) => Some(Template::Fixed(node.plain())),
        }
    }
}
