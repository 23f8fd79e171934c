//! What is wrong with a condition.

use std::ops::Range;

/// What is wrong with a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// In bytes.
    pub at: Range<usize>,
    pub message: String,
}

impl Mistake {
    pub(crate) fn at(at: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake { at, message: message.into() }
    }
}
