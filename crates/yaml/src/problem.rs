//! What is wrong with a text.

use std::fmt;

/// Why a text is not YAML that kubectl could send, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Which document of the file, from 1.
    pub document: usize,
    pub message: String,
}

impl std::error::Error for SyntaxError {}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {} (document {}): {}", self.line, self.column, self.document, self.message)
    }
}

/// Something wrong at a byte of the document.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) offset: usize,
    pub(super) message: String,
    /// The other byte it takes for this to be wrong.
    pub(super) earlier: Option<usize>,
}

impl Problem {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into(), earlier: None }
    }
}
