//! The changes that are made to a text, and how it is laid out.

use std::ops::Range;

use super::emit::Block;
use super::lines::Lines;
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

/// How the document indents, seen from its first maps and lists inside maps.
pub(super) fn style(tree: &Tree, lines: Lines) -> Block {
    let mut found = Found::default();
    found.look(tree, lines, tree.root, 0);
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
    fn look(&mut self, tree: &Tree, lines: Lines, id: NodeId, depth: usize) {
        if depth > 16 || (self.step.is_some() && self.list_step.is_some()) {
            return;
        }
        match &tree.node(id).kind {
            Kind::Mapping { entries, flow: false } => {
                let indent = lines.column(tree.node(id).start);
                for entry in entries {
                    let value = tree.node(entry.value);
                    let further = lines.column(value.start).checked_sub(indent);
                    match value.kind {
                        Kind::Mapping { flow: false, .. } => self.step = self.step.or(further),
                        Kind::Sequence { flow: false, .. } => self.list_step = self.list_step.or(further),
                        _ => {}
                    }
                    self.look(tree, lines, entry.value, depth + 1);
                }
            }
            Kind::Sequence { items, flow: false } => {
                for item in items {
                    self.look(tree, lines, item.node, depth + 1);
                }
            }
            _ => {}
        }
    }
}
