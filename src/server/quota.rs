//! Requests and bytes in flight, counted so that there are never too many of either.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A limited amount of something.
#[derive(Debug)]
pub(super) struct Quota {
    used: AtomicUsize,
    limit: usize,
}

/// A part of a quota, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    quota: Arc<Quota>,
    held: usize,
}

impl Quota {
    pub(super) fn new(limit: usize) -> Arc<Quota> {
        Arc::new(Quota { used: AtomicUsize::new(0), limit })
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// None where less than `amount` is left.
    pub(super) fn take(self: &Arc<Self>, amount: usize) -> Option<Share> {
        let mut share = Share { quota: Arc::clone(self), held: 0 };
        share.grow(amount).then_some(share)
    }
}

impl Share {
    /// Takes more; false where less than `amount` is left.
    pub(super) fn grow(&mut self, amount: usize) -> bool {
        let fits = |used: usize| used.checked_add(amount).filter(|sum| *sum <= self.quota.limit);
        let grown = self.quota.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if grown {
            self.held += amount;
        }
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.quota.used.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_never_exceeded_and_all_of_it_comes_back() {
        let quota = Quota::new(10);
        let mut first = quota.take(6).unwrap();
        assert!(quota.take(5).is_none());
        assert!(!first.grow(5) && first.grow(4));
        assert!(!first.grow(usize::MAX));
        assert_eq!(quota.used(), 10);
        drop(first);
        assert_eq!(quota.used(), 0);
    }
}
