//! The init steps: what runs once, in the order written, before the app.

mod fragment;
mod request;

pub(super) use fragment::fragments;
pub use request::{Request, WaitOptions, parse};
