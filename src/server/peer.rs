//! The client of a connection: its address, and whether it is known.

use std::sync::{Arc, OnceLock};

use super::shares::{Share, Source};
use super::timed::Clock;

/// Who is at the other end of a connection, and what it owes; travels with each request.
#[derive(Clone, Debug)]
pub struct Peer {
    pub(super) source: Source,
    pub(super) clock: Arc<Clock>,
    /// What it keeps for as long as it is connected, whatever it was asked for before.
    pub(super) keeps: Arc<OnceLock<Share>>,
}

impl Peer {
    pub(super) fn new(source: Source) -> Peer {
        Peer { source, clock: Clock::new(), keeps: Arc::default() }
    }
}

/// Where nobody counts what a peer takes.
impl Default for Peer {
    fn default() -> Self {
        Peer::new(Source::default())
    }
}
