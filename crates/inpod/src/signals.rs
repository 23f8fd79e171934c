//! SIGTERM and SIGINT as something to wait for. Handlers are needed even to end: process 1 of a container ignores both.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(super) struct Signals {
    arrived: Arc<AtomicUsize>,
    wake: UnixStream,
}

impl Signals {
    pub(super) fn register() -> io::Result<Self> {
        let arrived = Arc::new(AtomicUsize::new(0));
        let (wake, woken) = UnixStream::pair()?;
        for (signal, number) in [(SIGTERM, 15), (SIGINT, 2)] {
            // The number first: whoever is woken must find it.
            signal_hook::flag::register_usize(signal, Arc::clone(&arrived), number)?;
            signal_hook::low_level::pipe::register(signal, woken.try_clone()?)?;
        }
        Ok(Self { arrived, wake })
    }

    /// The number of the signal that has arrived.
    pub(super) fn arrived(&self) -> Option<u8> {
        u8::try_from(self.arrived.load(Ordering::SeqCst)).ok().filter(|&signal| signal > 0)
    }

    /// Sleeps for this time, or until a signal arrives.
    pub(super) fn sleep(&self, time: Duration) -> io::Result<()> {
        self.wake.set_read_timeout(Some(time))?;
        self.read_one()
    }

    /// Sleeps until a signal arrives.
    pub(super) fn wait(&self) -> io::Result<()> {
        self.wake.set_read_timeout(None)?;
        self.read_one()
    }

    fn read_one(&self) -> io::Result<()> {
        match (&self.wake).read(&mut [0]) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }
}
