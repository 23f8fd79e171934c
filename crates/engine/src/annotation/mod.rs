//! The annotation language: one grammar for every key, typed values, and errors that point at the problem.
//!
//! `key` names the keys, `lexer` cuts a value into items and words, `value` turns words into types that cannot be
//! wrong, `item` reads the
//! options of an item.

pub(crate) mod diagnostic;
pub(crate) mod item;
pub mod key;
pub mod lexer;
pub mod option;
pub mod settings;
mod span;

pub use diagnostic::{Diagnostic, Excerpt, Problem, Source};
pub use key::Key;
pub(crate) use lexer::{Item, Word};
pub use span::Span;
