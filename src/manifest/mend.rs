//! What puts a finding right, as a value: made where the finding is, carried out by whoever may write.

use std::ops::Range;

use multipod_json::pointer::unescaped;
use multipod_yaml::Edit;

/// One way to put a finding right, the only one that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// What stands there.
    pub was: String,
    /// What belongs there.
    pub is: String,
    pub(super) how: How,
}

/// How the text changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// By edits of the document with this number, as messages count them.
    Edits(usize, Vec<Edit>),
    /// By other text in a part of a line, in bytes; the line by its number in the file.
    Part { line: usize, at: Range<usize>, with: String },
}

impl Mend {
    pub(super) fn renamed(document: usize, pointer: &str, name: &str) -> Mend {
        let was = pointer.rsplit('/').next().map(unescaped).unwrap_or_default();
        let edit = Edit::Rename { pointer: pointer.to_owned(), name: name.to_owned() };
        Mend { was: was.into(), is: name.to_owned(), how: How::Edits(document, vec![edit]) }
    }
}
