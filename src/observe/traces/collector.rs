//! The HTTP client that sends spans to the collector.

use std::env;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ureq::Agent;

/// A blocking client: its thread does nothing else.
#[derive(Debug)]
pub(super) struct Collector {
    agent: Agent,
    is_failing: AtomicBool,
}

/// For one batch of spans.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The standard name of a file with the authorities of the collector.
const AUTHORITIES: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";

impl Collector {
    pub(super) fn new() -> Result<Collector, String> {
        let file = env::var(AUTHORITIES).ok().filter(|file| !file.is_empty());
        let authorities = file
            .map(|file| {
                multipod_https::authorities(fs::read(&file))
                    .map_err(|why| format!("{AUTHORITIES}={file}: {why}"))
            })
            .transpose()?;
        let config = multipod_https::client(authorities).timeout_global(Some(TIMEOUT)).build();
        Ok(Collector { agent: config.new_agent(), is_failing: AtomicBool::new(false) })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (head, body) = request.into_parts();
        let response = self.agent.run(Request::from_parts(head, &*body))?;
        let (head, mut body) = response.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }

    /// Logs when failures begin and when they end, not for every batch.
    fn report(&self, error: Option<&str>) {
        let was_failing = self.is_failing.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !was_failing => tracing::warn!(error, "traces cannot be sent, and are lost"),
            None if was_failing => tracing::info!("traces are sent again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.send(request);
        let error = match &answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("the collector answers {}", response.status())),
            Err(error) => Some(error.to_string()),
        };
        self.report(error.as_deref());
        answer.map_err(Into::into)
    }
}
