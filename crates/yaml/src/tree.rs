//! The nodes of one document, each with its place in the text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::ops::Range;

use super::events::{Event, MAX_DEPTH, Style, Token};
use super::problem::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NodeId(u32);

impl NodeId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node, as it is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'t, 'a> {
    pub(super) kind: &'t Kind<'a>,
    pub(super) tag: Option<&'t str>,
    /// Where tag and anchor, or else the value, begin.
    pub(super) outer: usize,
    /// Where the value begins: for block scalars at `|` or `>`.
    pub(super) start: usize,
    /// Where its last line of content ends; comments and blank lines below are not part of it.
    pub(super) end: usize,
    /// Whether an alias elsewhere means this node.
    pub(super) shared: bool,
}

/// A node, as it is kept: a list may have millions, so that places take four bytes and tags, which are rare, none.
#[derive(Debug)]
struct Kept<'a> {
    kind: Kind<'a>,
    outer: u32,
    start: u32,
    end: u32,
    shared: bool,
}

impl Kept<'_> {
    fn end(&self) -> usize {
        self.end as usize
    }
}

/// The nodes of a document, in pieces: nothing is moved when more come, so that it is never there twice.
#[derive(Debug, Default)]
struct Nodes<'a> {
    pieces: Vec<Vec<Kept<'a>>>,
    tags: HashMap<NodeId, Box<str>>,
}

/// How many nodes a piece has.
const PIECE: usize = 1024;

impl<'a> Nodes<'a> {
    fn get(&self, id: NodeId) -> &Kept<'a> {
        &self.pieces[id.index() / PIECE][id.index() % PIECE]
    }

    fn get_mut(&mut self, id: NodeId) -> &mut Kept<'a> {
        &mut self.pieces[id.index() / PIECE][id.index() % PIECE]
    }

    /// Where the next one will be, if there is room for it.
    fn next(&self) -> Option<NodeId> {
        let full = self.pieces.len().saturating_sub(1) * PIECE;
        u32::try_from(full + self.pieces.last().map_or(0, Vec::len)).map(NodeId).ok()
    }

    fn push(&mut self, node: Kept<'a>) {
        match self.pieces.last_mut().filter(|last| last.len() < PIECE) {
            Some(last) => last.push(node),
            None => self.pieces.push(vec![node]),
        }
    }
}

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Scalar { text: Cow<'a, str>, style: Style },
    Sequence { items: Vec<Item>, flow: bool },
    Mapping { entries: Vec<Entry>, flow: bool },
    Alias(NodeId),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// Where the `-` stands; in flow lists where the item begins.
    pub(super) dash: usize,
    pub(super) node: NodeId,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) key: NodeId,
    pub(super) value: NodeId,
    colon: Option<NonZeroUsize>,
}

impl Entry {
    /// Just after the `:`; none when a flow map names only the key.
    pub(super) fn colon(&self) -> Option<usize> {
        self.colon.map(NonZeroUsize::get)
    }
}

#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) text: &'a str,
    pub(super) root: NodeId,
    nodes: Nodes<'a>,
}

impl<'a> Tree<'a> {
    pub(super) fn node(&self, id: NodeId) -> Node<'_, 'a> {
        let Kept { kind, outer, start, end, shared } = self.nodes.get(id);
        // Nearly every document has none.
        let tag = if self.nodes.tags.is_empty() { None } else { self.nodes.tags.get(&id).map(|tag| &**tag) };
        Node {
            kind,
            tag,
            outer: *outer as usize,
            start: *start as usize,
            end: *end as usize,
            shared: *shared,
        }
    }

    /// The node itself, or the one an alias means.
    pub(super) fn resolve(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            // The parser gives an alias the id of a node, never of another alias.
            Kind::Alias(target) => *target,
            _ => id,
        }
    }

    /// Whether the node takes no room in the text.
    pub(super) fn is_absent(&self, id: NodeId) -> bool {
        let node = self.node(id);
        matches!(node.kind, Kind::Scalar { style: Style::Plain, .. }) && node.outer == node.end
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }
}

/// Grows one tree from the events of one document.
pub(super) struct Builder<'a> {
    text: &'a str,
    /// Where this document begins in what the events count from.
    offset: usize,
    nodes: Nodes<'a>,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    root: Option<NodeId>,
    /// Everything before it has been understood.
    cursor: usize,
}

