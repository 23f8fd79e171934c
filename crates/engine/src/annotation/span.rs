//! Where something stands in the value of an annotation.

/// A range of bytes in an annotation value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}
