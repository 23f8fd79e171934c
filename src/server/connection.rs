//! HTTP on one connection.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::pin;
use tokio::sync::watch;
use tokio::time::{timeout, timeout_at};
use tower::Service;

use super::Shared;
use super::peer::Peer;
use super::timed::Timed;

/// The version of HTTP on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// 1.1 and 1.0.
    Http1,
    /// From its preface on.
    Http2,
}

/// The largest head of a request, and how much of a body is read at once.
const READ_BUFFER: usize = 16 * 1024;
/// How long answers may still take once a connection is closing.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// What answers on the connections of one port.
#[derive(Clone, Debug)]
pub struct HttpService {
    pub router: Router,
    pub shared: Arc<Shared>,
    /// What every connection gets before it is evicted.
    pub grace: Duration,
    /// True once idle connections should close.
    pub closing: watch::Receiver<bool>,
}

/// Serves a connection until it ends; true where nothing went wrong.
pub async fn serve<S>(stream: S, protocol: Protocol, peer: Peer, service: HttpService) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let HttpService { router, shared, grace, mut closing } = service;
    let clock = Arc::clone(&peer.clock);
    clock.shaken(protocol == Protocol::Http1);
    let io = TokioIo::new(Timed::new(stream, Arc::clone(&clock), &shared.limits, grace));
    let old_at = Instant::now() + jittered(shared.limits.age);
    let service = service_fn(move |mut request: Request<Incoming>| {
        peer.clock.begins();
        let (clock, shared) = (Arc::clone(&peer.clock), Arc::clone(&shared));
        request.extensions_mut().insert(peer.clone());
        let answer = router.clone().call(request.map(Body::new));
        async move {
            let mut response: Response = answer.await?;
            // Sent with an answer, so that the client never sends a request into a connection that closes.
            if protocol == Protocol::Http1 && (shared.is_draining() || Instant::now() > old_at) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            clock.answered();
            Ok::<_, Infallible>(response)
        }
    });
    // Not hyper's builder that detects the protocol: it waits for a first byte without a timeout.
    match protocol {
        Protocol::Http1 => {
            let connection = http1().serve_connection(io, service);
            pin!(connection);
            tokio::select! {
                result = connection.as_mut() => return result.is_ok(),
                () = closes(&mut closing) => {}
                waits = clock.evicted(grace) => if waits.is_owed() { return false },
            }
            connection.as_mut().graceful_shutdown();
            timeout(LAST_ANSWERS, connection).await.is_ok_and(|result| result.is_ok())
        }
        Protocol::Http2 => {
            let connection = http2().serve_connection(io, service);
            pin!(connection);
            tokio::select! {
                result = connection.as_mut() => return result.is_ok(),
                _ = timeout_at(old_at.into(), closes(&mut closing)) => {}
                waits = clock.evicted(grace) => if waits.is_owed() { return false },
            }
            connection.as_mut().graceful_shutdown();
            timeout(LAST_ANSWERS, connection).await.is_ok_and(|result| result.is_ok())
        }
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_buf_size(READ_BUFFER).max_headers(64);
    builder
}

/// Everything that a peer can accumulate has a limit: streams, heads, and streams that are opened only to be reset, by
/// the peer or because of its errors.
fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(16 * 1024)
        .max_pending_accept_reset_streams(16)
        .max_local_error_reset_streams(64)
        .max_send_buf_size(64 * 1024)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

async fn closes(closing: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is the same.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Up to a tenth more or less, so that connections that were opened together do not close together.
fn jittered(time: Duration) -> Duration {
    let chance = u32::try_from(RandomState::new().hash_one(0) % 201).unwrap_or(100);
    time * (900 + chance) / 1000
}