struct Open {
    id: NodeId,
    key: Option<NodeId>,
}

impl<'a> Builder<'a> {
    /// `text` begins with the document and may go on after it.
    pub(super) fn new(text: &'a str, offset: usize, content: usize) -> Self {
        Self {
            text,
            offset,
            nodes: Nodes::default(),
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            cursor: content - offset,
        }
    }

    pub(super) fn push(&mut self, token: Token<'a>) -> Result<(), Problem> {
        let range = token.range.start - self.offset..token.range.end - self.offset;
        let properties = token.properties.map(|at| at.start - self.offset..at.end - self.offset);
        let outer = properties.as_ref().map_or(range.start, |at| at.start.min(range.start));
        let dash = if matches!(token.event, Event::End) { outer } else { self.dash(outer) };
        if let Some(properties) = properties {
            self.cursor = self.cursor.max(properties.end);
        }
        let (kind, start, end) = match token.event {
            Event::End => {
                self.close(&range);
                return Ok(());
            }
            Event::DocumentStart { .. } | Event::DocumentEnd { .. } => return Ok(()),
            Event::Scalar { text, style: style @ (Style::Literal | Style::Folded) } => {
                let (start, end) = self.block_scalar(&range);
                let is_kept = self.text.get(start..end).is_some_and(keeps_blank_lines);
                let text = if is_kept { self.ended(text, start, range.end) } else { text };
                (Kind::Scalar { text, style }, start, end)
            }
            Event::Scalar { text, style } => (Kind::Scalar { text, style }, range.start, range.end),
            Event::Alias { anchor } => (self.alias(anchor, range.start)?, range.start, range.end),
            Event::SequenceStart { flow } => {
                (Kind::Sequence { items: Vec::new(), flow }, range.start, range.end)
            }
            Event::MappingStart { flow } => {
                (Kind::Mapping { entries: Vec::new(), flow }, range.start, range.end)
            }
        };
        // Where a block list begins is told only after its first dash, which is still to be found.
        if !matches!(kind, Kind::Sequence { flow: false, .. } | Kind::Mapping { flow: false, .. }) {
            self.cursor = self.cursor.max(end);
        }
        let opens = matches!(kind, Kind::Sequence { .. } | Kind::Mapping { .. });
        let places = [outer.min(start), start, end].map(u32::try_from);
        let (Some(id), [Ok(outer), Ok(start), Ok(end)]) = (self.nodes.next(), places) else {
            return Err(Problem::new(start, "the document is too big"));
        };
        self.nodes.push(Kept { kind, outer, start, end, shared: false });
        if let Some(tag) = token.tag {
            self.nodes.tags.insert(id, tag.into_boxed_str());
        }
        self.place(id, dash);
        if let Some(anchor) = token.anchor {
            self.anchors.insert(anchor, id);
        }
        if opens {
            if self.open.len() >= MAX_DEPTH {
                return Err(Problem::new(range.start, format!("nested more than {MAX_DEPTH} levels deep")));
            }
            self.open.push(Open { id, key: None });
        }
        Ok(())
    }

