//! The text of a manifest with its name, before and after.

use std::borrow::Cow;

use multipod_yaml::{Document, SyntaxError, documents};

use super::{Finding, Level, Mark};

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
    /// Its documents; their texts, one after the other, are the text of the source.
    pub documents: Vec<Document<'s>>,
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
    /// Reads all sources. A document that is no YAML does not keep those before it and other files from being looked at.
    pub fn read(sources: &'s [Source]) -> Manifests<'s> {
        let mut manifests = Manifests::default();
        for Source { name, text } in sources {
            let documents = documents(text).unwrap_or_else(|error| {
                let readable = documents_before(text, &error);
                let line = text.lines().nth(error.line.saturating_sub(1)).unwrap_or_default();
                manifests.findings.push(Finding {
                    level: Level::Error,
                    slug: "unreadable_yaml",
                    message: explained(&error.message, text, line),
                    file: name.clone(),
                    line: error.line,
                    column: error.column,
                    subject: format!("document {}", error.document),
                    mark: Some(Mark::from(line, error.line, error.column)),
                });
                readable
            });
            manifests.readable.push(Manifest { name, documents });
        }
        manifests
    }
}

/// What the parser says, and what people have most likely done.
fn explained(problem: &str, text: &str, line: &str) -> String {
    let indentation = &line[..line.len() - line.trim_start().len()];
    if text.contains("{{") {
        return format!(
            "this is the source of a Helm template, and no YAML yet ({problem})\n\
             Give what Helm makes of it: helm template CHART | multipod check -"
        );
    }
    if indentation.contains('\t') {
        return "a tab stands before the content of this line\nYAML is indented by blanks alone".to_owned();
    }
    problem.to_owned()
}

/// The documents before the one that cannot be read.
fn documents_before<'s>(text: &'s str, error: &SyntaxError) -> Vec<Document<'s>> {
    let is_marker =
        |line: &str| line.strip_prefix("---").is_some_and(|rest| rest.trim_start().len() < rest.len());
    let lines = text.split_inclusive('\n').take(error.line);
    let mut offset = 0;
    let offsets = lines.filter_map(|line| {
        let start = offset;
        offset += line.len();
        is_marker(line).then_some(start)
    });
    let ends = offsets.collect::<Vec<_>>();
    // The error stands in the broken document, or just behind it.
    let mut readable = ends.into_iter().rev().take(2).filter_map(|end| documents(&text[..end]).ok());
    readable.find(|documents| documents.len() < error.document).unwrap_or_default()
}

impl Outcome<'_> {
    /// Whether nothing may be printed.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }
}
