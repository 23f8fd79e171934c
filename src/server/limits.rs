//! How much a peer may take of everything, and for how long.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The limits; the defaults fit the client that an API server is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of one body. Objects have up to 3 MiB; with the old object and the envelope a review reaches 7.
    pub body: usize,
    /// Bytes of all bodies in memory at one time.
    pub buffered: usize,
    /// Open connections; more wait in the kernel's queue. An API server keeps 25 and opens up to 600 under load.
    pub connections: usize,
    /// Requests in flight; more get 429.
    pub requests: usize,
    /// From the connection to the end of the handshake.
    #[serde(serialize_with = "as_text")]
    pub handshake: Duration,
    /// From the handshake, or the first byte of a later request, to the end of a request's head.
    #[serde(serialize_with = "as_text")]
    pub head: Duration,
    /// From one answer to the next request. API servers keep idle connections for 90 s, and lose a request that they send
    /// while the connection is being closed.
    #[serde(serialize_with = "as_text")]
    pub idle: Duration,
    /// What every connection gets before it is evicted, however many wait for its slot: for its handshake, for the head
    /// of a request, and from one answer to the next request.
    #[serde(serialize_with = "as_text")]
    pub grace: Duration,
    /// From the head of a request to the end of its body.
    #[serde(serialize_with = "as_text")]
    pub read: Duration,
    /// From the first to the last byte of an answer that the peer does not take at once.
    #[serde(serialize_with = "as_text")]
    pub write: Duration,
    /// The age at which a connection is asked to close, give or take a tenth, so that new replicas get their share.
    #[serde(serialize_with = "as_text")]
    pub age: Duration,
    /// How long to go on accepting after the signal to end, at least. It may take 15 s until every client has heard of it,
    /// and silence proves nothing: connections to other replicas are enough until the next burst.
    #[serde(serialize_with = "as_text")]
    pub drain_floor: Duration,
    /// How long to go on accepting after the signal to end, at most.
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
