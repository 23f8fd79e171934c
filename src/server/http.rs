//! The webhook's three paths. Every failure here is an HTTP error, which leaves the object to the API server's failure
//! policy; `allowed: false` only ever says something about the object itself.
//!
//! | what | status |
//! |---|---|
//! | another path, another method | 404, 405 |
//! | another media type than JSON, or compressed | 415 |
//! | too large, announced or not | 413 |
//! | broken JSON, not a review | 400 |
//! | the body arrives too slowly | 408 |
//! | a limit is reached | 429 with `Retry-After`, which API servers honour |
//! | not synced yet, what decides about a namespace not known yet, or out of time | 503 with `Retry-After` |
//! | internal error | 500 |

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

use crate::admission::{self, Meter, Reply, ReviewError, Snapshot};
use crate::observe::{self, Span};

use super::Shared;
use super::body::{BodyError, Charged};
use super::deciders::NoDecision;
use super::peer::Peer;
use super::shares::{Share, Source};

/// What decides about a review, by path; benchmarks and tests bring their own.
#[derive(Clone, Copy, Debug)]
pub struct Handlers {
    pub mutate: Handler,
    pub warn: Handler,
    pub validate: Handler,
}

type Handler = for<'b> fn(&'b [u8], &Snapshot, Option<&'b Meter<'b>>) -> Result<Reply<'b>, ReviewError>;

impl Default for Handlers {
    fn default() -> Self {
        Handlers { mutate: admission::mutate, warn: admission::warn, validate: admission::validate }
    }
}

/// The routes, as a value that tests call without a socket.
pub fn router(shared: Arc<Shared>, handlers: Handlers) -> Router {
    Router::new()
        .route("/mutate", endpoint("mutate", handlers.mutate))
        .route("/warn", endpoint("warn", handlers.warn))
        .route("/validate", endpoint("validate", handlers.validate))
        .fallback(async |State(shared): State<Arc<Shared>>| other_path(&shared, &HttpError::NotFound))
        .method_not_allowed_fallback(async |State(shared): State<Arc<Shared>>| {
            other_path(&shared, &HttpError::Method)
        })
        .with_state(shared)
}

fn endpoint(name: &'static str, handler: Handler) -> MethodRouter<Arc<Shared>> {
    post(async move |State(shared): State<Arc<Shared>>, request: Request| {
        shared.touch();
        let span = shared.traces.begin(request.headers());
        Call { shared, name, handler, begun: Instant::now(), span }.answer(request).await
    })
}

fn other_path(shared: &Shared, error: &HttpError) -> Response {
    shared.metrics.failed("other", error.slug(), Duration::ZERO);
    error.response()
}

/// One request, from its head to its answer.
struct Call {
    shared: Arc<Shared>,
    name: &'static str,
    handler: Handler,
    begun: Instant,
    span: Span,
}

/// A review that is there as a whole, and what it holds until it is decided.
struct Whole {
    body: Charged,
    source: Source,
    until: Instant,
    _slot: Share,
}

impl Call {
    async fn answer(self, request: Request) -> Response {
        match self.read(request).await {
            Err(error) => self.failed(&error),
            Ok(review) if review.body.bytes.len() <= self.shared.limits.in_place => {
                self.decide(&review).unwrap_or_else(|error| self.failed(&error))
            }
            Ok(review) => {
                let (call, source, until) = (Arc::new(self), review.source, review.until);
                let deciding = Arc::clone(&call);
                let decision = move || deciding.decide(&review);
                let decided = call.shared.deciders.run(source, until.into(), decision).await;
                decided.map_err(HttpError::from).flatten().unwrap_or_else(|error| call.failed(&error))
            }
        }
    }

    async fn read(&self, mut request: Request) -> Result<Whole, HttpError> {
        let Call { shared, begun, .. } = self;
        let peer: Peer = request.extensions_mut().remove().unwrap_or_default();
        check(request.headers(), shared.limits.body)?;
        if !shared.snapshot.load().is_ready() {
            return Err(HttpError::NotReady);
        }
        let until = *begun + budget(request.uri().query());
        let read_until = until.min(*begun + shared.limits.read);
        let body = shared.bodies.read(request.into_body(), shared.limits.body, &peer, read_until.into());
        let body = body.await?;
        // From here on it is us who owe something.
        peer.clock.whole();
        let source = peer.source;
        let slot = shared.requests.take(source, 1).ok_or(HttpError::Overloaded)?;
        Ok(Whole { body, source, until, _slot: slot })
    }

    fn decide(&self, Whole { body, until, .. }: &Whole) -> Result<Response, HttpError> {
        let Call { shared, name, handler, begun, span } = self;
        // Taken once, so that one decision never mixes two snapshots.
        let snapshot = shared.snapshot.load();
        let is_over = || Instant::now() > *until;
        let meter = Meter::new(&is_over);
        let Ok(reply) = catch_unwind(AssertUnwindSafe(|| handler(&body.bytes, &snapshot, Some(&meter))))
        else {
            shared.metrics.panics.inc();
            return Err(HttpError::Panic);
        };
        let reply = reply.map_err(HttpError::ReviewError)?;
        let took = begun.elapsed();
        if *begun + took > *until {
            return Err(HttpError::OutOfTime);
        }
        shared.metrics.decided(name, &reply.record, took);
        observe::decision(name, &reply.record, took);
        if shared.page.is_some() {
            shared.refused.decided(&reply.record);
        }
        span.decided(&shared.traces, name, &reply.record, took);
        let mut response = Response::new(Body::from(reply.body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }

    fn failed(&self, error: &HttpError) -> Response {
        let Call { shared, name, span, begun, .. } = self;
        let took = begun.elapsed();
        shared.metrics.failed(name, error.slug(), took);
        span.failed(&shared.traces, name, error.slug(), took);
        observe::failure(name, error.slug(), error.status().is_server_error());
        error.response()
    }
}

/// What the head alone decides.
fn check(headers: &HeaderMap, limit: usize) -> Result<(), HttpError> {
    let is_json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
    });
    let is_plain =
        headers.get(CONTENT_ENCODING).is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if !is_json || !is_plain {
        return Err(HttpError::MediaType);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit)) {
        return Err(HttpError::TooLarge);
    }
    Ok(())
}

