//! A stream that gives up on peers that are too slow.
//!
//! hyper has one timer for the head of a request that also runs while a connection is idle. Idle must be long and a
//! head must be short, so the timers stand below HTTP, and the service says what the connection is waiting for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Milliseconds since then, and what is waited for. So a timer also knows whether it is still meant.
    state: AtomicU64,
    /// Whether what comes after an answer is the next request. In HTTP/2 it may be anything.
    one_by_one: bool,
    wanted: Notify,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Waits {
    /// A request has begun, or the first one is due.
    Head,
    /// The last request was answered.
    Request,
    /// A request is being answered; its body has a timer of its own.
    Answer,
}

impl Clock {
    /// For a connection on which the first request is due.
    pub(super) fn new(one_by_one: bool) -> Arc<Clock> {
        let (begun, state, wanted) = (Instant::now(), AtomicU64::new(0), Notify::new());
        Arc::new(Clock { begun, state, one_by_one, wanted })
    }

    /// Something came.
    fn received(&self) {
        if self.one_by_one && self.now().1 == Waits::Request {
            self.change(Waits::Head);
        }
    }

    /// The head of a request is here.
    pub(super) fn busy(&self) {
        self.change(Waits::Answer);
    }

    /// It was answered.
    pub(super) fn answered(&self) {
        self.change(Waits::Request);
    }

    fn change(&self, to: Waits) {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX >> 2);
        self.state.store(millis << 2 | to as u64, Ordering::Relaxed);
    }

    fn now(&self) -> (u64, Waits) {
        let state = self.state.load(Ordering::Relaxed);
        let waiting = match state % 4 {
            0 => Waits::Head,
            1 => Waits::Request,
            _ => Waits::Answer,
        };
        (state, waiting)
    }

    /// What its peer owes, and since when, if for longer than this.
    pub(super) fn owes(&self, grace: Duration) -> Option<(Waits, Instant)> {
        let (state, waiting) = self.now();
        let since = self.begun + Duration::from_millis(state >> 2);
        (waiting != Waits::Answer && since.elapsed() >= grace).then_some((waiting, since))
    }

    /// Somebody else wants its seat.
    pub(super) fn want(&self) {
        self.wanted.notify_one();
    }

    /// Waits until somebody else wants its seat, and still has a reason to; what its peer owes.
    pub(super) async fn gives_way(&self, grace: Duration) -> Waits {
        loop {
            self.wanted.notified().await;
            if let Some((waits, _)) = self.owes(grace) {
                return waits;
            }
        }
    }
}

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

/// How long a peer gets to see our last words before the connection is gone.
const LINGER: Duration = Duration::from_millis(500);

impl<S> Timed<S> {
    pub(super) fn new(stream: S, clock: Arc<Clock>, limits: &Limits) -> Self {
        let times = Times { head: limits.head, idle: limits.idle, write: limits.write };
        Timed {
            stream,
            clock,
            times,
            reading: Box::pin(sleep(times.head)),
            reading_for: Some(0),
            writing: None,
            lingering: None,
        }
    }

    /// The timer of whatever is waited for; it begins where nothing was there to read.
    fn too_slow(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let (state, waiting) = self.clock.now();
        let time = match waiting {
            Waits::Head => self.times.head,
            Waits::Request => self.times.idle,
            Waits::Answer => return Poll::Pending,
        };
        if self.reading_for != Some(state) {
            self.reading_for = Some(state);
            self.reading.as_mut().reset(Instant::now() + time);
        }
        ready!(self.reading.as_mut().poll(context));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }

    fn written<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
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

    /// Closing while unread bytes are there resets the connection, and the peer may lose the answer that told it why.
    /// So the rest is read for a moment and thrown away.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            let result = Pin::new(&mut self.stream).poll_shutdown(context);
            ready!(self.written(context, result))?;
        }
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
