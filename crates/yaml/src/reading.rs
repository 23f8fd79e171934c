//! The documents of a text, one after the other: whoever lets go of each before asking for the next never holds more than one.

use std::ops::Range;

use serde_json::Value;

use super::document::Document;
use super::events::Event;
use super::json_stream;
use super::lines::{Index, Lines};
use super::problem::{Problem, SyntaxError};
use super::sound::Sound;
use super::tree::{Builder, Tree};
use super::value;

/// All documents of one text. Their texts, one after the other, are the text again.
pub fn documents(text: &str) -> Result<Vec<Document<'_>>, SyntaxError> {
    Documents::of(text).collect()
}

/// The documents of a text as they are read; nothing follows an error.
pub struct Documents<'a> {
    text: &'a str,
    /// What is read each for itself: JSON documents one after the other, or else all of the text.
    parts: std::vec::IntoIter<Range<usize>>,
    part: Option<Pieces<'a>>,
    /// How many there were.
    number: usize,
    line: usize,
    /// Up to where lines are counted.
    counted: usize,
    expansion: value::Budget,
    is_broken: bool,
}

impl<'a> Documents<'a> {
    /// Those of this text.
    pub fn of(text: &'a str) -> Self {
        let mut starts = json_stream::starts(text).unwrap_or_default();
        if starts.len() < 2 {
            starts = vec![0];
        }
        let ends = starts.iter().skip(1).copied().chain([text.len()]).collect::<Vec<_>>();
        let parts = starts.into_iter().zip(ends).map(|(start, end)| start..end).collect::<Vec<_>>();
        Self {
            text,
            parts: parts.into_iter(),
            part: None,
            number: 0,
            line: 1,
            counted: 0,
            expansion: value::Budget::default(),
            is_broken: false,
        }
    }

    fn piece(&mut self) -> Result<Option<Piece<'a>>, SyntaxError> {
        loop {
            let part = match &mut self.part {
                Some(part) => part,
                None => match self.parts.next() {
                    Some(range) => self
                        .part
                        .insert(Pieces::of(self.text.get(range.clone()).unwrap_or_default(), range.start)),
                    None => return Ok(None),
                },
            };
            let offset = part.offset;
            match part.next() {
                Ok(Some(piece)) => return Ok(Some(Piece { start: offset + piece.start, ..piece })),
                Ok(None) => self.part = None,
                Err(problem) => return Err(error(self.text, offset, problem, self.number + 1)),
            }
        }
    }

    fn document(&mut self) -> Result<Option<Document<'a>>, SyntaxError> {
        let Some(piece) = self.piece()? else { return Ok(None) };
        self.number += 1;
        let value =
            piece.tree.as_ref().map_or(Ok(Value::Null), |tree| value::value(tree, &mut self.expansion));
        let value = value.map_err(|problem| error(self.text, piece.start, problem, self.number))?;
        let between = self.text.get(self.counted..piece.start).unwrap_or_default();
        self.line += between.bytes().filter(|byte| *byte == b'\n').count();
        self.counted = piece.start;
        Ok(Some(Document::new(piece.text, piece.tree, value, self.line)))
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Document<'a>, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_broken {
            return None;
        }
        let next = self.document().transpose();
        self.is_broken = matches!(next, Some(Err(_)));
        next
    }
}

/// A document that was read once, and let go: where it stands is all that is kept of it.
#[derive(Debug, Clone, Copy)]
pub struct Closed<'a> {
    text: &'a str,
    line: usize,
}

impl<'a> Closed<'a> {
    /// What it takes to read a document again.
    pub fn of(document: &Document<'a>) -> Self {
        Self { text: document.text(), line: document.line }
    }

    /// All text that belongs to it.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Reads it again.
    pub fn open(&self) -> Result<Document<'a>, SyntaxError> {
        let before = self.line - 1;
        let found = documents(self.text).map_err(|error| SyntaxError { line: before + error.line, ..error });
        match <[Document; 1]>::try_from(found?) {
            Ok([mut document]) => {
                document.line = self.line;
                Ok(document)
            }
            // A text without anything is no document.
            Err(_) => Ok(Document::new(self.text, None, Value::Null, self.line)),
        }
    }
}

struct Piece<'a> {
    text: &'a str,
    start: usize,
    tree: Option<Tree<'a>>,
}

/// Cuts a part before a `---`, or after the line of a `...`.
struct Pieces<'a> {
    text: &'a str,
    /// Where the part begins in the whole text.
    offset: usize,
    events: Sound<'a>,
    /// The document that is being read, and where it begins.
    open: Option<(usize, Builder<'a>)>,
    /// Where the next document begins, if the one before was ended by `...`.
    ended: Option<usize>,
    is_first: bool,
    is_over: bool,
}

impl<'a> Pieces<'a> {
    fn of(text: &'a str, offset: usize) -> Self {
        let events = Sound::of(text);
        Self { text, offset, events, open: None, ended: Some(0), is_first: true, is_over: false }
    }

