//! Logging: the app's log files on a sidecar's standard output, or shipped to a central server.
//!
//! | lines are | by | containers |
//! |---|---|---|
//! | printed (no `to=`) | `multipod follow` | `multipod-logging`; a second one, `multipod-logging-json`, where both formats are asked for, because a follower prints in one |
//! | shipped (`to=`) | the OpenTelemetry Collector | `multipod-logging-shipper`, with one exporter for each server |

mod collector;
mod doubt;
mod fragment;
mod held;
mod operators;
mod request;
mod source;
mod user;
mod volume;

pub(super) use fragment::{fragment, tasks};
pub(crate) use request::{Request, parse};
pub(super) use text::TOPICS;

#[cfg(test)]
mod tests;
mod text;
