//! The init steps: what runs once, in the order written, before the app.

mod fragment;
mod request;
mod text;

pub(super) use fragment::{fragments, tasks};
pub(crate) use request::{Request, parse};
pub(super) use text::TOPICS;