/// How long the API server waits, minus the time for the way back.
fn budget(query: Option<&str>) -> Duration {
    const DEFAULT: Duration = Duration::from_secs(10);
    const RESERVE: Duration = Duration::from_millis(500);
    let text =
        query.into_iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("timeout="));
    let asked = text.and_then(seconds).unwrap_or(DEFAULT);
    asked.clamp(Duration::from_secs(1), Duration::from_secs(30)).saturating_sub(RESERVE)
}

/// `5s`, `2.5s` or `1m30s`, as Go prints durations of a second and more.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.strip_suffix('s')?;
    let (minutes, seconds) = text.split_once('m').unwrap_or(("0", text));
    let seconds = f64::from(minutes.parse::<u16>().ok()?) * 60.0 + seconds.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Why a request gets an HTTP error instead of a decision.
#[derive(Debug)]
enum HttpError {
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
    ReviewError(ReviewError),
}

impl HttpError {
    const fn slug(&self) -> &'static str {
        match self {
            HttpError::NotFound => "not_found",
            HttpError::Method => "method",
            HttpError::MediaType => "media_type",
            HttpError::TooLarge => "body_too_large",
            HttpError::TooSlow => "too_slow",
            HttpError::Broken => "broken_body",
            HttpError::Overloaded => "overloaded",
            HttpError::NotReady => "not_ready",
            HttpError::OutOfTime => "out_of_time",
            HttpError::Panic => "panic",
            HttpError::ReviewError(fault) => fault.slug(),
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            HttpError::NotFound => StatusCode::NOT_FOUND,
            HttpError::Method => StatusCode::METHOD_NOT_ALLOWED,
            HttpError::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            HttpError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            HttpError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            HttpError::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            HttpError::NotReady
            | HttpError::OutOfTime
            | HttpError::ReviewError(ReviewError::NotYet | ReviewError::OutOfTime) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            HttpError::Panic | HttpError::ReviewError(ReviewError::Internal(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            HttpError::Broken | HttpError::ReviewError(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn text(&self) -> String {
        match self {
            HttpError::NotFound => "there are three paths here: /mutate, /warn and /validate".to_owned(),
            HttpError::Method => "send reviews with POST".to_owned(),
            HttpError::MediaType => "expected application/json, not compressed".to_owned(),
            HttpError::TooLarge => "the body is too large".to_owned(),
            HttpError::TooSlow => "the body came too slowly".to_owned(),
            HttpError::Broken => "the body could not be read to its end".to_owned(),
            HttpError::Overloaded => "too much at one time; try again in a second".to_owned(),
            HttpError::NotReady => "not ready yet; try again in a second".to_owned(),
            HttpError::OutOfTime => "there was no time left to answer".to_owned(),
            HttpError::Panic => "multipod failed on this review; its log says where".to_owned(),
            HttpError::ReviewError(fault) => fault.to_string(),
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
        // A body that was not read to its end would block the next request; under load, or before this replica is ready,
        // the next attempt should reach another one; and a client that sends no reviews needs no connection to keep.
        if !matches!(self, HttpError::Panic | HttpError::ReviewError(ReviewError::Internal(_))) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<BodyError> for HttpError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => HttpError::TooLarge,
            BodyError::TooSlow => HttpError::TooSlow,
            BodyError::Overloaded => HttpError::Overloaded,
            BodyError::Broken => HttpError::Broken,
        }
    }
}

impl From<NoDecision> for HttpError {
    fn from(none: NoDecision) -> Self {
        match none {
            NoDecision::OutOfTime => HttpError::OutOfTime,
            NoDecision::Panic => HttpError::Panic,
        }
    }
}

#[cfg(test)]
mod tests {
    use multipod_engine::inject::{DenyReason, SkipReason};

    use super::*;

    /// One label of the metrics holds all of them.
    #[test]
    fn an_error_has_no_slug_of_a_refusal() {
        let errors = [
            HttpError::NotFound,
            HttpError::Method,
            HttpError::MediaType,
            HttpError::TooLarge,
            HttpError::TooSlow,
            HttpError::Broken,
            HttpError::Overloaded,
            HttpError::NotReady,
            HttpError::OutOfTime,
            HttpError::Panic,
            HttpError::ReviewError(ReviewError::NotAReview),
            HttpError::ReviewError(ReviewError::NotText(0)),
            HttpError::ReviewError(ReviewError::NotYet),
            HttpError::ReviewError(ReviewError::Internal(String::new())),
        ];
        for error in errors {
            let slug = error.slug();
            assert!(DenyReason::ALL.iter().all(|reason| reason.slug() != slug), "{slug}");
            assert!(SkipReason::ALL.iter().all(|reason| reason.slug() != slug), "{slug}");
        }
    }

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
