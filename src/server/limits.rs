//! The limits of the server: how much a client may use, and for how long.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::Range;

/// The limits; the defaults fit the client that an API server is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of one body: 28 MiB, the largest review that an API server sends of an object that it accepts.
    ///
    /// It reads 3 MiB of an object, and writes each `<`, `>` and `&` of it as six bytes (`\u003c`): 18 MiB. An update
    /// also holds the old object, of which etcd has kept 1.5 MiB at most: 9 MiB. The last one is for the envelope, and for
    /// defaults that the API server has filled in.
    pub body: usize,
    /// Bytes of all bodies in memory at one time.
    pub buffered: usize,
    /// Open connections; more wait. An API server keeps 25 and opens up to 600 under load.
    pub connections: usize,
    /// Whole requests in flight; more get 429.
    pub requests: usize,
    /// Bytes of a body up to which the thread that has read it decides; it is nearly every review, and takes microseconds.
    pub in_place: usize,
    /// Threads for decisions about larger bodies.
    pub deciders: usize,
    /// Where API servers come from: what others have never makes them wait, however many of them share an address.
    pub api_servers: Vec<Range>,
    /// Whether clients have to show a certificate.
    pub client_certificates: bool,
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
    /// What every connection gets before it is evicted, however many wait for its slot: for the head of a request, for its
    /// body, and from one answer to the next request; a quarter of it for a handshake. Also how long a body may
    /// stand still before it is cut for another one that needs its room.
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
            body: 28 << 20,
            buffered: 64 << 20,
            connections: 1024,
            requests: 512,
            in_place: 64 << 10,
            deciders: available_parallelism().map_or(1, NonZero::get),
            api_servers: Vec::new(),
            client_certificates: false,
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

impl Limits {
    /// Whether some clients can be told from strangers; half of everything is theirs then.
    pub(super) fn knows_clients(&self) -> bool {
        self.client_certificates || !self.api_servers.is_empty()
    }
}

fn as_text<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:?}"))
}
