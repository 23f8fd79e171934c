//! The webhook's two paths. Whatever goes wrong here is an HTTP error, which leaves the object to the API server's
//! failure policy; only a decision about an object is an answer.
//!
//! | what | status |
//! |---|---|
//! | another path, another method | 404, 405 |
//! | no JSON by its media type, or compressed | 415 |
//! | too large; announced or not | 413 |
//! | broken JSON, no review | 400 |
//! | the body came too slowly | 408 |
//! | too much at one time | 429 with `Retry-After`, which API servers honour |
//! | not synced yet, a namespace not known yet, or out of time | 503 with `Retry-After` |
//! | our own fault | 500 |

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::timeout_at;

use crate::admission::{self, Fault, Reply, Snapshot};
use crate::observe::{self, Span};

use super::Shared;
use super::body::{self, BodyError};

/// What answers the bodies of requests.
#[derive(Clone, Copy, Debug)]
pub struct Handlers {
    /// For `/mutate`.
    pub mutate: Handler,
    /// For `/warn`.
    pub warn: Handler,
}

type Handler = for<'b> fn(&'b [u8], &Snapshot) -> Result<Reply<'b>, Fault>;

impl Default for Handlers {
    fn default() -> Self {
        Handlers { mutate: admission::mutate, warn: admission::warn }
    }
}

/// The paths, as a value that can be asked without a socket.
pub fn router(shared: Arc<Shared>, handlers: Handlers) -> Router {
    Router::new()
        .route("/mutate", endpoint("mutate", handlers.mutate))
        .route("/warn", endpoint("warn", handlers.warn))
        .fallback(async |State(shared): State<Arc<Shared>>| elsewhere(&shared, &Problem::NotFound))
        .method_not_allowed_fallback(async |State(shared): State<Arc<Shared>>| {
            elsewhere(&shared, &Problem::Method)
        })
        .with_state(shared)
}

fn endpoint(name: &'static str, handler: Handler) -> MethodRouter<Arc<Shared>> {
    post(async move |State(shared): State<Arc<Shared>>, request: Request| {
        let begun = Instant::now();
        shared.touch();
        let span = shared.traces.begin(request.headers());
        let answer = review(&shared, name, handler, request, begun, &span).await;
        answer.unwrap_or_else(|problem| {
            let took = begun.elapsed();
            shared.metrics.failed(name, problem.slug(), took);
            span.failed(&shared.traces, name, problem.slug(), took);
            observe::failure(name, problem.slug(), problem.status().is_server_error());
            problem.response()
        })
    })
}

fn elsewhere(shared: &Shared, problem: &Problem) -> Response {
    shared.metrics.failed("other", problem.slug(), Duration::ZERO);
    problem.response()
}

async fn review(
    shared: &Shared,
    name: &'static str,
    handler: Handler,
    request: Request,
    begun: Instant,
    span: &Span,
) -> Result<Response, Problem> {
    let _in_flight = shared.requests.take(1).ok_or(Problem::Overloaded)?;
    check(request.headers(), shared.limits.body)?;
    if !shared.snapshot.load().synced {
        return Err(Problem::NotReady);
    }
    let until = begun + budget(request.uri().query());
    let read_until = until.min(begun + shared.limits.read);
    let body = body::read(request.into_body(), shared.limits.body, &shared.buffered);
    let body = timeout_at(read_until.into(), body).await.map_err(|_| Problem::TooSlow)??;

    // Taken once, so that one decision never sees two worlds.
    let snapshot = shared.snapshot.load();
    let Ok(reply) = catch_unwind(AssertUnwindSafe(|| handler(&body.bytes, &snapshot))) else {
        shared.metrics.panics.inc();
        return Err(Problem::Panic);
    };
    let reply = reply.map_err(Problem::Fault)?;
    let took = begun.elapsed();
    if begun + took > until {
        return Err(Problem::OutOfTime);
    }
    shared.metrics.decided(name, &reply.record, took);
    observe::decision(name, &reply.record, took);
    span.decided(&shared.traces, name, &reply.record, took);
    let mut response = Response::new(Body::from(reply.body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// What can be told from the head alone.
fn check(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let is_json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
    });
    let is_plain =
        headers.get(CONTENT_ENCODING).is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if !is_json || !is_plain {
        return Err(Problem::MediaType);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit)) {
        return Err(Problem::TooLarge);
    }
    Ok(())
}

