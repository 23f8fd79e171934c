//! What people are told about a pod: what was asked, what came of it, and a drawing. Pure: values in, text out.
//!
//! build (a decision becomes a report, with asked, added, routes and picture) → report (serialises as it is) → text
//! (lines, with draw for the picture of the pod).

mod added;
mod asked;
mod boxes;
mod build;
mod draw;
mod line;
mod picture;
pub mod report;
mod routes;
mod sample;
mod text;

pub use boxes::Signs;
pub use draw::draw;
pub use line::{Line, Tone};
pub use picture::{Listen, Mount, Node, Picture, Role, Volume};
pub use report::{Origin, Report};
pub use routes::{Route, routes};
pub use sample::{minimal_pod, sample};
pub use text::{Layout, text};
