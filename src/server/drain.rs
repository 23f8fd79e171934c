//! How a server ends without losing a request.
//!
//! A replica that ends goes on getting connections until everybody has heard of it. So readiness fails at once, every
//! answer asks the client to go, and the port stays open until nobody comes any more.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Shared;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Waits until nobody has come for the floor's time, for the limit at most.
pub(super) async fn until_quiet(shared: &Shared) {
    let begun = Instant::now();
    let (floor, limit) = (shared.limits.drain_floor, shared.limits.drain_limit);
    shared.start_draining();
    tracing::info!("draining; a second signal ends it at once");
    loop {
        let waited = begun.elapsed();
        if waited >= limit || (waited >= floor && shared.quiet() >= floor) {
            return;
        }
        sleep(LOOK_AGAIN.min(limit.saturating_sub(waited))).await;
    }
}
