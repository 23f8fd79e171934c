//! Metrics, log lines and traces of a running server, with the same slugs.

mod logs;
mod metrics;
mod process;
mod traces;

pub use logs::{LogFormat, LogGuard, LogLevel, decision, failure, start_logs};
pub use metrics::{ConnectionFailure, Metrics};
pub(crate) use process::descriptor_limit;
pub use traces::{Span, Traces};
