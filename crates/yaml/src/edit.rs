//! What is asked of the text of a document, and what came of it.

use std::fmt;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, MoveOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use multipod_json::pointer::escaped;
use serde_json::Value;

/// One change of a value at a JSON pointer, with the meaning of RFC 6902.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Sets a member of a map, or inserts into a list, where `-` is its end.
    Add { pointer: String, value: Value },
    /// Takes something away that is there.
    Remove { pointer: String },
    /// Puts another value where one is.
    Replace { pointer: String, value: Value },
    /// Leaves null where a value is, written as nothing where the layout lets it: `key:`.
    Empty { pointer: String },
    /// Gives a member of a map another name, which none beside it has; its value keeps every byte.
    Rename { pointer: String, name: String },
    /// Puts a member of a map into another map, where nothing has its name; in block style with its lines as they are, but for
    /// how far to the right they stand.
    Move { pointer: String, to: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// All of the document, as it was but for the edits.
    pub text: String,
    /// Why the document had to be written anew, without the comments among its values, if it had to be.
    pub rewritten: Option<Reason>,
}

/// Why a document was written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An edit goes into an anchored value that an alias means too.
    SharedAnchor { line: usize },
    /// The edits could not be put into the text as it is laid out.
    Layout,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedAnchor { line } => write!(f, "the anchor on line {line} is used elsewhere too"),
            Self::Layout => f.write_str("the layout leaves no room for the change"),
        }
    }
}

/// Why edits were not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("not a JSON pointer, which is empty or begins with a slash: {0}")]
    Pointer(String),
    #[error("the document has no such place: {0}")]
    Place(String),
    #[error("the edited document cannot be written as YAML that reads back the same")]
    Unwritable,
}

impl Edit {
    pub fn pointer(&self) -> &str {
        match self {
            Self::Add { pointer, .. }
            | Self::Remove { pointer }
            | Self::Replace { pointer, .. }
            | Self::Empty { pointer }
            | Self::Rename { pointer, .. }
            | Self::Move { pointer, .. } => pointer,
        }
    }

    pub(super) fn value(&self) -> Option<&Value> {
        match self {
            Self::Add { value, .. } | Self::Replace { value, .. } => Some(value),
            Self::Remove { .. } | Self::Empty { .. } | Self::Rename { .. } | Self::Move { .. } => None,
        }
    }

    /// Where something will be that is elsewhere now, of an edit at a path of its own.
    pub(super) fn destination(&self, path: &str) -> Option<String> {
        match self {
            Self::Rename { name, .. } => {
                path.rsplit_once('/').map(|(map, _)| format!("{map}/{}", escaped(name)))
            }
            Self::Move { to, .. } => Some(to.clone()),
            _ => None,
        }
    }

    /// The edit as others carry it out, at a path of its own.
    pub(super) fn operation(&self, path: PointerBuf) -> PatchOperation {
        let to = self.destination(path.as_str()).and_then(|to| PointerBuf::parse(to).ok());
        match self.clone() {
            Self::Add { value, .. } => PatchOperation::Add(AddOperation { path, value }),
            Self::Remove { .. } => PatchOperation::Remove(RemoveOperation { path }),
            Self::Replace { value, .. } => PatchOperation::Replace(ReplaceOperation { path, value }),
            Self::Empty { .. } => PatchOperation::Replace(ReplaceOperation { path, value: Value::Null }),
            Self::Rename { .. } | Self::Move { .. } => {
                PatchOperation::Move(MoveOperation { from: path, path: to.unwrap_or_default() })
            }
        }
    }
}
