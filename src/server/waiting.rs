//! The connections that wait for a connection slot.

use std::sync::Arc;

use tokio::net::TcpStream;

use super::shares::{Pool, Share, Source};
use super::turns::Turns;

/// Connections that were accepted and have no slot yet.
#[derive(Debug)]
pub(super) struct Waiting<S = TcpStream> {
    turns: Turns<S>,
    limit: usize,
}

impl<S> Waiting<S> {
    pub(super) fn new(limit: usize) -> Self {
        Waiting { turns: Turns::new(), limit }
    }

    pub(super) fn len(&self) -> usize {
        self.turns.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether another one may be accepted. Where so many wait there is room only by sending somebody away, and where
    /// there are no descriptors for that, all of them wait in the kernel's queue.
    pub(super) fn has_room(&self) -> bool {
        self.is_empty() || self.limit > 0
    }

    /// Where there are too many, the oldest of whoever has the most gives way.
    pub(super) fn add(&mut self, stream: S, source: Source) {
        if self.len() > self.limit {
            self.turns.send_away();
        }
        self.turns.add(source, stream);
    }

    /// The next one that can have a slot, in turns.
    pub(super) fn next(&mut self, slots: &Arc<Pool>) -> Option<(S, Source, Share)> {
        if self.is_empty() || slots.used() == slots.limit() {
            return None;
        }
        let mut order = self.turns.order(|source| slots.held(source)).into_iter();
        let (source, slot) = order.find_map(|source| Some((source, slots.take(source, 1)?)))?;
        Some((self.turns.take(source)?, source, slot))
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        self.turns.sources()
    }

    pub(super) fn has(&self, source: Source) -> bool {
        self.turns.has(source)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn whoever_has_none_comes_before_whoever_has_many_and_is_never_sent_away_for_them() {
        let source = |last| Source::of(IpAddr::from([10, 0, 0, last]), &[]);
        let slots = Pool::new(10, false);
        let mut waiting = Waiting::new(20);
        for at in 0..40 {
            waiting.add(at, source(1));
        }
        let mut held = Vec::new();
        while let Some((at, _, slot)) = waiting.next(&slots) {
            held.push((at, slot));
        }
        assert_eq!(held.len(), 8);
        waiting.add(100, source(2));
        for at in 200..240 {
            waiting.add(at, source(1));
        }
        let (at, of, slot) = waiting.next(&slots).unwrap();
        assert_eq!((at, of), (100, source(2)));
        assert!(waiting.next(&slots).is_none() && !waiting.has(source(2)));
        drop((held, slot));
        let (at, ..) = waiting.next(&slots).unwrap();
        assert!(at >= 200, "the oldest were sent away: {at}");
    }
}
