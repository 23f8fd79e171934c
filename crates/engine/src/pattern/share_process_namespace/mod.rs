//! Containers that see each other's processes.

mod fragment;
mod request;
mod text;

pub(super) use fragment::fragments;
pub(crate) use request::parse;
pub(super) use text::TOPICS;
