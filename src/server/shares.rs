//! How sources share connections, requests and bytes, and how much of each one source may use.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::Range;

/// Whom something is counted for: an address, and whether it is that of a client whom the operator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source {
    address: IpAddr,
    known: bool,
}

impl Source {
    /// One machine may have all the addresses of an IPv6 network of 64 bits, so these count as one.
    pub(super) fn of(address: IpAddr, known: &[Range]) -> Source {
        let address = address.to_canonical();
        let known = known.iter().any(|range| range.contains(address));
        let address = match address {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            v4 @ IpAddr::V4(_) => v4,
        };
        Source { address, known }
    }

    /// The same address, after its client has shown the right certificate.
    pub(super) fn known(self) -> Source {
        Source { known: true, ..self }
    }

    pub(super) fn is_known(self) -> bool {
        self.known
    }
}

impl Default for Source {
    fn default() -> Self {
        Source { address: Ipv6Addr::UNSPECIFIED.into(), known: false }
    }
}

/// An amount of something that all sources share.
///
/// A source may have so many times what is free, so there is always something free for the next one: alone it gets four
/// fifths of everything, beside another as greedy four ninths. Nobody has to be asked to give anything back.
#[derive(Debug)]
pub(super) struct Pool {
    limit: usize,
    /// What strangers leave to known clients.
    reserved: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    used: usize,
    by_strangers: usize,
    by: HashMap<Source, usize>,
}

/// How many times what is free a source may have.
const STRANGER: usize = 4;
const KNOWN: usize = 16;

impl Pool {
    /// Where known clients are expected, half is theirs.
    pub(super) fn new(limit: usize, knows_clients: bool) -> Arc<Pool> {
        let reserved = if knows_clients { limit / 2 } else { 0 };
        Arc::new(Pool { limit, reserved, state: Mutex::default(), freed: Notify::new() })
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn used(&self) -> usize {
        self.state().used
    }

    pub(super) fn held(&self, source: Source) -> usize {
        self.state().by.get(&source).copied().unwrap_or_default()
    }

    /// None where that would be more than the source's part.
    pub(super) fn take(self: &Arc<Self>, source: Source, amount: usize) -> Option<Share> {
        let mut share = Share { pool: Arc::clone(self), source, held: 0 };
        share.grow(amount).then_some(share)
    }

    /// Ends when somebody gives something back after this call.
    pub(super) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// Waits until everything is given back.
    pub(super) async fn unused(&self) {
        loop {
            let freed = self.freed.notified();
            if self.used() == 0 {
                return;
            }
            freed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, source: Source, amount: usize) {
        self.used += amount;
        if !source.known {
            self.by_strangers += amount;
        }
        *self.by.entry(source).or_default() += amount;
    }

    fn remove(&mut self, source: Source, amount: usize) {
        self.used -= amount;
        if !source.known {
            self.by_strangers -= amount;
        }
        if let Some(held) = self.by.get_mut(&source) {
            *held -= amount;
            if *held == 0 {
                self.by.remove(&source);
            }
        }
    }
}

/// What one peer has of a pool, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    pool: Arc<Pool>,
    source: Source,
    held: usize,
}

impl Share {
    /// Takes more; false where that would be more than the source's part.
    pub(super) fn grow(&mut self, amount: usize) -> bool {
        let Pool { limit, reserved, .. } = *self.pool;
        let mut state = self.pool.state();
        let free = limit - state.used;
        let held = state.by.get(&self.source).copied().unwrap_or_default();
        let (times, most) = if self.source.known {
            (KNOWN, free)
        } else {
            (STRANGER, free.min((limit - reserved).saturating_sub(state.by_strangers)))
        };
        if amount > most || (amount > 0 && held + amount > times.saturating_mul(free - amount + 1)) {
            return false;
        }
        state.add(self.source, amount);
        self.held += amount;
        true
    }

    /// Counts it for the client that its peer has turned out to be.
    pub(super) fn belongs_to(&mut self, source: Source) {
        let mut state = self.pool.state();
        state.remove(self.source, self.held);
        state.add(source, self.held);
        drop(state);
        self.source = source;
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.held > 0 {
            self.pool.state().remove(self.source, self.held);
            self.pool.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> Source {
        Source::of(IpAddr::from([10, 0, 0, last]), &[])
    }

    fn takes_all(pool: &Arc<Pool>, source: Source) -> Vec<Share> {
        std::iter::from_fn(|| pool.take(source, 1)).collect()
    }

    #[test]
    fn whoever_takes_all_leaves_a_part_to_everybody_who_comes_later() {
        let pool = Pool::new(1000, false);
        let first = takes_all(&pool, source(1));
        assert_eq!(first.len(), 800);
        let second = takes_all(&pool, source(2));
        assert!((150..200).contains(&second.len()), "{}", second.len());
        // Whoever has more than its part gets nothing before it has given back.
        assert!(pool.take(source(1), 1).is_none());
        for last in 3..20 {
            assert!(pool.take(source(last), 1).is_some());
        }
        drop(first);
        let more = takes_all(&pool, source(2));
        assert_eq!(second.len() + more.len(), 800);
        drop((second, more));
        assert_eq!(pool.used(), 0);
        assert!(pool.state().by.is_empty());
    }

    #[test]
    fn the_limit_is_never_exceeded_and_a_large_share_grows_as_far_as_a_small_one() {
        let pool = Pool::new(100, false);
        let mut share = pool.take(source(1), 60).unwrap();
        assert!(!share.grow(41) && !share.grow(usize::MAX / 2));
        assert!(share.grow(20) && !share.grow(1));
        assert_eq!((share.held(), pool.used()), (80, 80));
    }

    #[test]
    fn half_is_for_known_clients_where_some_are_expected() {
        let known = [Range::parse("10.0.0.16/28").unwrap()];
        let (stranger, friend) = (source(1), Source::of(IpAddr::from([10, 0, 0, 17]), &known));
        assert!(friend.is_known() && !stranger.is_known());
        let pool = Pool::new(1000, true);
        let mut of_strangers: Vec<_> = (1..=200).flat_map(|last| takes_all(&pool, source(last))).collect();
        assert_eq!(of_strangers.len(), 500);
        let of_friend = takes_all(&pool, friend);
        assert!(of_friend.len() > 450, "{}", of_friend.len());
        drop(of_friend);
        // A stranger that has shown a certificate makes room for the next.
        let one = of_strangers.first_mut().unwrap();
        one.belongs_to(one.source.known());
        assert_eq!(takes_all(&pool, source(250)).len(), 1);
    }

    #[test]
    fn one_machine_is_one_source_however_many_addresses_it_has() {
        let of = |text: &str| Source::of(text.parse().unwrap(), &[]);
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::9"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
