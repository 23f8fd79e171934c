//! Traces: one span for each review, if multipod was built to send them and somebody said where to.
//!
//! Both ways to build it have the same face; without the feature everything here is nothing, and costs nothing.

#[cfg(feature = "otlp")]
mod collector;
#[cfg(not(feature = "otlp"))]
mod nothing;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(not(feature = "otlp"))]
pub use nothing::{Span, Traces};
#[cfg(feature = "otlp")]
pub use otlp::{Span, Traces};
