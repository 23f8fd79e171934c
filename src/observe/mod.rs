//! What the outside sees of a running server: metrics and log lines, with the same slugs.

mod json;
mod logs;
mod metrics;
mod process;

pub use logs::{LogFormat, LogGuard, decision, failure, start_logs};
pub use metrics::{Metrics, Refused};
pub(crate) use process::most_descriptors;
