//! The connections of a port, and which of them are closed when others wait for a connection slot.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::shares::Source;
use super::timed::{Clock, Waits};

/// The open connections of one port.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<Vec<(Source, Weak<Clock>)>>);

/// How many idle ones are evicted at one time.
const BATCH: usize = 16;

impl Connections {
    pub(super) fn add(&self, source: Source, clock: &Arc<Clock>) {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Now and then, because it takes a look at each.
        if connections.len() == connections.capacity() {
            connections.retain(|(_, clock)| clock.strong_count() > 0);
        }
        connections.push((source, Arc::downgrade(clock)));
    }

    /// Evicts those that have used their slot for nothing the longest, of sources that give way: as many as are wanted of
    /// those that owe something, which are most likely no API server at all; then some of the idle ones, because clients
    /// reuse the oldest connection last.
    pub(super) fn evict(&self, grace: Duration, wanted: usize, gives_way: impl Fn(Source) -> bool) {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|(_, clock)| clock.strong_count() > 0);
        let mut waiting: Vec<_> = connections
            .iter()
            .filter_map(|(source, clock)| Some((*source, clock.upgrade()?)))
            .filter_map(|(source, clock)| Some((clock.waits_for_peer(grace)?, source, clock)))
            .filter(|(_, source, _)| gives_way(*source))
            .collect();
        drop(connections);
        waiting.sort_unstable_by_key(|(waits, ..)| *waits);
        let owed = waiting.iter().take_while(|((waits, _), ..)| waits.is_owed()).count();
        for ((waits, _), _, clock) in waiting.iter().take(wanted.min(owed.max(BATCH))) {
            debug_assert!(*waits != Waits::Answer);
            clock.evict();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    const GRACE: Duration = Duration::from_secs(1);

    fn open(connections: &Connections, source: Source) -> Arc<Clock> {
        let clock = Clock::new();
        clock.shaken(true);
        connections.add(source, &clock);
        clock
    }

    async fn is_evicted(clock: &Clock) -> bool {
        timeout(GRACE / 9, clock.evicted(GRACE)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn silent_connections_are_evicted_first_then_the_longest_idle_and_none_that_is_being_answered() {
        let connections = Connections::default();
        let open = || open(&connections, Source::default());
        let idle_first: Vec<_> = (0..BATCH).map(|_| open()).collect();
        let (idle, busy, half, silent) = (open(), open(), open(), open());
        for clock in &idle_first {
            clock.whole();
            clock.answered();
        }
        busy.whole();
        half.begins();
        advance(GRACE).await;
        idle.answered();
        advance(GRACE).await;
        let young = open();

        connections.evict(GRACE, BATCH * 2, |_| true);
        assert!(is_evicted(&silent).await && is_evicted(&half).await, "they owe us something");
        let mut evicted = 0;
        for clock in &idle_first {
            evicted += usize::from(is_evicted(clock).await);
        }
        assert_eq!(evicted, BATCH - 2, "one batch");
        for clock in [&idle, &busy, &young] {
            assert!(!is_evicted(clock).await);
        }
        drop((idle_first, silent, half));
        connections.evict(GRACE, BATCH * 2, |_| true);
        assert!(is_evicted(&idle).await);
        assert!(!is_evicted(&busy).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_at_the_last_moment_saves_its_connection() {
        let connections = Connections::default();
        let clock = open(&connections, Source::default());
        advance(GRACE * 2).await;
        connections.evict(GRACE, 1, |_| true);
        clock.begins();
        assert!(!is_evicted(&clock).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_gives_no_way_keeps_its_connections_and_a_handshake_gets_a_quarter_of_the_grace() {
        let connections = Connections::default();
        let (one, other) = (Source::default(), Source::default().known());
        let (theirs, ours) = (open(&connections, one), open(&connections, other));
        advance(GRACE).await;
        let shaking = Clock::new();
        connections.add(one, &shaking);
        advance(GRACE / 4).await;
        connections.evict(GRACE, 9, |source| source == one);
        assert!(is_evicted(&theirs).await && is_evicted(&shaking).await);
        assert!(!is_evicted(&ours).await);
    }
}
