//! What people are told about a pod, as values: what was asked, what came of it, and the pod as it comes to be.
//!
//! build (a decision becomes a report, with asked, added, routes, does and picture) → report (serialises as it is). How that
//! looks on a terminal is the business of the command line.

mod added;
mod asked;
mod build;
pub(crate) mod does;
pub(crate) mod picture;
pub(crate) mod report;
mod routes;
mod sample;

pub(crate) use report::{Origin, Report};
pub(crate) use routes::{Route, routes};
pub use sample::sample;
