//! Spans of reviews, on their way to an OpenTelemetry collector.

use std::env;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::admission::Record;
use crate::observe::logs::short;

use super::collector::Collector;

/// Sends spans, if a collector is configured. It has a thread and a queue of its own: spans that do not fit into the queue
/// are dropped, and no answer ever waits.
#[derive(Debug, Default)]
pub struct Traces(Option<Sending>);

#[derive(Debug)]
struct Sending {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// The span of a review that is being answered.
#[derive(Debug)]
pub struct Span(Option<Context>);

/// For the spans that are left at the end.
const LAST_SPANS: Duration = Duration::from_secs(3);
/// The standard names, the first that is set counts.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

impl Traces {
    /// Sends to this collector, or else to the one in the standard environment variables.
    pub fn start(endpoint: Option<&str>) -> Result<Traces, String> {
        let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_off = env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        if is_off || (endpoint.is_none() && !ENDPOINTS.iter().any(is_set)) {
            return Ok(Traces(None));
        }
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(Collector::new()?);
        if let Some(endpoint) = endpoint {
            exporter = exporter.with_endpoint(below(endpoint)?);
        }
        let exporter = exporter.build().map_err(|error| format!("traces: {error}"))?;
        // The standard variables configure sampling, the queue and its pace (OTEL_TRACES_SAMPLER, OTEL_BSP_…).
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
        let tracer = provider.tracer("multipod");
        Ok(Traces(Some(Sending { provider, tracer })))
    }

    /// Called before a review is read; its span belongs to the trace of the API server's request, if there is one.
    pub fn begin(&self, headers: &HeaderMap) -> Span {
        let parent = |_: &Sending| {
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Parent(headers))
        };
        Span(self.0.as_ref().map(parent))
    }

    /// Sends the spans that are left, within a time limit.
    pub fn end(&self) {
        if let Some(Sending { provider, .. }) = &self.0
            && let Err(error) = provider.shutdown_with_timeout(LAST_SPANS)
        {
            tracing::warn!(%error, "the last traces may be lost");
        }
    }
}

impl Span {
    /// Sends the span of a review that was answered. These attributes are all that is ever sent of it.
    pub fn decided(&self, traces: &Traces, endpoint: &'static str, record: &Record<'_>, took: Duration) {
        let (Some(sending), Some(parent)) = (&traces.0, &self.0) else { return };
        let text = |text: &str| short(text).into_owned();
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let patterns: Vec<&str> = record.patterns.iter().map(|pattern| &**pattern).collect();
        let attributes = [
            KeyValue::new("multipod.endpoint", endpoint),
            KeyValue::new("multipod.uid", text(&record.uid)),
            KeyValue::new("multipod.namespace", text(&record.namespace)),
            KeyValue::new("multipod.name", text(&record.name)),
            KeyValue::new("multipod.owner", text(&record.owner_kind)),
            KeyValue::new("multipod.outcome", record.outcome.slug()),
            KeyValue::new("multipod.reason", record.reason),
            KeyValue::new("multipod.patterns", patterns.join(",")),
            KeyValue::new("multipod.patch_bytes", count(record.patch_bytes)),
            KeyValue::new("multipod.warnings", count(record.warnings)),
            KeyValue::new("multipod.dry_run", record.dry_run),
        ];
        sending.send(parent, endpoint, attributes, Status::Unset, took);
    }

    /// Sends the span of a request that got an HTTP error instead.
    pub fn failed(&self, traces: &Traces, endpoint: &'static str, reason: &'static str, took: Duration) {
        let (Some(sending), Some(parent)) = (&traces.0, &self.0) else { return };
        let attributes = [
            KeyValue::new("multipod.endpoint", endpoint),
            KeyValue::new("multipod.outcome", "error"),
            KeyValue::new("multipod.reason", reason),
        ];
        sending.send(parent, endpoint, attributes, Status::error(reason), took);
    }
}

impl Sending {
    fn send(
        &self,
        parent: &Context,
        name: &'static str,
        attributes: impl IntoIterator<Item = KeyValue>,
        status: Status,
        took: Duration,
    ) {
        let now = SystemTime::now();
        let begun = now.checked_sub(took).unwrap_or(now);
        let span = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_start_time(begun);
        let mut span = span.with_attributes(attributes).start_with_context(&self.tracer, parent);
        span.set_status(status);
        span.end_with_timestamp(now);
    }
}

/// The one header that says which trace a request belongs to; `tracestate` and `baggage` may carry any text.
struct Parent<'a>(&'a HeaderMap);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        if key == "traceparent" { self.0.get(key)?.to_str().ok() } else { None }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// The URL for traces below an endpoint, as for `OTEL_EXPORTER_OTLP_ENDPOINT`.
fn below(endpoint: &str) -> Result<String, String> {
    let is_http = ["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme));
    if !is_http {
        return Err(format!("--otlp-endpoint {endpoint}: expected http://HOST:PORT or https://HOST:PORT"));
    }
    // `/config` shows the endpoint.
    if endpoint.contains('@') {
        return Err(
            "--otlp-endpoint: expected no user and password; put them into OTEL_EXPORTER_OTLP_HEADERS"
                .to_owned(),
        );
    }
    Ok(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
}

/// This service's attributes, where the standard variables do not set them.
fn resource() -> Resource {
    const NAME: &str = "service.name";
    let standard = Resource::builder().build();
    let is_named =
        standard.get(&NAME.into()).is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let builder = Resource::builder().with_attribute(version);
    if is_named { builder.build() } else { builder.with_service_name("multipod").build() }
}
