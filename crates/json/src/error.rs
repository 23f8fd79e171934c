//! What is wrong with a text, and where.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    at: usize,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The text ends too early.
    Eof,
    /// This is no JSON.
    Syntax,
    /// A value of the wrong kind, or one that is missing.
    Data,
    /// More than the budget of the reader.
    TooMuch,
    /// There was no time left to read on.
    TooLate,
}

impl Error {
    pub(super) fn new(kind: Kind, at: usize, message: &str) -> Self {
        Error { kind, at, message: message.to_owned() }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it was found, in bytes.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Line and column in the text that was read, both from 1.
    pub fn place(&self, text: &str) -> (usize, usize) {
        let before = &text.as_bytes()[..self.at.min(text.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        (line, column)
    }

    /// Types know what is wrong with a value, not where it stands.
    pub(super) fn or_at(mut self, at: usize) -> Self {
        if self.at == usize::MAX {
            self.at = at;
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Error { kind: Kind::Data, at: usize::MAX, message: message.to_string() }
    }
}
