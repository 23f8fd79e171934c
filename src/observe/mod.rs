//! What the outside sees of a running server: metrics, log lines and traces, with the same slugs.

mod logs;
mod metrics;
mod process;
mod traces;

pub use logs::{LogFormat, LogGuard, LogLevel, decision, failure, start_logs};
pub use metrics::{Metrics, Refused};
pub(crate) use process::most_descriptors;
pub use traces::{Span, Traces};
