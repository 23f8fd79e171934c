//! Traces: one span for each review, if multipod was built with the feature `otlp` and a collector is configured.
//!
//! Both variants have the same interface; without the feature its types are empty, and calls cost nothing.

#[cfg(feature = "otlp")]
mod collector;
#[cfg(not(feature = "otlp"))]
mod disabled;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(not(feature = "otlp"))]
pub(crate) use disabled::{Span, Traces};
#[cfg(feature = "otlp")]
pub(crate) use otlp::{Span, Traces};
