//! How much of everything a peer may have, and how long it may take.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The limits; the defaults fit the client that an API server is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of one body. Objects have up to 3 MiB; with the old object and the envelope a review reaches 7.
    pub body: usize,
    /// Bytes of all bodies that are held at one time.
    pub buffered: usize,
    /// Open connections; more wait in the kernel's queue. An API server keeps 25 and opens up to 600 under load.
    pub connections: usize,
    /// Requests that are being answered at one time; more get 429.
    pub requests: usize,
    /// From the connection to the end of the handshake.
    #[serde(serialize_with = "as_text")]
    pub handshake: Duration,
    /// From the handshake, or the first byte of a later request, to the end of a request's head.
    #[serde(serialize_with = "as_text")]
    pub head: Duration,
    /// From one answer to the next request. API servers keep connections for 90 s, and lose the request that meets a
    /// connection on its end.
    #[serde(serialize_with = "as_text")]
    pub idle: Duration,
    /// What every connection gets, however many wait for its seat: for its handshake, for the head of a request, and
    /// from one answer to the next request.
    #[serde(serialize_with = "as_text")]
    pub grace: Duration,
    /// From the head of a request to the end of its body.
    #[serde(serialize_with = "as_text")]
    pub read: Duration,
    /// From the first byte of an answer that waits to the last.
    #[serde(serialize_with = "as_text")]
    pub write: Duration,
    /// The age at which a connection is told to close, more or less, so that new replicas get their share.
    #[serde(serialize_with = "as_text")]
    pub age: Duration,
    /// How long to go on accepting after the signal to end, at least: until everybody has heard of it, which may take
    /// 15 s. That nobody comes proves nothing; kept connections elsewhere are enough until the next burst.
    #[serde(serialize_with = "as_text")]
    pub drain_floor: Duration,
    /// And at most.
    #[serde(serialize_with = "as_text")]
    pub drain_limit: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 8 << 20,
            buffered: 64 << 20,
            connections: 1024,
            requests: 512,
            handshake: Duration::from_secs(8),
            head: Duration::from_secs(9),
            idle: Duration::from_secs(130),
            grace: Duration::from_secs(1),
            read: Duration::from_secs(9),
            write: Duration::from_secs(9),
            age: Duration::from_mins(10),
            drain_floor: Duration::from_secs(20),
            drain_limit: Duration::from_secs(25),
        }
    }
}

fn as_text<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:?}"))
}
