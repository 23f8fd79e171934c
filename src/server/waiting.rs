//! The connections that wait for a connection slot.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::net::TcpStream;

use super::shares::{Pool, Share, Source};

/// Connections that were accepted and have no slot yet, in a queue for each source.
#[derive(Debug)]
pub(super) struct Waiting<S = TcpStream> {
    queues: HashMap<Source, VecDeque<S>>,
    count: usize,
    limit: usize,
}

impl<S> Waiting<S> {
    pub(super) fn new(limit: usize) -> Self {
        Waiting { queues: HashMap::new(), count: 0, limit }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether another one may be accepted. Where so many wait there is room only by sending somebody away, and where
    /// there are no descriptors for that, all of them wait in the kernel's queue.
    pub(super) fn has_room(&self) -> bool {
        self.count == 0 || self.limit > 0
    }

    /// Where there are too many, the oldest of whoever has the most gives way.
    pub(super) fn add(&mut self, stream: S, source: Source) {
        if self.count > self.limit {
            let longest = self.queues.iter().max_by_key(|(_, queue)| queue.len()).map(|(source, _)| *source);
            if let Some(source) = longest {
                self.pop(source);
            }
        }
        self.queues.entry(source).or_default().push_back(stream);
        self.count += 1;
    }

    /// The next one that can have a slot: of whoever has the fewest.
    pub(super) fn next(&mut self, slots: &Arc<Pool>) -> Option<(S, Source, Share)> {
        if self.count == 0 || slots.used() == slots.limit() {
            return None;
        }
        let mut sources: Vec<_> = self.queues.keys().map(|source| (slots.held(*source), *source)).collect();
        sources.sort_unstable_by_key(|(held, _)| *held);
        let (source, slot) =
            sources.into_iter().find_map(|(_, source)| Some((source, slots.take(source, 1)?)))?;
        Some((self.pop(source)?, source, slot))
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        self.queues.keys().copied()
    }

    pub(super) fn has(&self, source: Source) -> bool {
        self.queues.contains_key(&source)
    }

    fn pop(&mut self, source: Source) -> Option<S> {
        let queue = self.queues.get_mut(&source)?;
        let stream = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&source);
        }
        self.count -= usize::from(stream.is_some());
        stream
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
