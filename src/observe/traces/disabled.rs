//! Traces of a program that was built without the feature `otlp`.

use std::time::Duration;

use http::HeaderMap;

use crate::admission::Record;

#[derive(Clone, Copy, Debug, Default)]
pub struct Traces(());

#[derive(Clone, Copy, Debug)]
pub struct Span;

#[allow(clippy::unused_self, clippy::trivially_copy_pass_by_ref)] // The signatures are those of the variant with the feature.
impl Traces {
    /// An error if a collector is configured.
    pub fn start(endpoint: Option<&str>) -> Result<Traces, String> {
        match endpoint {
            None => Ok(Traces(())),
            Some(_) => {
                Err("--otlp-endpoint: this multipod was built without traces (the cargo feature otlp)"
                    .to_owned())
            }
        }
    }

    pub fn begin(&self, _: &HeaderMap) -> Span {
        Span
    }

    pub fn end(&self) {}
}

#[allow(clippy::unused_self, clippy::trivially_copy_pass_by_ref)] // The signatures are those of the variant with the feature.
impl Span {
    pub fn decided(&self, _: &Traces, _: &'static str, _: &Record<'_>, _: Duration) {}

    pub fn failed(&self, _: &Traces, _: &'static str, _: &'static str, _: Duration) {}
}
