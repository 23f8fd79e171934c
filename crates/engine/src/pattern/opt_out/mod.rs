//! What a pod or its namespace declines.

mod request;
mod text;

pub(crate) use request::OptOut;
pub use request::parse;
pub(super) use text::TOPICS;
