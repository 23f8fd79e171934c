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

/// What becomes of manifests.
#[derive(Debug, Default)]
pub struct Outcome<'s> {
    /// For each manifest, the text of each document.
    pub texts: Vec<Vec<Cow<'s, str>>>,
    /// What people should know, in the order of the texts.
    pub findings: Vec<Finding>,
}

/// Reads all sources; the error tells what is wrong in each one that is no YAML.
pub fn read(sources: &[Source]) -> Result<Vec<Manifest<'_>>, Vec<Finding>> {
    let mut manifests = Vec::new();
    let mut findings = Vec::new();
    for Source { name, text } in sources {
        match documents(text) {
            Ok(documents) => manifests.push(Manifest { name, documents }),
            Err(error) => findings.push(Finding {
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
    if findings.is_empty() { Ok(manifests) } else { Err(findings) }
}

impl Outcome<'_> {
    /// Whether nothing may be printed.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }
}
