//! The connections that speak HTTP, and which of them are closed when others wait for a connection slot.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::timed::Clock;

/// The open connections of one port.
#[derive(Debug, Default)]
pub struct Connections(Mutex<Vec<Weak<Clock>>>);

/// How many are evicted at one time.
const BATCH: usize = 16;

impl Connections {
    pub(super) fn add(&self, clock: &Arc<Clock>) {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| connection.strong_count() > 0);
        connections.push(Arc::downgrade(clock));
    }

    /// Evicts those that have used their slot for nothing the longest: first those that owe the head of a request, which
    /// are most likely no API server at all; then the idle ones, because clients reuse the oldest connection last.
    pub(super) fn evict(&self, grace: Duration) {
        let connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting: Vec<_> = connections
            .iter()
            .filter_map(Weak::upgrade)
            .filter_map(|clock| clock.waits_for_peer(grace).map(|waits| (waits, clock)))
            .collect();
        waiting.sort_unstable_by_key(|(waits, _)| *waits);
        for (_, clock) in waiting.iter().take(BATCH) {
            clock.evict();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    const GRACE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn silent_connections_are_evicted_first_then_the_longest_idle_and_none_that_is_being_answered() {
        let connections = Connections::default();
        let open = || {
            let clock = Clock::new(true);
            connections.add(&clock);
            clock
        };
        let idle_first: Vec<_> = (0..BATCH).map(|_| open()).collect();
        let (idle, busy, silent) = (open(), open(), open());
        for clock in &idle_first {
            clock.busy();
            clock.answered();
        }
        busy.busy();
        advance(GRACE).await;
        idle.answered();
        advance(GRACE).await;
        let young = open();

        connections.evict(GRACE);
        let mut evicted = 0;
        for clock in idle_first.iter().chain([&silent]) {
            evicted += usize::from(timeout(GRACE / 9, clock.evicted(GRACE)).await.is_ok());
        }
        assert_eq!(evicted, BATCH, "one batch");
        for clock in [&idle, &busy, &young] {
            assert!(timeout(GRACE / 9, clock.evicted(GRACE)).await.is_err());
        }
        drop(idle_first);
        drop(silent);
        connections.evict(GRACE);
        assert!(timeout(GRACE / 9, idle.evicted(GRACE)).await.is_ok());
        assert!(timeout(GRACE / 9, busy.evicted(GRACE)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_at_the_last_moment_saves_its_connection() {
        let (connections, clock) = (Connections::default(), Clock::new(true));
        connections.add(&clock);
        advance(GRACE * 2).await;
        connections.evict(GRACE);
        clock.busy();
        assert!(timeout(GRACE, clock.evicted(GRACE)).await.is_err());
    }
}
