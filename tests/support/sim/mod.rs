//! A client that behaves as an API server does: HTTP/1.1 over TLS to a Service by its name, a few connections that are
//! kept for a while, no second try for a request that was lost, and another try for whoever says `Retry-After`.
#![allow(clippy::print_stdout)] // What was measured is told.

pub mod bad;
pub mod cgroup;
pub mod flood;
pub mod large;
pub mod load;
pub mod replica;
pub mod service;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::support::reviews::{pod, verify};
use crate::support::running::client;
use service::Service;

/// What the Service is called: the name in every handshake and every `host`.
pub const NAME: &str = "multipod.multipod.svc";
/// The uid that every call exchanges for one of its own.
const ANY_UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

const MOST_IDLE: usize = 25;
const KEPT: Duration = Duration::from_secs(90);
const MOST_RETRIES: u32 = 10;

/// An API server.
pub struct Sim {
    service: Arc<Service>,
    tls: TlsConnector,
    idle: Mutex<Vec<Idle>>,
    calls: AtomicU64,
    pub connects: AtomicU64,
    /// Answers that said when to come again.
    pub told_to_wait: AtomicU64,
}

struct Idle {
    http: Http,
    since: Instant,
}

type Http = SendRequest<Full<Bytes>>;

/// Why the failure policy would have to decide, or the user would see a 500.
#[derive(Debug)]
#[allow(dead_code, reason = "what they hold is shown by Debug")]
pub enum Failure {
    /// Nobody answered the door.
    Connect(String),
    /// The request was sent, and its connection is gone.
    Lost(String),
    TimedOut,
    Status(StatusCode, String),
    /// The answer is none to this request, or its patch does not apply.
    Answer(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Sim {
    pub fn new(service: Arc<Service>, authority: &str) -> Arc<Sim> {
        Arc::new(Sim {
            service,
            tls: TlsConnector::from(Arc::new(client(authority))),
            idle: Mutex::default(),
            calls: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            told_to_wait: AtomicU64::new(0),
        })
    }

    /// Has a pod admitted that asks for a proxy, within a time that counts for all attempts together. The pod as it would
    /// be stored.
    pub async fn admit(&self, time: Duration) -> Result<Value, Failure> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let uid = format!("{call:08x}-6393-11e8-b7cc-42010a800002");
        let mut review = pod(&json!({"multipod/ambassador": "80:8775"}));
        assert_eq!(review["request"]["uid"], ANY_UID);
        review["request"]["uid"] = json!(uid);
        let path = format!("/mutate?timeout={}s", time.as_secs());
        let body = Bytes::from(review.to_string());
        let answer = timeout(time, self.post(&path, &body)).await.map_err(|_| Failure::TimedOut)??;
        stored(&review, &uid, &answer).map_err(Failure::Answer)
    }

    async fn post(&self, path: &str, body: &Bytes) -> Result<Bytes, Failure> {
        let mut retries = 0;
        loop {
            let (http, response) = self.send(path, body).await?;
            let status = response.status();
            let wait =
                response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let closes = response.headers().get("connection").is_some_and(|value| value == "close");
            let answer =
                response.into_body().collect().await.map_err(|error| Failure::Lost(describe(&error)))?;
            if !closes {
                self.keep(http);
            }
            let answer = answer.to_bytes();
            match wait {
                _ if status.is_success() => return Ok(answer),
                Some(seconds) if retries < MOST_RETRIES && may_retry(status) => {
                    retries += 1;
                    self.told_to_wait.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_secs(seconds)).await;
                }
                _ => return Err(Failure::Status(status, String::from_utf8_lossy(&answer).into_owned())),
            }
        }
    }

    /// Sends a request once. Only if a kept connection turns out to be closed before a byte was written, another one is
    /// taken; what was written and not answered is lost.
    async fn send(
        &self,
        path: &str,
        body: &Bytes,
    ) -> Result<(Http, Response<hyper::body::Incoming>), Failure> {
        let mut request = Request::post(path)
            .header("host", NAME)
            .header("content-type", "application/json")
            .header("accept", "application/json, */*")
            .header("accept-encoding", "gzip")
            .header("user-agent", "kube-apiserver-admission")
            .body(Full::new(body.clone()))
            .map_err(|error| Failure::Answer(describe(&error)))?;
        while let Some(mut http) = self.kept() {
            if http.ready().await.is_err() {
                continue;
            }
            match http.try_send_request(request).await {
                Ok(response) => return Ok((http, response)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Failure::Lost(describe(&error.into_error()))),
                },
            }
        }
        let mut http = self.connect().await.map_err(|error| Failure::Connect(describe(&*error)))?;
        let response = http.send_request(request).await.map_err(|error| Failure::Lost(describe(&error)))?;
        Ok((http, response))
    }

    async fn connect(&self) -> Result<Http, Box<dyn std::error::Error + Send + Sync>> {
        self.connects.fetch_add(1, Ordering::Relaxed);
        let tcp = TcpStream::connect(self.service.any()).await?;
        tcp.set_nodelay(true)?;
        let tls = self.tls.connect(ServerName::try_from(NAME)?, tcp).await?;
        let (http, connection) = handshake(TokioIo::new(tls)).await?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(http)
    }

    /// The connection that was used last.
    fn kept(&self) -> Option<Http> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < KEPT && !idle.http.is_closed());
        idle.pop().map(|idle| idle.http)
    }

    fn keep(&self, http: Http) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(Idle { http, since: Instant::now() });
        }
    }
}

fn may_retry(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// The pod as the API server would store it.
fn stored(review: &Value, uid: &str, answer: &[u8]) -> Result<Value, String> {
    let verdict = verify(answer, uid)?;
    if !verdict.allowed {
        return Err(format!("refused: {}", verdict.message));
    }
    let mut object = review["request"]["object"].clone();
    let patch: json_patch::Patch =
        serde_json::from_value(verdict.patch.ok_or("no patch")?).map_err(|error| error.to_string())?;
    json_patch::patch(&mut object, &patch).map_err(|error| error.to_string())?;
    Ok(object)
}

/// An error with its causes.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
