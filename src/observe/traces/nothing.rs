//! multipod without traces.

use std::time::Duration;

use http::HeaderMap;

use crate::admission::Record;

/// There are none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traces(());

/// Nothing of a review.
#[derive(Clone, Copy, Debug)]
pub struct Span;

#[allow(clippy::unused_self, clippy::trivially_copy_pass_by_ref)] // As they are where there is something.
impl Traces {
    /// An error where somebody wants some.
    pub fn start(endpoint: Option<&str>) -> Result<Traces, String> {
        match endpoint {
            None => Ok(Traces(())),
            Some(_) => {
                Err("--otlp-endpoint: this multipod was built without traces (the cargo feature otlp)"
                    .to_owned())
            }
        }
    }

    /// Nothing begins.
    pub fn begin(&self, _: &HeaderMap) -> Span {
        Span
    }

    /// Nothing ends.
    pub fn end(&self) {}
}

#[allow(clippy::unused_self, clippy::trivially_copy_pass_by_ref)] // As they are where there is something.
impl Span {
    /// Nothing is told of a review.
    pub fn decided(&self, _: &Traces, _: &'static str, _: &Record<'_>, _: Duration) {}

    /// Nor of a failure.
    pub fn failed(&self, _: &Traces, _: &'static str, _: &'static str, _: Duration) {}
}
