//! The connections that have shaken hands, and which of them go when others wait for their seats.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::timed::Clock;

/// The connections that speak HTTP.
#[derive(Debug, Default)]
pub struct Guests(Mutex<Vec<Weak<Clock>>>);

/// So many go at one time.
const GO: usize = 16;

impl Guests {
    /// Somebody has come.
    pub(super) fn welcome(&self, clock: &Arc<Clock>) {
        let mut guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guests.retain(|guest| guest.strong_count() > 0);
        guests.push(Arc::downgrade(clock));
    }

    /// Asks those to go that have kept their seats for nothing the longest: first those that owe a head, so most likely
    /// no API server at all; then those that are idle, of which clients use the oldest last.
    pub(super) fn make_room(&self, grace: Duration) {
        let guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut owing: Vec<_> = guests
            .iter()
            .filter_map(Weak::upgrade)
            .filter_map(|guest| guest.owes(grace).map(|owes| (owes, guest)))
            .collect();
        owing.sort_unstable_by_key(|(owes, _)| *owes);
        for (_, guest) in owing.iter().take(GO) {
            guest.want();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    const GRACE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_silent_go_first_then_the_longest_idle_and_nobody_who_waits_for_an_answer() {
        let guests = Guests::default();
        let come = || {
            let clock = Clock::new(true);
            guests.welcome(&clock);
            clock
        };
        let asked: Vec<_> = (0..GO).map(|_| come()).collect();
        let (idle, busy, silent) = (come(), come(), come());
        for clock in &asked {
            clock.busy();
            clock.answered();
        }
        busy.busy();
        advance(GRACE).await;
        idle.answered();
        advance(GRACE).await;
        let young = come();

        guests.make_room(GRACE);
        let mut gone = 0;
        for clock in asked.iter().chain([&silent]) {
            gone += usize::from(timeout(GRACE / 9, clock.gives_way(GRACE)).await.is_ok());
        }
        assert_eq!(gone, GO, "as many as go at one time");
        for clock in [&idle, &busy, &young] {
            assert!(timeout(GRACE / 9, clock.gives_way(GRACE)).await.is_err());
        }
        drop(asked);
        drop(silent);
        guests.make_room(GRACE);
        assert!(timeout(GRACE / 9, idle.gives_way(GRACE)).await.is_ok());
        assert!(timeout(GRACE / 9, busy.gives_way(GRACE)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_in_the_last_moment_stays() {
        let (guests, clock) = (Guests::default(), Clock::new(true));
        guests.welcome(&clock);
        advance(GRACE * 2).await;
        guests.make_room(GRACE);
        clock.busy();
        assert!(timeout(GRACE, clock.gives_way(GRACE)).await.is_err());
    }
}
