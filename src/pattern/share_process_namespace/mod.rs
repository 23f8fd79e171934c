//! Containers that see each other's processes.

mod fragment;
mod request;

pub(super) use fragment::fragments;
pub use request::parse;
