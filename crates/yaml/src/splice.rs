//! From a draft to the smallest changes of text that carry it out, in block style.

use std::borrow::Cow;
use std::collections::HashMap;

use super::draft::{Draft, Member};
use super::emit::Marker;
use super::layout::{Splice, apply};
use super::lines::Lines;
use super::splicer::Splicer;
use super::tree::{Entry, Item, Kind, NodeId, Tree};

/// The text with the draft's changes, if its layout allows them.
pub(super) fn edited(tree: &Tree, lines: Lines, draft: Draft) -> Option<String> {
    if draft.origin() != Some(tree.root) {
        return rewritten(tree, lines, &draft);
    }
    let mut splicer = Splicer::new(tree, lines);
    let root = tree.node(tree.root);
    splicer.edit(&Slot { old: tree.root, after: root.outer, indent: 0, marker: None }, &draft)?;
    drop(draft);
    apply(tree.text, splicer.splices)
}

/// The text with all of the value written anew; what stands before and after the value stays.
pub(super) fn rewritten(tree: &Tree, lines: Lines, draft: &Draft) -> Option<String> {
    let mut splicer = Splicer::new(tree, lines);
    splicer.replace_root(draft);
    apply(tree.text, splicer.splices)
}

/// The text of a document without a value, with one.
pub(super) fn append(text: &str, yaml: &str) -> String {
    let end = Splice { at: text.len()..text.len(), text: yaml.to_owned(), is_lines: true };
    apply(text, vec![end]).unwrap_or_default()
}

/// The place of a value in block style.
struct Slot {
    old: NodeId,
    /// Just after the `:` or `-` that leads to it.
    after: usize,
    /// How far to the right the collection stands that holds it.
    indent: usize,
    /// None for the whole document.
    marker: Option<Marker>,
}

impl Splicer<'_, '_> {
    fn edit(&mut self, slot: &Slot, draft: &Draft) -> Option<()> {
        if draft.origin() != Some(slot.old) {
            return self.replace(slot, draft);
        }
        match (draft, &self.tree.node(slot.old).kind) {
            (Draft::Map(_, members), Kind::Mapping { entries, flow: false }) => {
                self.edit_map(slot, draft, members, entries)
            }
            (Draft::List(_, drafts), Kind::Sequence { items, flow: false }) => {
                self.edit_list(slot, draft, drafts, items)
            }
            (Draft::Map(_, members), Kind::Mapping { entries, .. })
                if !entries.is_empty() || self.stays_flow(slot) =>
            {
                self.edit_flow_map(slot.old, members, entries, None)
            }
            (Draft::List(_, drafts), Kind::Sequence { items, .. })
                if !items.is_empty() || self.stays_flow(slot) =>
            {
                self.edit_flow_list(slot.old, drafts, items, None)
            }
            (Draft::Map(..) | Draft::List(..), _) => self.replace(slot, draft),
            _ => Some(()),
        }
    }

    /// An empty `{}` at the root is JSON and stays JSON; one on a line of its own could not be given back, if it did not
    /// stay there.
    fn stays_flow(&self, slot: &Slot) -> bool {
        let way = self.tree.text.get(slot.after..self.tree.node(slot.old).start);
        slot.old == self.tree.root || way.is_some_and(|way| way.contains('\n'))
    }

    fn edit_map(&mut self, slot: &Slot, draft: &Draft, members: &[Member], entries: &[Entry]) -> Option<()> {
        let indent = self.lines.column(self.tree.node(slot.old).start);
        let changes = self.changes(slot.old, members, entries);
        let survivor = |from: usize| (from..entries.len()).find(|index| !changes.is_removed(*index));
        let Some(last) = entries.last() else { return self.replace(slot, draft) };
        if survivor(0).is_none() {
            return self.replace(slot, draft);
        }
        let mut inline_until = 0;
        for (index, entry) in entries.iter().enumerate() {
            let start = self.tree.node(entry.key).outer;
            if let Some(Some(member)) = changes.of_entries.get(index) {
                if member.was.is_some() {
                    self.rename(entry.key, &member.name)?;
                }
                let slot =
                    Slot { old: entry.value, after: entry.colon()?, indent, marker: Some(Marker::Colon) };
                self.edit(&slot, &member.draft)?;
            } else if changes.is_removed(index) && index >= inline_until {
                if self.lines.is_first(start) {
                    self.push(
                        self.lines.start(start)..self.lines.after_entry(self.entry_end(entry), indent),
                        "",
                    );
                } else {
                    // The first entry beside a dash: the next one takes its place.
                    inline_until = survivor(index)?;
                    self.push(start..self.tree.node(entries.get(inline_until)?.key).outer, "");
                }
            }
        }
        if !changes.added.is_empty() {
            let added = changes.added.iter();
            let lines = added.map(|member| {
                let form = || (Cow::Borrowed(member.name.as_str()), member.draft.form(&self.reader));
                let moved = self.moved(member, indent);
                moved.unwrap_or_else(|| self.block.members(&[form()], indent))
            });
            let lines = lines.collect::<String>();
            self.push_lines(self.lines.after_entry(self.entry_end(last), indent), lines);
        }
        Some(())
    }

    /// The lines of a member of another map, as they stand there but for how far to the right.
    fn moved(&self, member: &Member, indent: usize) -> Option<String> {
        let Draft::Moved(key, value) = member.draft else { return None };
        let Kind::Scalar { text, .. } = &self.tree.node(key).kind else { return None };
        let (start, end) = (self.tree.node(key).outer, self.tree.node(value).end);
        if !self.lines.is_first(start) || *text != member.name {
            return None;
        }
        let from = self.lines.column(start);
        let lines = self.tree.text.get(self.lines.start(start)..self.lines.after_entry(end, from))?;
        let shifted = lines.lines().map(|line| {
            let blanks = line.len() - line.trim_start_matches(' ').len();
            let kept = line.get(from.min(blanks)..).unwrap_or_default();
            if kept.is_empty() { "\n".to_owned() } else { format!("{}{kept}\n", " ".repeat(indent)) }
        });
        Some(shifted.collect())
    }

