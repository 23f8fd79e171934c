//! The ambassador: HAProxy in front of the app, or between the app and what it calls.

mod fragment;
pub mod haproxy;
mod request;
mod route;
mod text;

pub(super) use fragment::fragment;
pub(crate) use request::{Request, parse};
pub use text::CONFIG_FILE;
pub(super) use text::TOPICS;
