//! Manifests as people write them: read the way kubectl reads them, edited in their own text.
//!
//! Text walks one way: events → tree → value. Edits walk back: draft (the tree with its changes) →
//! splices (the smallest changes of text). What was not edited keeps every byte.

mod breaks;
mod document;
mod draft;
mod edit;
mod editor;
mod emit;
mod events;
mod expected;
mod flow;
mod flow_edit;
mod form;
mod json_stream;
mod layout;
mod lines;
mod members;
mod plain;
mod problem;
mod reading;
mod scalar;
mod sound;
mod splice;
mod splicer;
mod tree;
mod value;

pub use document::{Document, Place, Position};
pub use edit::{Edit, EditError, Edited, Reason};
pub use emit::emit;
pub use events::Style;
pub use problem::SyntaxError;
pub use reading::{Closed, Documents, documents};