    fn edit_list(&mut self, slot: &Slot, draft: &Draft, drafts: &[Draft], items: &[Item]) -> Option<()> {
        let first = items.first()?;
        let indent = self.lines.column(first.dash);
        let places =
            items.iter().enumerate().map(|(index, item)| (item.node, index)).collect::<HashMap<_, _>>();
        let place = |draft: &Draft| draft.origin().and_then(|origin| places.get(&origin).copied());
        let is_new = !drafts.iter().any(|draft| place(draft).is_some());
        if is_new && drafts.len() != items.len() {
            return self.replace(slot, draft);
        }
        let mut added = Vec::new();
        let mut next = 0;
        // After the last draft comes the end of the list, as if it were one more item that stays.
        for draft in drafts.iter().map(Some).chain([None]) {
            let Some(index) = draft.map_or(Some(items.len()), place) else {
                added.extend(draft);
                continue;
            };
            let item_slot = |item: &Item| Slot {
                old: item.node,
                after: item.dash + 1,
                indent,
                marker: Some(Marker::Dash),
            };
            let gone = items.get(next..index)?;
            let replaced = gone.len().min(added.len());
            for (item, draft) in gone.iter().zip(added.drain(..replaced)) {
                self.replace(&item_slot(item), draft)?;
            }
            self.remove_items(gone.get(replaced..)?, items.get(index), indent);
            self.add_items(slot, items, index, &std::mem::take(&mut added), indent);
            if let (Some(draft), Some(item)) = (draft, items.get(index)) {
                self.edit(&item_slot(item), draft)?;
            }
            next = index + 1;
        }
        Some(())
    }

    /// Inserts before the item with that index, above the comments of that item.
    fn add_items(&mut self, slot: &Slot, items: &[Item], index: usize, added: &[&Draft], indent: usize) {
        if added.is_empty() {
            return;
        }
        let forms = added.iter().map(|draft| draft.form(&self.reader)).collect::<Vec<_>>();
        let lines = self.block.items(&forms, indent);
        let before = index.checked_sub(1).and_then(|before| items.get(before));
        match (before, items.first()) {
            (Some(before), _) => {
                self.push_lines(self.lines.after_entry(self.item_end(*before), indent), lines);
            }
            (None, Some(first)) if !self.lines.is_first(first.dash) => {
                let beside = lines.trim_start_matches(' ');
                self.push(first.dash..first.dash, &format!("{beside}{}", " ".repeat(indent)));
            }
            (None, Some(first)) if slot.marker.is_none() => {
                self.push_lines(self.lines.start(first.dash), lines);
            }
            (None, _) => self.push_lines(self.lines.after(slot.after), lines),
        }
    }

    fn remove_items(&mut self, items: &[Item], next: Option<&Item>, indent: usize) {
        for (index, item) in items.iter().enumerate() {
            if self.lines.is_first(item.dash) {
                self.push(
                    self.lines.start(item.dash)..self.lines.after_entry(self.item_end(*item), indent),
                    "",
                );
            } else if let (0, Some(next)) = (index, next) {
                // Beside another dash: the next item takes its place.
                self.push(item.dash..next.dash, "");
                return;
            }
        }
    }

    /// Puts another value where the old one stands.
    fn replace(&mut self, slot: &Slot, draft: &Draft) -> Option<()> {
        let Some(marker) = slot.marker else {
            self.replace_root(draft);
            return Some(());
        };
        let text = self.tree.text;
        let rendered = self.block.value(&draft.form(&self.reader), slot.indent, marker);
        let (head, body) = rendered.split_once('\n')?;
        let node = self.tree.node(slot.old);
        // Block scalars that keep their last line breaks end below them.
        let end = text.get(..node.end)?.trim_end_matches(['\r', '\n']).len().max(slot.after);
        let is_beside = !text.get(slot.after..node.outer.max(slot.after))?.contains('\n');
        if is_beside {
            if text.get(node.outer..node.start)?.contains('\n') {
                return None;
            }
            self.push(slot.after..end, head);
            let below = self.lines.after(end);
            self.splices.push(Splice {
                at: below..below.max(node.end),
                text: body.to_owned(),
                is_lines: true,
            });
        } else {
            if !self.lines.is_first(node.outer) {
                return None;
            }
            self.push(slot.after..slot.after, head);
            let lines = self.lines.start(node.outer)..self.lines.after(node.end);
            self.splices.push(Splice { at: lines, text: body.to_owned(), is_lines: true });
        }
        Some(())
    }

    fn replace_root(&mut self, draft: &Draft) {
        let root = self.tree.node(self.tree.root);
        let form = draft.form(&self.reader);
        if matches!(root.kind, Kind::Mapping { flow: true, .. } | Kind::Sequence { flow: true, .. }) {
            self.push(root.outer..root.end, &self.flow.document(&form));
            return;
        }
        let lines = self.block.root(&form);
        if self.tree.is_absent(self.tree.root) {
            self.push_lines(self.lines.after(root.end), lines);
        } else if self.lines.is_first(root.outer) {
            let at = self.lines.start(root.outer)..self.lines.after(root.end);
            self.splices.push(Splice { at, text: lines, is_lines: true });
        } else {
            self.push(root.outer..root.end, &format!("\n{}", lines.trim_end_matches('\n')));
        }
    }

    fn item_end(&self, item: Item) -> usize {
        self.tree.node(item.node).end.max(item.dash + 1)
    }
}
