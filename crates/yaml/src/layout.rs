//! Lines and columns of a text, and the changes that are made to it.

use std::ops::Range;

use super::emit::Block;
use super::tree::{Kind, NodeId, Tree};

/// A change of text.
#[derive(Debug)]
pub(super) struct Splice {
    pub(super) at: Range<usize>,
    pub(super) text: String,
    /// Whether the text is made of whole lines and must begin on a new one.
    pub(super) is_lines: bool,
}

/// Makes the changes, or nothing if they touch one another.
pub(super) fn apply(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    // Insertions at one place stay in the order in which they were found: inner before outer.
    splices.sort_by_key(|splice| splice.at.start);
    let newline = line_end(text);
    let mut out = String::with_capacity(text.len() + 1024);
    let mut done = 0;
    for splice in splices {
        out.push_str(text.get(done..splice.at.start)?);
        if splice.is_lines && !splice.text.is_empty() && !out.is_empty() && !out.ends_with('\n') {
            out.push_str(newline);
        }
        out.push_str(&splice.text.replace("\r\n", "\n").replace('\n', newline));
        done = splice.at.end;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

/// What ends the lines of a text, seen from its first one.
pub(super) fn line_end(text: &str) -> &'static str {
    let is_windows =
        text.find('\n').is_some_and(|at| text.as_bytes().get(at.wrapping_sub(1)) == Some(&b'\r'));
    if is_windows { "\r\n" } else { "\n" }
}

pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Bytes before `offset` in its line; what stands before block collections is blanks and dashes.
pub(super) fn column(text: &str, offset: usize) -> usize {
    let before = text.get(line_start(text, offset)..offset).unwrap_or_default();
    before.trim_start_matches('\u{feff}').len()
}

pub(super) fn is_first_on_line(text: &str, offset: usize) -> bool {
    let before = text.get(line_start(text, offset)..offset).unwrap_or_default();
    before.trim_start_matches('\u{feff}').bytes().all(|byte| byte == b' ')
}

pub(super) fn indent_of_line(text: &str, offset: usize) -> usize {
    let start = line_start(text, offset);
    text.get(start..).unwrap_or_default().bytes().take_while(|byte| *byte == b' ').count()
}

/// Where the line after the one of `offset` begins.
pub(super) fn line_after(text: &str, offset: usize) -> usize {
    if offset > 0 && text.as_bytes().get(offset - 1) == Some(&b'\n') {
        return offset;
    }
    let rest = text.get(offset..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |newline| offset + newline + 1)
}

/// The line after an entry that ends at `end` in a collection `indent` to the right; comments that stand
/// further to the right still belong to the entry.
pub(super) fn after_entry(text: &str, end: usize, indent: usize) -> usize {
    let mut after = line_after(text, end);
    let mut at = after;
    while let Some(line) = text.get(at..).and_then(|rest| rest.split_inclusive('\n').next()) {
        let content = line.trim();
        let is_deeper = line.len() - line.trim_start().len() > indent;
        at += line.len();
        match content.chars().next() {
            None => {}
            Some('#') if is_deeper => after = at,
            Some(_) => break,
        }
    }
    after
}

/// How the document indents, seen from its first maps and lists inside maps.
pub(super) fn style(tree: &Tree) -> Block {
    let mut found = Found::default();
    found.look(tree, tree.root, 0);
    let standard = Block::default();
    Block {
        step: found.step.filter(|step| (1..=8).contains(step)).unwrap_or(standard.step),
        list_step: found.list_step.filter(|step| *step <= 8).unwrap_or(standard.list_step),
    }
}

#[derive(Default)]
struct Found {
    step: Option<usize>,
    list_step: Option<usize>,
}

impl Found {
    fn look(&mut self, tree: &Tree, id: NodeId, depth: usize) {
        if depth > 16 || (self.step.is_some() && self.list_step.is_some()) {
            return;
        }
        match &tree.node(id).kind {
            Kind::Mapping { entries, flow: false } => {
                let indent = column(tree.text, tree.node(id).start);
                for entry in entries {
                    let value = tree.node(entry.value);
                    let further = column(tree.text, value.start).checked_sub(indent);
                    match value.kind {
                        Kind::Mapping { flow: false, .. } => self.step = self.step.or(further),
                        Kind::Sequence { flow: false, .. } => self.list_step = self.list_step.or(further),
                        _ => {}
                    }
                    self.look(tree, entry.value, depth + 1);
                }
            }
            Kind::Sequence { items, flow: false } => {
                for item in items {
                    self.look(tree, item.node, depth + 1);
                }
            }
            _ => {}
        }
    }
}
