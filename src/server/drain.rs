//! How a server ends without losing a request.
//!
//! A terminating replica still gets connections until every client has heard of its end. So readiness fails at once, every
//! answer asks the client to close its connection, and the port stays open until no request arrives any more.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Shared;

const POLL: Duration = Duration::from_millis(50);

/// Waits until the server has been idle for the drain floor, or the drain limit is reached.
pub(super) async fn until_idle(shared: &Shared) {
    let begun = Instant::now();
    let (floor, limit) = (shared.limits.drain_floor, shared.limits.drain_limit);
    shared.start_draining();
    tracing::info!("draining; a second signal ends it at once");
    loop {
        let waited = begun.elapsed();
        if waited >= limit || (waited >= floor && shared.idle_for() >= floor) {
            return;
        }
        sleep(POLL.min(limit.saturating_sub(waited))).await;
    }
}
