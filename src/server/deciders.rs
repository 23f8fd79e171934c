//! The threads that decide about large reviews, so that those that serve sockets never wait for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::shares::Source;
use super::turns::Turns;

/// So many decisions at one time; the others wait for their turn, which comes first to whoever has the fewest.
#[derive(Debug)]
pub(super) struct Deciders(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    running: HashMap<Source, usize>,
    waiting: Turns<oneshot::Sender<Turn>>,
}

/// One of the threads, until it is dropped.
#[derive(Debug)]
struct Turn(Arc<Deciders>, Source);

/// Why a decision has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoDecision {
    OutOfTime,
    Panic,
}

impl Deciders {
    pub(super) fn new(threads: usize) -> Arc<Deciders> {
        Arc::new(Deciders(Mutex::new(State {
            free: threads.max(1),
            running: HashMap::new(),
            waiting: Turns::new(),
        })))
    }

    /// Runs a decision on a thread of its own, but waits no longer than `until`, neither for its turn nor for its end.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        source: Source,
        until: Instant,
        decision: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoDecision> {
        let late = |_| NoDecision::OutOfTime;
        let turn = timeout_at(until, self.turn(source)).await.map_err(late)?;
        let running = spawn_blocking(move || {
            let _turn = turn;
            decision()
        });
        timeout_at(until, running).await.map_err(late)?.map_err(|_| NoDecision::Panic)
    }

    async fn turn(self: &Arc<Self>, source: Source) -> Option<Turn> {
        let waits = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.free > 0 {
                return Some(self.begin(&mut state, source));
            }
            let (sender, waits) = oneshot::channel();
            state.waiting.add(source, sender);
            waits
        };
        waits.await.ok()
    }

    fn begin(self: &Arc<Self>, state: &mut State, source: Source) -> Turn {
        state.free -= 1;
        *state.running.entry(source).or_default() += 1;
        Turn(Arc::clone(self), source)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Turn(deciders, source) = self;
        let (next, turn) = {
            let mut state = deciders.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.free += 1;
            state.waiting.retain(|waits| !waits.is_closed());
            // What ends still counts, so that the same one does not begin again before the others.
            let running = |source| state.running.get(&source).copied().unwrap_or_default();
            let next = state.waiting.order(running).into_iter().next();
            if let Some(running) = state.running.get_mut(source) {
                *running -= 1;
                if *running == 0 {
                    state.running.remove(source);
                }
            }
            let Some(source) = next else { return };
            let Some(waits) = state.waiting.take(source) else { return };
            (waits, deciders.begin(&mut state, source))
        };
        // Nobody may wait for it any more: then it ends here, and the next one begins.
        drop(next.send(turn));
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use super::*;

    fn source(last: u8) -> Source {
        Source::of(IpAddr::from([10, 0, 0, last]), &[])
    }

    #[tokio::test]
    async fn the_next_turn_is_that_of_whoever_has_the_fewest() {
        let deciders = Deciders::new(2);
        let mut running = [deciders.turn(source(1)).await, deciders.turn(source(1)).await];
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for (at, last) in [1, 1, 2].into_iter().enumerate() {
            let (deciders, told) = (Arc::clone(&deciders), told.clone());
            tokio::spawn(async move {
                let turn = deciders.turn(source(last)).await;
                told.send((at, turn)).unwrap();
            });
            tokio::task::yield_now().await;
        }
        running[0].take();
        let (first, turn) = order.recv().await.unwrap();
        assert_eq!(first, 2);
        drop(turn);
        assert_eq!(order.recv().await.unwrap().0, 0);
        assert_eq!(order.recv().await.unwrap().0, 1);
        running[1].take();
        let turns = deciders.0.lock().unwrap();
        assert_eq!((turns.free, turns.running.len()), (2, 0));
    }

    #[tokio::test]
    async fn whoever_has_many_waiting_takes_turns_with_whoever_has_one() {
        let deciders = Deciders::new(1);
        let running = deciders.turn(source(1)).await;
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for last in [1, 1, 1, 2, 3] {
            let (deciders, told) = (Arc::clone(&deciders), told.clone());
            tokio::spawn(async move {
                let turn = deciders.turn(source(last)).await;
                told.send(last).unwrap();
                drop(turn);
            });
            tokio::task::yield_now().await;
        }
        drop(running);
        let mut served = Vec::new();
        for _ in 0..5 {
            served.push(order.recv().await.unwrap());
        }
        assert_eq!(served, [2, 1, 3, 1, 1]);
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_there_is_time_and_those_who_have_gone_take_no_turn() {
        let deciders = Deciders::new(1);
        let turn = deciders.turn(source(1)).await;
        let soon = Instant::now() + Duration::from_millis(20);
        let late = deciders.run(source(2), soon, || ()).await;
        assert_eq!(late, Err(NoDecision::OutOfTime));
        drop(turn);
        let until = Instant::now() + Duration::from_mins(1);
        assert_eq!(deciders.run(source(2), until, || 7).await, Ok(7));
        let panics = deciders.run(source(2), until, || panic!("as planned")).await;
        assert_eq!(panics, Err::<(), _>(NoDecision::Panic));
        assert_eq!(deciders.run(source(2), until, || 8).await, Ok(8));
    }
}
