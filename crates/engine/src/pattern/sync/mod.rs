//! The sync sidecar: git working copies that are kept up to date beside the app.

mod fragment;
mod request;
mod text;

pub(super) use fragment::{fragments, tasks};
pub(crate) use request::{Request, parse};
pub(super) use text::TOPICS;
