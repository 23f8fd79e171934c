//! How much is going on: requests and bytes, counted so that there is never too much of either.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Something of which there is only so much.
#[derive(Debug)]
pub struct Load {
    used: AtomicUsize,
    most: usize,
}

/// A part of it, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    load: Arc<Load>,
    held: usize,
}

impl Load {
    /// There is this much.
    pub fn new(most: usize) -> Arc<Load> {
        Arc::new(Load { used: AtomicUsize::new(0), most })
    }

    /// How much is taken.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// This much of it, if it is there.
    pub(super) fn take(self: &Arc<Self>, amount: usize) -> Option<Share> {
        let mut share = Share { load: Arc::clone(self), held: 0 };
        share.grow(amount).then_some(share)
    }
}

impl Share {
    /// Takes more; false where there is not enough left.
    pub(super) fn grow(&mut self, amount: usize) -> bool {
        let fits = |used: usize| used.checked_add(amount).filter(|sum| *sum <= self.load.most);
        let grown = self.load.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if grown {
            self.held += amount;
        }
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.load.used.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_given_than_there_is_and_all_of_it_comes_back() {
        let load = Load::new(10);
        let mut first = load.take(6).unwrap();
        assert!(load.take(5).is_none());
        assert!(!first.grow(5) && first.grow(4));
        assert!(!first.grow(usize::MAX));
        assert_eq!(load.used(), 10);
        drop(first);
        assert_eq!(load.used(), 0);
    }
}
