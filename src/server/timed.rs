//! A stream that closes when its peer is too slow.
//!
//! hyper has one timer for the head of a request that also runs while a connection is idle. The idle timeout must be long
//! and that for a head short, so the timers stand below HTTP, and the service says what the connection is waiting for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep};

use super::Limits;

/// What a connection waits for, and since when.
#[derive(Debug)]
pub(super) struct Clock {
    begun: Instant,
    /// Milliseconds since `begun` and a [`Waits`] in the three lowest bits: one number, so that a timer can compare whether
    /// what it was set for is still current.
    state: AtomicU64,
    /// Milliseconds since `begun`, and one more, at which the peer stopped reading; 0 while it reads.
    unread: AtomicU64,
    /// Whether bytes that follow an answer begin the next request, as in HTTP/1. In HTTP/2 they may be anything.
    one_by_one: AtomicBool,
    evicted: Notify,
}

/// What a connection waits for; in the order in which connections are evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Waits {
    /// That the peer reads what was written.
    Reading,
    /// The end of the handshake.
    Handshake,
    /// The head of a request that has begun, or of the first one.
    Head,
    /// The rest of a request.
    Body,
    /// The next request: the last one was answered.
    Request,
    /// Our own answer.
    Answer,
}

impl Waits {
    const ALL: [Waits; 6] =
        [Waits::Reading, Waits::Handshake, Waits::Head, Waits::Body, Waits::Request, Waits::Answer];

    /// Whether the peer has left something half done, so that nothing is lost when it is sent away.
    pub(super) fn is_owed(self) -> bool {
        self < Waits::Request
    }
}

impl Clock {
    /// For a connection that has just come.
    pub(super) fn new() -> Arc<Clock> {
        Arc::new(Clock {
            begun: Instant::now(),
            state: AtomicU64::new(Waits::Handshake as u64),
            unread: AtomicU64::new(0),
            one_by_one: AtomicBool::new(true),
            evicted: Notify::new(),
        })
    }

    /// The handshake is done, where there is one.
    pub(super) fn shaken(&self, one_by_one: bool) {
        self.one_by_one.store(one_by_one, Ordering::Relaxed);
        self.change(Waits::Head);
    }

    /// Bytes have arrived.
    fn received(&self) {
        if self.one_by_one.load(Ordering::Relaxed) && self.now().1 == Waits::Request {
            self.change(Waits::Head);
        }
    }

    /// The head of a request is complete.
    pub(super) fn begins(&self) {
        self.change(Waits::Body);
    }

    /// The rest of a request comes fast enough to have begun only now, or is kept waiting by us.
    pub(super) fn body_since(&self, since: Instant) {
        let (state, waits) = self.now();
        if waits == Waits::Body {
            let millis = since.saturating_duration_since(self.begun).as_millis();
            let state_now = u64::try_from(millis).unwrap_or(u64::MAX >> 4) << 3 | Waits::Body as u64;
            // It may be complete by now, by another request on the same connection.
            let _ = self.state.compare_exchange(state, state_now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// A request is complete.
    pub(super) fn whole(&self) {
        self.change(Waits::Answer);
    }

    /// The answer is ready.
    pub(super) fn answered(&self) {
        self.change(Waits::Request);
    }

    /// Whether the peer reads what is written.
    fn reads(&self, reads: bool) {
        let since = self.unread.load(Ordering::Relaxed);
        if reads != (since == 0) {
            self.unread.store(if reads { 0 } else { self.millis() + 1 }, Ordering::Relaxed);
        }
    }

    fn change(&self, to: Waits) {
        self.state.store(self.millis() << 3 | to as u64, Ordering::Relaxed);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX >> 4)
    }

    fn now(&self) -> (u64, Waits) {
        let state = self.state.load(Ordering::Relaxed);
        let waits = Waits::ALL.into_iter().find(|waits| *waits as u64 == state % 8);
        (state, waits.unwrap_or(Waits::Answer))
    }

    /// What the peer has owed for at least `grace`, and since when; for a handshake, which is our first step and not
    /// theirs, a quarter of it is enough.
    pub(super) fn waits_for_peer(&self, grace: Duration) -> Option<(Waits, Instant)> {
        let (waits, since) = match self.unread.load(Ordering::Relaxed) {
            0 => {
                let (state, waits) = self.now();
                (waits, state >> 3)
            }
            since => (Waits::Reading, since - 1),
        };
        let grace = if waits == Waits::Handshake { grace / 4 } else { grace };
        let since = self.begun + Duration::from_millis(since);
        (waits != Waits::Answer && since.elapsed() >= grace).then_some((waits, since))
    }

    /// Asks the connection to give its slot up.
    pub(super) fn evict(&self) {
        self.evicted.notify_one();
    }

    /// Waits for an eviction that still has a reason when it arrives; returns what the peer owes.
    pub(super) async fn evicted(&self, grace: Duration) -> Waits {
        loop {
            self.evicted.notified().await;
            if let Some((waits, _)) = self.waits_for_peer(grace) {
                return waits;
            }
        }
    }
}

/// A stream with a timer for reading and one for writing.
pub(super) struct Timed<S> {
    stream: S,
    clock: Arc<Clock>,
    times: Times,
    reading: Pin<Box<Sleep>>,
    reading_for: Option<u64>,
    writing: Option<Pin<Box<Sleep>>>,
    lingering: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy)]
struct Times {
    head: Duration,
    idle: Duration,
    write: Duration,
}

/// How long a peer may take to read our last answer before the connection is gone.
const LINGER: Duration = Duration::from_millis(500);

impl<S> Timed<S> {
    pub(super) fn new(stream: S, clock: Arc<Clock>, limits: &Limits, grace: Duration) -> Self {
        // Where there is little grace nobody reads slowly.
        let write = limits.write.min(grace * 10);
        let times = Times { head: limits.head, idle: limits.idle, write };
        Timed {
            stream,
            clock,
            times,
            reading: Box::pin(sleep(times.head)),
            reading_for: None,
            writing: None,
            lingering: None,
        }
    }

    /// The timer of what the connection waits for; it starts when there is nothing to read.
    fn too_slow(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let (state, waiting) = self.clock.now();
        let time = match waiting {
            Waits::Head => self.times.head,
            Waits::Request => self.times.idle,
            // Each has a timer of its own.
            Waits::Reading | Waits::Handshake | Waits::Body | Waits::Answer => return Poll::Pending,
        };
        if self.reading_for != Some(state) {
            self.reading_for = Some(state);
            self.reading.as_mut().reset(Instant::now() + time);
        }
        ready!(self.reading.as_mut().poll(context));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }

    fn written<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.clock.reads(result.is_ready());
        if result.is_pending() {
            let time = self.times.write;
            let timer = self.writing.get_or_insert_with(|| Box::pin(sleep(time)));
            ready!(timer.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.too_slow(context).map(Err),
            done @ Poll::Ready(_) => {
                if !buffer.filled().is_empty() {
                    self.clock.received();
                }
                done
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        let result = self.written(context, result);
        if result.is_ready() {
            self.writing = None;
        }
        result
    }

    /// Closing a socket that holds unread bytes resets the connection, and the peer may lose the answer that explains why.
    /// So the rest is read for a moment and discarded.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            let result = Pin::new(&mut self.stream).poll_shutdown(context);
            ready!(self.written(context, result))?;
        }
        // Whoever takes its time with the end holds a slot for nothing.
        self.clock.reads(false);
        let this = &mut *self;
        let timer = this.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut space = [0; 4096];
        loop {
            if timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut rest = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut this.stream).poll_read(context, &mut rest)) {
                Ok(()) if !rest.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
