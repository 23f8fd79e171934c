//! Metrics, log lines and traces of a running server, with the same slugs.

mod logs;
mod metrics;
mod process;
mod traces;

pub(crate) use logs::{LogFilter, LogFormat, LogLevel, decision, failure, short, start_logs};
pub(crate) use metrics::{ConnectionFailure, Metrics};
pub(crate) use process::descriptor_limit;
pub(crate) use traces::{Span, Traces};
