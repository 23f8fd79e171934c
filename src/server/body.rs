//! The bodies of requests, read within two limits: that of each, and that of all bodies together.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::Limits;
use super::peer::Peer;
use super::shares::{Pool, Share, Source};
use super::timed::Clock;

/// The bodies that are being read, and what all bodies take.
#[derive(Debug)]
pub(super) struct Bodies {
    pub(super) bytes: Arc<Pool>,
    pace: Pace,
    unfinished: Mutex<Vec<Weak<Unfinished>>>,
}

/// A body, which is charged until it is dropped.
#[derive(Debug)]
pub(super) struct Charged {
    pub(super) bytes: Bytes,
    _share: Share,
}

/// How a body has to come so that it is not slow: so many bytes a second, and it may stand still for as long as its grace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    bytes: usize,
    grace: Duration,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    TooSlow,
    Overloaded,
    Broken,
}

/// A body that is being read.
#[derive(Debug)]
struct Unfinished {
    source: Source,
    /// That of its connection, which is not evicted for a body that is not slow.
    clock: Arc<Clock>,
    begun: Instant,
    held: AtomicUsize,
    /// Whether it is us who keep it waiting, for room.
    waits_for_room: AtomicBool,
    /// When it is slow unless more has arrived, in microseconds since it has begun. Waiting for us is no fault of its sender.
    slow_at: AtomicU64,
    is_cut: AtomicBool,
    cut: Notify,
}

/// The first allocation; it grows only with what has arrived.
const FIRST: usize = 64 * 1024;
/// How many times the grace somebody waits for room: whoever has just stopped is slow, and gone, within that.
const PATIENCE: u32 = 2;
/// How often somebody who waits for room looks for it.
const POLL: Duration = Duration::from_millis(50);

impl Bodies {
    /// A body that is slow is cut when another one needs its room.
    pub(super) fn new(bytes: Arc<Pool>, limits: &Limits) -> Bodies {
        Bodies { bytes, pace: Pace::of(limits), unfinished: Mutex::default() }
    }

    /// Reads all of a body. What is allocated is charged, by what has arrived and not by what was announced.
    pub(super) async fn read(
        &self,
        mut body: Body,
        limit: usize,
        peer: &Peer,
        until: Instant,
    ) -> Result<Charged, BodyError> {
        let source = peer.source;
        let begun = Instant::now();
        let announced = body.size_hint().upper();
        let most = announced.map_or(limit, |most| usize::try_from(most).unwrap_or(usize::MAX));
        if most > limit {
            return Err(BodyError::TooLarge);
        }
        // Who has sent nothing holds nothing, and most send everything at once: they need not be known to others.
        let first = timeout_at(until, data(&mut body)).await.map_err(|_| BodyError::TooSlow)??;
        if body.is_end_stream()
            && first.len() <= limit
            && let Some(share) = self.bytes.take(source, first.len())
        {
            return Ok(Charged { bytes: first, _share: share });
        }
        let me = self.begin(peer, begun);
        tokio::select! {
            done = timeout_at(until, self.collect(first, body, most, &me)) => match done {
                Ok(done) => done,
                Err(_) if me.waits_for_room.load(Ordering::Relaxed) => Err(BodyError::Overloaded),
                Err(_) => Err(BodyError::TooSlow),
            },
            // It may have come to an honest sender on a bad day, who is told to come again.
            () = me.cut.notified() => Err(BodyError::Overloaded),
        }
    }

    fn begin(&self, peer: &Peer, begun: Instant) -> Arc<Unfinished> {
        let me = Arc::new(Unfinished {
            source: peer.source,
            clock: Arc::clone(&peer.clock),
            begun,
            held: AtomicUsize::new(0),
            waits_for_room: AtomicBool::new(false),
            slow_at: AtomicU64::new(micros(self.pace.grace)),
            is_cut: AtomicBool::new(false),
            cut: Notify::new(),
        });
        let mut all = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == all.capacity() {
            all.retain(|body| body.strong_count() > 0);
        }
        all.push(Arc::downgrade(&me));
        me
    }

    async fn collect(
        &self,
        first: Bytes,
        mut body: Body,
        most: usize,
        me: &Unfinished,
    ) -> Result<Charged, BodyError> {
        let mut share = self.bytes.take(me.source, 0).ok_or(BodyError::Overloaded)?;
        me.arrived(first.len(), self.pace);
        if body.is_end_stream() && first.len() <= most {
            self.grow(&mut share, first.len(), me).await?;
            return Ok(Charged { bytes: first, _share: share });
        }
        let (mut whole, mut next) = (Vec::new(), first);
        while !next.is_empty() {
            let length = whole.len() + next.len();
            if length > most {
                return Err(BodyError::TooLarge);
            }
            if length > whole.capacity() {
                let wanted = (whole.capacity() * 2).max(FIRST).min(most).max(length);
                self.grow(&mut share, wanted - whole.capacity(), me).await?;
                whole.reserve_exact(wanted - whole.len());
            }
            whole.extend_from_slice(&next);
            next = data(&mut body).await?;
            me.arrived(next.len(), self.pace);
        }
        Ok(Charged { bytes: whole.into(), _share: share })
    }

