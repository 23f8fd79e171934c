//! Whose turn is next among all that wait: that of whoever has the fewest, and of those that have as few, whoever has waited
//! longest since the last one. So nobody waits for ever, however many others come back at once.

use std::collections::{HashMap, VecDeque};

use super::shares::Source;

/// What waits, in a queue for each source.
#[derive(Debug)]
pub(super) struct Turns<T> {
    queues: HashMap<Source, Queue<T>>,
    count: usize,
    last: u64,
}

#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<T>,
    /// The number of its turn: whoever came or was served last is the last.
    turn: u64,
}

impl<T> Turns<T> {
    pub(super) fn new() -> Self {
        Turns { queues: HashMap::new(), count: 0, last: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn has(&self, source: Source) -> bool {
        self.queues.contains_key(&source)
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        self.queues.keys().copied()
    }

    pub(super) fn add(&mut self, source: Source, one: T) {
        let turn = self.number();
        let queue = self.queues.entry(source).or_insert_with(|| Queue { waiting: VecDeque::new(), turn });
        queue.waiting.push_back(one);
        self.count += 1;
    }

    /// The sources in the order of their turns, by what each has.
    pub(super) fn order(&self, has: impl Fn(Source) -> usize) -> Vec<Source> {
        let queues = self.queues.iter();
        let mut order: Vec<_> = queues.map(|(source, queue)| (has(*source), queue.turn, *source)).collect();
        order.sort_unstable_by_key(|(has, turn, _)| (*has, *turn));
        order.into_iter().map(|(.., source)| source).collect()
    }

    /// The oldest of a source, whose next turn comes after those of the others.
    pub(super) fn take(&mut self, source: Source) -> Option<T> {
        let turn = self.number();
        let queue = self.queues.get_mut(&source)?;
        queue.turn = turn;
        let one = queue.waiting.pop_front();
        if queue.waiting.is_empty() {
            self.queues.remove(&source);
        }
        self.count -= usize::from(one.is_some());
        one
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.queues.retain(|_, queue| {
            queue.waiting.retain(&keep);
            !queue.waiting.is_empty()
        });
        self.count = self.queues.values().map(|queue| queue.waiting.len()).sum();
    }

    /// Sends the oldest of whoever has the most waiting away.
    pub(super) fn send_away(&mut self) {
        let longest = self.queues.iter_mut().max_by_key(|(_, queue)| queue.waiting.len());
        let Some((source, queue)) = longest else { return };
        queue.waiting.pop_front();
        self.count -= 1;
        if queue.waiting.is_empty() {
            let source = *source;
            self.queues.remove(&source);
        }
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    /// Each of them comes back at once, and none may always be the last.
    #[test]
    fn of_those_who_have_as_few_nobody_waits_for_ever() {
        let source = |last| Source::of(IpAddr::from([10, 0, 0, last]), &[]);
        let mut turns = Turns::new();
        for last in 0..5 {
            (0..100).for_each(|_| turns.add(source(last), last));
        }
        // It has come last, and has one only.
        turns.add(source(5), 5);
        let mut served = [0; 6];
        for _ in 0..66 {
            let next = turns.order(|_| 0)[0];
            let last = turns.take(next).unwrap();
            served[usize::from(last)] += 1;
            turns.add(source(last), last);
        }
        assert_eq!(served, [11; 6]);
    }
}
