//! Texts in, texts out.

use std::borrow::Cow;

use crate::yaml::{Document, documents};

use super::{Finding, Level};

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

/// All sources, as far as they can be read.
#[derive(Debug, Default)]
pub struct Manifests<'s> {
    /// Those that are YAML, in their order.
    pub readable: Vec<Manifest<'s>>,
    /// What is wrong with the others.
    pub findings: Vec<Finding>,
}

/// What becomes of manifests.
#[derive(Debug, Default)]
pub struct Outcome<'s> {
    /// For each readable manifest, the text of each document.
    pub texts: Vec<Vec<Cow<'s, str>>>,
    /// What people should know, in the order of the texts.
    pub findings: Vec<Finding>,
}

impl<'s> Manifests<'s> {
    /// Reads all sources; one that is no YAML does not keep the others from being looked at.
    pub fn read(sources: &'s [Source]) -> Manifests<'s> {
        let mut manifests = Manifests::default();
        for Source { name, text } in sources {
            match documents(text) {
                Ok(documents) => manifests.readable.push(Manifest { name, documents }),
                Err(error) => manifests.findings.push(Finding {
                    level: Level::Error,
                    slug: "unreadable_yaml",
                    message: error.message,
                    file: name.clone(),
                    line: error.line,
                    column: error.column,
                    subject: format!("document {}", error.document),
                }),
            }
        }
        manifests
    }
}

impl Outcome<'_> {
    /// Whether nothing may be printed.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }
}
