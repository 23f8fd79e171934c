//! The documents of a text, their values and the places of their nodes.

use serde_json::Value;

use super::events::{Event, Events, Fault};
use super::members::{Reader, pointer_tokens};
use super::tree::{Builder, Kind, NodeId, Style, SyntaxError, Tree, Wrong};
use super::value;

/// One YAML document with all the text that belongs to it.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
    tree: Option<Tree<'a>>,
    value: Value,
    /// Line in the file where `text` begins, from 1.
    line: usize,
}

/// A line and a column in the file, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line in the file.
    pub line: usize,
    /// Column in characters.
    pub column: usize,
}

/// Where a value was written, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position<'a> {
    /// Line in the file.
    pub line: usize,
    /// Column in characters.
    pub column: usize,
    /// The text as it stands in the file, quotes included; block scalars begin with their `|` or `>`.
    pub source: &'a str,
    /// How it was written.
    pub style: Style,
    /// Where the key stands, for members of maps.
    pub key: Option<Place>,
}

/// All documents of one text. Their texts, one after the other, are the text again.
pub fn documents(text: &str) -> Result<Vec<Document<'_>>, SyntaxError> {
    let mut documents = Vec::new();
    let mut lines = Lines::default();
    let mut expansion = value::Budget::default();
    let pieces = pieces(text).map_err(|(wrong, number)| error(text, 0, wrong, number))?;
    for (index, piece) in pieces.into_iter().enumerate() {
        let value = piece.tree.as_ref().map_or(Ok(Value::Null), |tree| value::value(tree, &mut expansion));
        let value = value.map_err(|wrong| error(text, piece.start, wrong, index + 1))?;
        let line = lines.at(text, piece.start);
        documents.push(Document { text: piece.text, tree: piece.tree, value, line });
    }
    Ok(documents)
}

impl<'a> Document<'a> {
    /// The document's text with its `---`, `...`, comments and blank lines.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The line in the file where the content begins, from 1.
    pub fn first_line(&self) -> usize {
        let start = self.tree.as_ref().map_or(0, |tree| tree.node(tree.root).outer);
        self.place(start).line
    }

    /// Whether there is nothing but comments.
    pub fn is_empty(&self) -> bool {
        self.tree.as_ref().is_none_or(|tree| tree.is_absent(tree.root))
    }

    /// The value as kubectl would send it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value as JSON, with numbers as they were written where JSON can write them so.
    pub fn json(&self) -> String {
        self.tree.as_ref().map_or_else(|| "null".into(), value::json)
    }

    /// Where the value at a JSON pointer was written.
    pub fn position(&self, pointer: &str) -> Option<Position<'a>> {
        let tree = self.tree.as_ref()?;
        let reader = Reader::new(tree);
        let mut id = tree.root;
        let mut key = None;
        for token in pointer_tokens(pointer)? {
            (key, id) = step(tree, &reader, id, &token)?;
        }
        let node = tree.node(id);
        let style = match node.kind {
            Kind::Scalar { style, .. } => style,
            Kind::Alias(_) => Style::Plain,
            Kind::Sequence { .. } | Kind::Mapping { .. } => Style::Collection,
        };
        let Place { line, column } = self.place(node.start);
        let key = key.map(|key| self.place(tree.node(key).outer));
        Some(Position { line, column, source: tree.slice(node.start..node.end), style, key })
    }

    pub(super) fn tree(&self) -> Option<&Tree<'a>> {
        self.tree.as_ref()
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or_default();
        let (breaks, column) = measure(before);
        Place { line: self.line + breaks, column }
    }
}

fn step(tree: &Tree, reader: &Reader, id: NodeId, token: &str) -> Option<(Option<NodeId>, NodeId)> {
    let id = tree.resolve(id);
    match &tree.node(id).kind {
        Kind::Mapping { .. } => {
            let member = reader.members(id).ok()?.into_iter().find(|member| member.name == token)?;
            Some((Some(member.key), member.value))
        }
        Kind::Sequence { items, .. } => Some((None, items.get(token.parse::<usize>().ok()?)?.node)),
        Kind::Scalar { .. } | Kind::Alias(_) => None,
    }
}

struct Piece<'a> {
    text: &'a str,
    start: usize,
    tree: Option<Tree<'a>>,
}

/// Cuts the text where documents meet: before a `---`, or after the line of a `...`.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, (Wrong, usize)> {
    let mut events = Events::new(text);
    let mut starts = Vec::new();
    let mut builders = Vec::new();
    let mut current = None;
    // Where the next document begins, if the one before was ended by `...`.
    let mut ended = Some(0);
    loop {
        let number = builders.len() + 1;
        let wrong = |fault: Fault| (Wrong::new(fault.offset, fault.message), number);
        let next = events.next().map_err(wrong)?;
        let Some(token) = next else { break };
        match token.event {
            Event::DocumentStart { explicit } => {
                let start = ended.take().unwrap_or(token.range.start);
                let content = if explicit { token.range.end } else { start };
                starts.push((start, explicit));
                current = Some(Builder::new(text.get(start..).unwrap_or_default(), start, content));
            }
            Event::DocumentEnd { explicit } => {
                ended = explicit.then(|| line_after(text, token.range.end));
                builders.extend(current.take());
            }
            _ => {
                if let Some(builder) = current.as_mut() {
                    let start = starts.last().map_or(0, |(start, _)| *start);
                    builder.push(token).map_err(|wrong| (at(start, wrong), number))?;
                }
            }
        }
    }
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]).collect::<Vec<_>>();
    let mut pieces = Vec::new();
    for ((builder, (start, _)), end) in builders.into_iter().zip(&starts).zip(ends) {
        let tree = builder.finish(end - start);
        pieces.push(Piece { text: text.get(*start..end).unwrap_or_default(), start: *start, tree });
    }
    if pieces.is_empty() && !text.is_empty() {
        pieces.push(Piece { text, start: 0, tree: None });
    }
    Ok(pieces)
}

fn at(start: usize, wrong: Wrong) -> Wrong {
    Wrong { offset: start + wrong.offset, ..wrong }
}

/// Where the line after the one of `offset` begins.
pub(super) fn line_after(text: &str, offset: usize) -> usize {
    if offset > 0 && text.as_bytes().get(offset - 1) == Some(&b'\n') {
        return offset;
    }
    let rest = text.get(offset..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |newline| offset + newline + 1)
}

/// The error as people count: in lines of the whole file.
fn error(text: &str, start: usize, wrong: Wrong, document: usize) -> SyntaxError {
    let measured = |offset: usize| measure(text.get(..start + offset).unwrap_or_default());
    let (breaks, column) = measured(wrong.offset);
    let message = match wrong.earlier {
        Some(earlier) => format!("{} (first on line {})", wrong.message, measured(earlier).0 + 1),
        None => wrong.message,
    };
    SyntaxError { line: breaks + 1, column, document, message }
}

/// Line breaks in a text, and the column after its last character.
fn measure(before: &str) -> (usize, usize) {
    let breaks = before.bytes().filter(|byte| *byte == b'\n').count();
    let last = before.rsplit('\n').next().unwrap_or_default();
    (breaks, last.trim_start_matches('\u{feff}').chars().count() + 1)
}

/// Counts lines going forward only, so that a file of many documents is read once.
#[derive(Default)]
struct Lines {
    offset: usize,
    breaks: usize,
}

impl Lines {
    fn at(&mut self, text: &str, offset: usize) -> usize {
        let passed = text.get(self.offset..offset).unwrap_or_default();
        self.breaks += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.offset = offset;
        self.breaks + 1
    }
}
