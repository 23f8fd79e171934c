//! What people are told about a pod: what was asked, what came of it, and a drawing. Pure: values in, text out.
//!
//! build (a decision becomes a report, with asked, added, routes and picture) → report (serialises as it is) → text
//! (lines, with draw for the picture of the pod).

mod added;
mod asked;
mod boxes;
mod build;
mod draw;
mod layout;
mod line;
mod picture;
pub(crate) mod report;
mod routes;
mod sample;
mod text;

pub(crate) use boxes::Signs;
pub(crate) use layout::Layout;
pub(crate) use line::{Line, Tone};
pub(crate) use report::{Origin, Report};
pub(crate) use routes::{Route, routes};
pub use sample::sample;
pub(crate) use text::text;
