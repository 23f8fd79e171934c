//! The changes of one document's text, as they are collected.

use std::collections::HashMap;
use std::ops::Range;

use super::draft::{Draft, Member};
use super::emit::Block;
use super::events::Style;
use super::flow::Flow;
use super::layout::{Splice, style};
use super::lines::Lines;
use super::members::Reader;
use super::plain;
use super::tree::{Entry, Kind, NodeId, Tree};

/// Collects the changes of one document.
pub(super) struct Splicer<'t, 'a> {
    pub(super) tree: &'t Tree<'a>,
    pub(super) lines: Lines<'t>,
    pub(super) reader: Reader<'t, 'a>,
    pub(super) splices: Vec<Splice>,
    pub(super) flow: Flow,
    pub(super) block: Block,
}

impl<'t, 'a> Splicer<'t, 'a> {
    pub(super) fn new(tree: &'t Tree<'a>, lines: Lines<'t>) -> Self {
        Self {
            tree,
            lines,
            reader: Reader::new(tree),
            splices: Vec::new(),
            flow: Flow::of(tree, lines),
            block: style(tree, lines),
        }
    }

    /// Which entries keep, change or lose their value, and what comes new.
    pub(super) fn changes<'d, 'v>(
        &self,
        map: NodeId,
        members: &'d [Member<'v>],
        entries: &[Entry],
    ) -> Changes<'d, 'v> {
        let places =
            entries.iter().enumerate().map(|(index, entry)| (entry.key, index)).collect::<HashMap<_, _>>();
        let old = self.reader.members(map).unwrap_or_default();
        let written = old.iter().filter(|member| !member.inherited);
        let mut written = written
            .filter_map(|member| Some((member.name.as_str(), *places.get(&member.key)?)))
            .collect::<HashMap<_, _>>();
        let inherited = old.iter().filter(|member| member.inherited);
        let inherited =
            inherited.map(|member| (member.name.as_str(), member.value)).collect::<HashMap<_, _>>();
        let mut of_entries = entries.iter().map(|_| None).collect::<Vec<_>>();
        let mut added = Vec::new();
        for member in members {
            let is_inherited =
                matches!(member.draft, Draft::Copy(id) if inherited.get(member.name.as_str()) == Some(&id));
            let was = member.was.as_deref().unwrap_or(&member.name);
            match written.remove(was).and_then(|index| of_entries.get_mut(index)) {
                Some(entry) => *entry = Some(member),
                None if is_inherited => {}
                None => added.push(member),
            }
        }
        let mut is_removed = vec![false; entries.len()];
        for index in written.into_values() {
            is_removed[index] = true;
        }
        Changes { of_entries, is_removed, added }
    }

    pub(super) fn entry_end(&self, entry: &Entry) -> usize {
        let key = self.tree.node(entry.key).end;
        self.tree.node(entry.value).end.max(entry.colon().unwrap_or(key))
    }

    /// Writes another name for a key, in the way in which it is written.
    pub(super) fn rename(&mut self, key: NodeId, name: &str) -> Option<()> {
        let node = self.tree.node(key);
        let Kind::Scalar { style, .. } = node.kind else { return None };
        let written = match style {
            Style::Plain => plain::inline_in_flow(name),
            Style::Single => format!("'{}'", name.replace('\'', "''")),
            Style::Double => plain::quoted(name),
            _ => return None,
        };
        self.push(node.start..node.end, &written);
        Some(())
    }

    pub(super) fn push(&mut self, at: Range<usize>, text: &str) {
        self.splices.push(Splice { at, text: text.to_owned(), is_lines: false });
    }

    pub(super) fn push_lines(&mut self, at: usize, text: String) {
        self.splices.push(Splice { at: at..at, text, is_lines: true });
    }
}

/// What becomes of the entries of a map.
pub(super) struct Changes<'d, 'v> {
    /// For each entry the member that has its name.
    pub(super) of_entries: Vec<Option<&'d Member<'v>>>,
    is_removed: Vec<bool>,
    pub(super) added: Vec<&'d Member<'v>>,
}

impl Changes<'_, '_> {
    pub(super) fn is_removed(&self, index: usize) -> bool {
        self.is_removed.get(index).copied().unwrap_or_default()
    }

    pub(super) fn removes_something(&self) -> bool {
        self.is_removed.contains(&true)
    }
}