    pub(super) fn finish(self, length: usize) -> Option<Tree<'a>> {
        let text = self.text.get(..length)?;
        Some(Tree { text, root: self.root?, nodes: self.nodes })
    }

    /// Finds the dash of the list item that begins at `outer`.
    fn dash(&mut self, outer: usize) -> usize {
        let Some(open) = self.open.last() else { return outer };
        if !matches!(self.nodes.get(open.id).kind, Kind::Sequence { flow: false, .. }) {
            return outer;
        }
        match find(self.text, self.cursor, &['-']) {
            Some(dash) => {
                self.cursor = dash + 1;
                dash
            }
            None => outer,
        }
    }

    /// From the indicator to the end of the last line that is part of the value.
    fn block_scalar(&mut self, content: &Range<usize>) -> (usize, usize) {
        let Some(start) = find(self.text, self.cursor, &['|', '>']) else {
            return (content.start, content.end);
        };
        let rest = self.text.get(start + 1..).unwrap_or_default();
        let length = rest.find(|c: char| !matches!(c, '+' | '-' | '0'..='9')).unwrap_or(rest.len());
        let flags = rest.get(..length).unwrap_or_default();
        let header = start + 1 + length;
        let body = self.text.get(content.clone()).unwrap_or_default();
        let body = if flags.contains('+') { body.trim_end_matches([' ', '\t']) } else { body.trim_end() };
        let end = header.max(content.start + body.len());
        (start, end)
    }

    /// To kubectl every last line has an end, also one of blanks that counts.
    fn ended(&self, text: Cow<'a, str>, start: usize, end: usize) -> Cow<'a, str> {
        let last = self.text.rsplit('\n').next().unwrap_or_default();
        let is_blank = !last.is_empty() && last.trim_matches([' ', '\t']).is_empty();
        if !is_blank || end != self.text.len() {
            return text;
        }
        let has_content = text.bytes().any(|byte| byte != b'\n');
        // Without content, all lines below the indicator count, the last one too.
        let lines = self.text.get(start..).unwrap_or_default().matches('\n').count();
        Cow::Owned(if has_content { text.into_owned() + "\n" } else { "\n".repeat(lines) })
    }

    fn alias(&mut self, anchor: usize, offset: usize) -> Result<Kind<'a>, Problem> {
        match self.anchors.get(&anchor) {
            Some(&target) if self.open.iter().any(|open| open.id == target) => {
                Err(Problem::new(offset, "the anchor's value contains itself"))
            }
            Some(&target) => {
                self.nodes.get_mut(target).shared = true;
                Ok(Kind::Alias(target))
            }
            None => Err(Problem::new(offset, "no such anchor in this document")),
        }
    }

    fn place(&mut self, node: NodeId, dash: usize) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        let key_end = open.key.map(|key| self.nodes.get(key).end());
        match &mut self.nodes.get_mut(open.id).kind {
            Kind::Sequence { items, .. } => items.push(Item { dash, node }),
            Kind::Mapping { entries, .. } => match (open.key.take(), key_end) {
                (Some(key), Some(end)) => {
                    let colon = find(self.text, end, &[':']).map(|colon| colon + 1);
                    entries.push(Entry { key, colon: colon.and_then(NonZeroUsize::new), value: node });
                    self.cursor = self.cursor.max(colon.unwrap_or_default());
                }
                _ => open.key = Some(node),
            },
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }

    fn close(&mut self, range: &Range<usize>) {
        let Some(open) = self.open.pop() else { return };
        let (start, end) = match &self.nodes.get(open.id).kind {
            Kind::Sequence { items, flow: false } => (
                items.first().map(|first| first.dash),
                items.last().map(|last| self.nodes.get(last.node).end().max(last.dash + 1)),
            ),
            Kind::Mapping { entries, flow: false } => (
                entries.first().map(|first| self.nodes.get(first.key).outer as usize),
                entries
                    .last()
                    .map(|last| self.nodes.get(last.value).end().max(last.colon().unwrap_or_default())),
            ),
            _ => (None, Some(range.end)),
        };
        let node = self.nodes.get_mut(open.id);
        match &mut node.kind {
            Kind::Sequence { items, .. } => items.shrink_to_fit(),
            Kind::Mapping { entries, .. } => entries.shrink_to_fit(),
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
        if let Some(start) = start {
            // The event comes after a list's first dash, but before a map's `?`.
            let start = u32::try_from(start).unwrap_or(node.start);
            node.start = node.start.min(start);
            node.outer = node.outer.min(start);
        }
        node.end = end.and_then(|end| u32::try_from(end).ok()).unwrap_or(node.end);
        self.cursor = self.cursor.max(node.end());
    }
}

/// Whether a block scalar begins with `|+` or the like.
fn keeps_blank_lines(scalar: &str) -> bool {
    scalar.bytes().skip(1).take_while(|byte| !byte.is_ascii_whitespace()).any(|byte| byte == b'+')
}

/// Where one of `wanted` stands after `from`, with only blanks, comments, properties and other indicators between.
fn find(text: &str, from: usize, wanted: &[char]) -> Option<usize> {
    let mut rest = text.get(from..)?;
    loop {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        if wanted.contains(&first) {
            return Some(text.len() - rest.len());
        }
        let skipped = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '&' | '!' => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            ':' | '?' | '-' => 1,
            _ => return None,
        };
        rest = rest.get(skipped..)?;
    }
}
