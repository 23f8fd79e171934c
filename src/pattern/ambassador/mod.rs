//! The ambassador: HAProxy in front of the app, or between the app and what it calls.

mod fragment;
mod haproxy;
mod request;
mod route;
mod text;

pub use fragment::CONTAINER;
pub(super) use fragment::fragment;
pub use request::{Request, RouteOptions, SETTINGS, Target, parse};
pub(super) use text::TOPICS;