    fn next(&mut self) -> Result<Option<Piece<'a>>, Problem> {
        while !self.is_over {
            let Some(token) = self.events.next()? else {
                self.is_over = true;
                break;
            };
            match token.event {
                Event::DocumentStart { explicit } => {
                    let start = self.ended.take().unwrap_or(token.range.start);
                    let content = if explicit { token.range.end } else { start };
                    let builder = Builder::new(self.text.get(start..).unwrap_or_default(), start, content);
                    if let Some(before) = self.open.replace((start, builder)) {
                        return Ok(self.piece(before, start));
                    }
                }
                Event::DocumentEnd { explicit } => {
                    self.ended = explicit.then(|| line_after(self.text, token.range.end));
                }
                _ => {
                    if let Some((start, builder)) = &mut self.open {
                        let found = builder.push(token);
                        found.map_err(|problem| Problem { offset: *start + problem.offset, ..problem })?;
                    }
                }
            }
        }
        if let Some(last) = self.open.take() {
            return Ok(self.piece(last, self.text.len()));
        }
        let is_all = std::mem::take(&mut self.is_first) && !self.text.is_empty();
        Ok(is_all.then_some(Piece { text: self.text, start: 0, tree: None }))
    }

    fn piece(&mut self, (start, builder): (usize, Builder<'a>), end: usize) -> Option<Piece<'a>> {
        self.is_first = false;
        let text = self.text.get(start..end)?;
        Some(Piece { text, start, tree: builder.finish(end - start) })
    }
}

/// The error as people count: in lines of the whole file.
fn error(text: &str, start: usize, problem: Problem, document: usize) -> SyntaxError {
    let index = Index::of(text);
    let lines = Lines::new(text, &index);
    let measured = |offset: usize| lines.place(start + offset);
    let (breaks, column) = measured(problem.offset);
    let message = match problem.earlier {
        Some(earlier) => format!("{} (first on line {})", problem.message, measured(earlier).0 + 1),
        None => problem.message,
    };
    SyntaxError { line: breaks + 1, column, document, message }
}

/// Where the line after the one of `offset` begins.
fn line_after(text: &str, offset: usize) -> usize {
    // Behind a line, that is here.
    let from = offset.saturating_sub(1);
    let rest = text.get(from..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |newline| from + newline + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Documents, documents};

    /// What a text is read as: each document with where it stands, and the error that ends it.
    fn told(text: &str) -> Vec<String> {
        let told = |read: Result<super::Document, super::SyntaxError>| match read {
            Ok(document) => format!("{} {}", document.first_line(), document.value()),
            Err(error) => {
                format!("{} {}: {}", error.document, error.line, error.message.lines().next().unwrap())
            }
        };
        Documents::of(text).map(told).collect()
    }

    #[test]
    fn documents_before_an_error_are_read_and_nothing_behind_it() {
        let cases: [(&str, &[&str]); 7] = [
            ("a: 1\n---\nb: [\n---\nc: 1\n", &["1 {\"a\":1}", "2 3: unclosed bracket '['"]),
            (
                "a: 1\n---\nb: 1\nb: 2\n---\nc: 1\n",
                &["1 {\"a\":1}", "2 4: the key stands twice in one map: b (first on line 3)"],
            ),
            ("a: 1\n---\nb: *x\n", &["1 {\"a\":1}", "2 3: while parsing node, found unknown anchor"]),
            ("a: 1\n---\nb: 1 # \u{2028}\n---\nc: 1\n", &["1 {\"a\":1}", "2 3: U+2028"]),
            ("a: 1\n...\nb: 2\n", &["1 3: kubectl reads nothing"]),
            (
                "{\"a\": 1}\n{\"b\": 1, \"b\": 2}\n{\"c\": 1}\n",
                &["1 {\"a\":1}", "2 2: the key stands twice in one map: b (first on line 2)"],
            ),
            ("%X\n", &["1 2: did not find"]),
        ];
        for (text, expected) in cases {
            let told = told(text);
            let same = |(told, expected): (&String, &&str)| told.starts_with(expected);
            assert!(
                told.len() == expected.len() && told.iter().zip(expected).all(same),
                "{text:?}: {told:?}"
            );
        }
    }

    /// Documents, and what stands between them.
    fn any_stream() -> impl Strategy<Value = String> {
        let document = prop_oneof![
            Just("a: 1"),
            Just("a: &x 1\nb: *x"),
            Just("# only"),
            Just(""),
            Just("a: |+\n  x\n\n"),
            Just("{\"a\": [1]}"),
            Just("- 'x\u{2028}'"),
            Just("a: |\n  ---\n  x"),
            Just("a: >2+ # c\n  x\n  "),
            Just("k: \"\\u2028\""),
            Just("a: {b: c}\n# tail"),
            Just("a: 1\r"),
        ];
        let between = prop_oneof![
            Just("\n---\n"),
            Just("\n--- # c\n"),
            Just("\n...\n---\n"),
            Just("\n...\n# c\n--- "),
            Just("\n\n---\n\n"),
            Just("\n...\n%YAML 1.1\n---\n"),
            Just("\n"),
            Just("\r\n---\r\n"),
        ];
        let pairs = prop::collection::vec((document, between), 0..6);
        ("\u{feff}?", pairs)
            .prop_map(|(mark, pairs)| pairs.iter().fold(mark, |text, (one, between)| text + one + between))
    }

    proptest! {
        #[test]
        fn a_document_that_is_opened_again_is_the_same(text in any_stream()) {
            let all = Documents::of(&text).filter_map(Result::ok).collect::<Vec<_>>();
            for document in &all {
                let again = super::Closed::of(document).open();
                prop_assert!(again.is_ok(), "{:?}: {:?}", text, again);
                let again = again.unwrap();
                prop_assert_eq!(again.text(), document.text());
                prop_assert_eq!(again.value(), document.value());
                prop_assert_eq!(again.json(), document.json());
                prop_assert_eq!(again.first_line(), document.first_line());
                prop_assert_eq!(again.position("/a"), document.position("/a"));
            }
            if let Ok(read) = documents(&text) {
                let joined = read.iter().map(super::Document::text).collect::<String>();
                prop_assert_eq!(joined, text);
            }
        }
    }
}
