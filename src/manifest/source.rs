//! The text of a manifest with its name, before and after.

use std::borrow::Cow;

use multipod_engine::pod::objects;
use multipod_values::Odd;
use multipod_yaml::{Closed, Document, Documents, SyntaxError};

use super::{Finding, Level, Mark, Mend};

/// One file, or the standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is called in messages.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// One source, read.
#[derive(Debug)]
pub struct Manifest<'s> {
    /// What it is called in messages.
    pub name: &'s str,
    /// What it holds, whether it can be read or not.
    pub(super) text: &'s str,
    /// Its documents; their texts, one after the other, are the text of the source.
    pub documents: Vec<Listed<'s>>,
}

/// A document that was found sound, and let go: a file may have thousands.
#[derive(Debug)]
pub struct Listed<'s> {
    closed: Closed<'s>,
    /// The kinds of its objects.
    kinds: Vec<Box<str>>,
}

/// A document that is being looked at.
#[derive(Debug)]
pub(crate) struct Opened<'s> {
    pub document: Document<'s>,
    /// The file that it stands in.
    pub file: &'s str,
    /// Which one of that file, from 1.
    pub number: usize,
}

/// All sources.
#[derive(Debug, Default)]
pub struct Manifests<'s> {
    /// Each with the documents that can be read.
    pub readable: Vec<Manifest<'s>>,
    /// What is wrong with the other documents.
    pub findings: Vec<Finding>,
}

/// What becomes of manifests.
#[derive(Debug, Default)]
pub struct Outcome<'s> {
    /// For each manifest, the text of each document.
    pub texts: Vec<Vec<Cow<'s, str>>>,
    /// What people should know, in the order of the texts.
    pub findings: Vec<Finding>,
}

impl<'s> Manifests<'s> {
    /// Reads all sources, one document after the other. One that is no YAML does not keep those before it and other files
    /// from being looked at.
    pub fn read(sources: &'s [Source]) -> Manifests<'s> {
        let mut manifests = Manifests::default();
        for Source { name, text } in sources {
            let mut listed = Vec::new();
            for read in Documents::of(text) {
                match read {
                    Ok(document) => listed.push(Listed::of(&document)),
                    Err(error) => manifests.findings.push(unreadable(&error, name, text)),
                }
            }
            manifests.readable.push(Manifest { name, text, documents: listed });
        }
        manifests
    }

    /// Every document, one after the other. Whoever lets go of each never holds more than one.
    pub(crate) fn opened(&self) -> impl Iterator<Item = Result<Opened<'s>, Finding>> {
        self.readable.iter().flat_map(Manifest::opened)
    }

    /// The documents with objects of this kind.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = Opened<'s>> {
        let listed = self
            .readable
            .iter()
            .flat_map(|manifest| (0..).zip(&manifest.documents).map(move |it| (manifest, it)));
        let has = listed.filter(move |(_, (_, listed))| listed.kinds.iter().any(|it| **it == *kind));
        has.filter_map(|(manifest, (index, _))| manifest.open(index)?.ok())
    }
}

impl<'s> Manifest<'s> {
    /// Whether there is any object in it.
    pub(crate) fn has_objects(&self) -> bool {
        self.documents.iter().any(|listed| !listed.kinds.is_empty())
    }

    /// Its documents, one after the other.
    pub(crate) fn opened(&self) -> impl Iterator<Item = Result<Opened<'s>, Finding>> {
        (0..).map_while(|index| self.open(index))
    }

    fn open(&self, index: usize) -> Option<Result<Opened<'s>, Finding>> {
        let listed = self.documents.get(index)?;
        let opened =
            listed.closed.open().map(|document| Opened { document, file: self.name, number: index + 1 });
        // What was sound before still is.
        Some(opened.map_err(|error| unreadable(&error, self.name, listed.closed.text())))
    }
}

impl<'s> Listed<'s> {
    fn of(document: &Document<'s>) -> Self {
        let mut kinds: Vec<Box<str>> = Vec::new();
        for object in objects(document.value()) {
            if !kinds.iter().any(|kind| **kind == *object.kind) {
                kinds.push(object.kind.into());
            }
        }
        kinds.shrink_to_fit();
        Self { closed: Closed::of(document), kinds }
    }

    /// All text that belongs to it.
    pub fn text(&self) -> &'s str {
        self.closed.text()
    }
}

fn unreadable(error: &SyntaxError, name: &str, text: &str) -> Finding {
    let line = text.lines().nth(error.line.saturating_sub(1)).unwrap_or_default();
    let (message, mark) = explained(error, text, line);
    let is_odd = !text.contains("{{") && Odd::first(line).is_some_and(|(_, odd)| message == odd.to_string());
    let mend = is_odd.then(|| Mend::plain(line, error.line, 0..line.len())).flatten();
    Finding {
        level: Level::Error,
        slug: "unreadable_yaml",
        message,
        file: name.to_owned(),
        line: error.line,
        column: error.column,
        subject: format!("document {}", error.document),
        mark: Some(mark),
        mend,
    }
}

/// What the parser says, and what people have most likely done.
fn explained(error: &SyntaxError, text: &str, line: &str) -> (String, Mark) {
    let problem = &error.message;
    let indentation = &line[..line.len() - line.trim_start().len()];
    let mark = Mark::from(line, error.line, error.column);
    if text.contains("{{") {
        let message = format!(
            "this is the source of a Helm template, and no YAML yet ({problem})\n\
             Give what Helm makes of it: helm template CHART | multipod check -"
        );
        return (message, mark);
    }
    if indentation.contains('\t') {
        let message = "a tab stands before the content of this line\nYAML is indented by blanks alone";
        return (message.to_owned(), mark);
    }
    match Odd::first(line) {
        Some((at, odd)) => (odd.to_string(), Mark::odd(line, error.line, at, odd)),
        None => (problem.to_owned(), mark),
    }
}

impl Outcome<'_> {
    /// Whether nothing may be printed.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }
}