/// The API server's whole patience, less what the way back takes.
fn budget(query: Option<&str>) -> Duration {
    const DEFAULT: Duration = Duration::from_secs(10);
    const RESERVE: Duration = Duration::from_millis(500);
    let text =
        query.into_iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("timeout="));
    let asked = text.and_then(seconds).unwrap_or(DEFAULT);
    asked.clamp(Duration::from_secs(1), Duration::from_secs(30)).saturating_sub(RESERVE)
}

/// `5s`, `2.5s` or `1m30s`, as Go writes durations of a second and more.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.strip_suffix('s')?;
    let (minutes, seconds) = text.split_once('m').unwrap_or(("0", text));
    let seconds = f64::from(minutes.parse::<u16>().ok()?) * 60.0 + seconds.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Why there is no answer to a review.
#[derive(Debug)]
enum Problem {
    NotFound,
    Method,
    MediaType,
    TooLarge,
    TooSlow,
    Broken,
    Overloaded,
    NotReady,
    OutOfTime,
    Panic,
    Fault(Fault),
}

impl Problem {
    const fn slug(&self) -> &'static str {
        match self {
            Problem::NotFound => "not_found",
            Problem::Method => "method",
            Problem::MediaType => "media_type",
            Problem::TooLarge => "too_large",
            Problem::TooSlow => "too_slow",
            Problem::Broken => "broken_body",
            Problem::Overloaded => "overloaded",
            Problem::NotReady => "not_ready",
            Problem::OutOfTime => "out_of_time",
            Problem::Panic => "panic",
            Problem::Fault(fault) => fault.slug(),
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::Method => StatusCode::METHOD_NOT_ALLOWED,
            Problem::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Problem::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Problem::NotReady | Problem::OutOfTime | Problem::Fault(Fault::NamespaceUnknown) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Problem::Panic | Problem::Fault(Fault::Internal(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Problem::Broken | Problem::Fault(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn text(&self) -> String {
        match self {
            Problem::NotFound => "there are two paths here: /mutate and /warn".to_owned(),
            Problem::Method => "send reviews with POST".to_owned(),
            Problem::MediaType => "expected application/json, not compressed".to_owned(),
            Problem::TooLarge => "the body is too large".to_owned(),
            Problem::TooSlow => "the body came too slowly".to_owned(),
            Problem::Broken => "the body could not be read to its end".to_owned(),
            Problem::Overloaded => "too much at one time; try again in a second".to_owned(),
            Problem::NotReady => "not ready yet; try again in a second".to_owned(),
            Problem::OutOfTime => "there was no time left to answer".to_owned(),
            Problem::Panic => "multipod failed on this review; its log says where".to_owned(),
            Problem::Fault(fault) => fault.to_string(),
        }
    }

    fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.text() + "\n"));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        let again = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&self.status());
        if again {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // A body that was not read to its end stands in the way of the next request; under load, or before we are ready,
        // the next attempt should find its way to another replica; and who sends no reviews needs no connection to keep.
        if !matches!(self, Problem::Panic | Problem::Fault(Fault::Internal(_))) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Problem::TooLarge,
            BodyError::Overloaded => Problem::Overloaded,
            BodyError::Broken => Problem::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_the_timeout_less_half_a_second_within_bounds() {
        for (query, millis) in [
            (None, 9500),
            (Some("timeout=5s"), 4500),
            (Some("a=b&timeout=2.5s"), 2000),
            (Some("timeout=1m30s"), 29_500),
            (Some("timeout=500ms"), 9500),
            (Some("timeout=0s"), 500),
            (Some("timeout=-3s"), 9500),
            (Some("timeout=1e300s"), 9500),
            (Some("timeout=NaNs"), 9500),
            (Some("timeout="), 9500),
        ] {
            assert_eq!(budget(query).as_millis(), millis, "{query:?}");
        }
    }
}