    /// Takes more room, and waits for it where there is none: whoever is slow gives way. Where nobody is, the one that has
    /// waited longest waits on, so that not all of them wait for each other.
    async fn grow(&self, share: &mut Share, amount: usize, me: &Unfinished) -> Result<(), BodyError> {
        if !share.grow(amount) {
            let since = Instant::now();
            me.waits_for_room.store(true, Ordering::Relaxed);
            loop {
                let freed = self.bytes.freed();
                me.clock.body_since(Instant::now());
                if share.grow(amount) {
                    break;
                }
                let is_first = self.make_room(amount, me);
                if since.elapsed() > self.pace.grace * PATIENCE && !is_first {
                    return Err(BodyError::Overloaded);
                }
                let _ = timeout(POLL, freed).await;
            }
            me.waits_for_room.store(false, Ordering::Relaxed);
            me.slow_at.fetch_add(micros(since.elapsed()), Ordering::Relaxed);
        }
        me.held.store(share.held(), Ordering::Relaxed);
        Ok(())
    }

    /// Cuts bodies that are slow, until there will be enough room: first those of whoever has the most, then those that
    /// have been slow the longest. Those of sources that have less than this one stay. Whether this one is the oldest of
    /// all that wait.
    fn make_room(&self, amount: usize, me: &Unfinished) -> bool {
        let mut all = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|body| body.strong_count() > 0);
        let all: Vec<_> = all.iter().filter_map(Weak::upgrade).collect();
        let first = all
            .iter()
            .filter(|body| body.waits_for_room.load(Ordering::Relaxed))
            .map(|body| body.begun)
            .min();
        let mine = self.bytes.held(me.source);
        let mut slow: Vec<_> = all
            .iter()
            .filter(|body| body.is_slow() && (me.source.is_known() || !body.source.is_known()))
            .map(|body| (self.bytes.held(body.source), body))
            .filter(|(theirs, body)| *theirs > mine || body.source == me.source)
            .collect();
        slow.sort_unstable_by_key(|(theirs, body)| {
            let is_cut = body.is_cut.load(Ordering::Relaxed);
            (!is_cut, std::cmp::Reverse(*theirs), body.slow_since())
        });
        let mut room = 0;
        for (_, body) in slow {
            if room >= amount {
                break;
            }
            room += body.held.load(Ordering::Relaxed);
            if !body.is_cut.swap(true, Ordering::Relaxed) {
                body.cut.notify_one();
            }
        }
        first.is_none_or(|first| me.begun <= first)
    }
}

/// What arrives next; nothing at the end.
async fn data(body: &mut Body) -> Result<Bytes, BodyError> {
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| BodyError::Broken)?.into_data() {
            Ok(bytes) if !bytes.is_empty() => return Ok(bytes),
            _ => {}
        }
    }
    Ok(Bytes::new())
}

impl Pace {
    /// That of the largest body that just arrives within the time that there is to read it.
    fn of(limits: &Limits) -> Pace {
        let millis = usize::try_from(limits.read.as_millis()).unwrap_or(usize::MAX).max(1);
        Pace { bytes: (limits.body / millis).saturating_mul(1000).max(1), grace: limits.grace }
    }
}

impl Unfinished {
    /// What arrives buys time, never more than the grace from now on: who has sent much at once may not stand still for it.
    fn arrived(&self, bytes: usize, pace: Pace) {
        let bought = u64::try_from(bytes.saturating_mul(1_000_000) / pace.bytes).unwrap_or(u64::MAX);
        let most = micros(self.begun.elapsed() + pace.grace);
        let slow_at = self.slow_at.load(Ordering::Relaxed).saturating_add(bought).min(most);
        self.slow_at.store(slow_at, Ordering::Relaxed);
        if let Some(since) = self.slow_since().checked_sub(pace.grace) {
            self.clock.body_since(since);
        }
    }

    fn slow_since(&self) -> Instant {
        self.begun + Duration::from_micros(self.slow_at.load(Ordering::Relaxed))
    }

    /// Whether its sender has taken longer than it may while others wait.
    fn is_slow(&self) -> bool {
        !self.waits_for_room.load(Ordering::Relaxed) && Instant::now() >= self.slow_since()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
