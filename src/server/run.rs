//! A server from its first socket to its last answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::connection::House;
use super::listener::{Lobby, Port, listen};
use super::{Handlers, Shared, admin_router, drain, router};

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// For reviews, with TLS.
    pub reviews: SocketAddr,
    /// For probes and metrics, plain; nowhere if absent.
    pub admin: Option<SocketAddr>,
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Bound {
    shared: Arc<Shared>,
    handlers: Handlers,
    reviews: TcpListener,
    admin: Option<TcpListener>,
}

/// An address that is not to be had.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {error}")]
pub struct BindError {
    address: SocketAddr,
    error: io::Error,
}

const ADMIN_CONNECTIONS: usize = 64;
/// For the last answers, once nobody new comes.
const LAST_ANSWERS: Duration = Duration::from_secs(11);

/// Listens; connections wait in the kernel's queue until [`Bound::run`].
pub fn bind(shared: Arc<Shared>, addresses: Addresses) -> Result<Bound, BindError> {
    let listen = |address| listen(address).map_err(|error| BindError { address, error });
    let reviews = listen(addresses.reviews)?;
    let admin = addresses.admin.map(listen).transpose()?;
    Ok(Bound { shared, handlers: Handlers::default(), reviews, admin })
}

impl Bound {
    /// Answers by these instead.
    #[must_use]
    pub fn with(mut self, handlers: Handlers) -> Self {
        self.handlers = handlers;
        self
    }

    /// Where reviews are taken.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.reviews.local_addr()
    }

    /// Where probes are answered.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `end`, then drains; `hurry` cuts the drain short.
    pub async fn run(self, end: impl Future<Output = ()>, hurry: impl Future<Output = ()>) {
        let Bound { shared, handlers, reviews, admin } = self;
        let (close, closing) = watch::channel(false);
        let most = seats(shared.limits.connections);
        let seats = Arc::new(Semaphore::new(most));
        let house = |router| House {
            router,
            shared: Arc::clone(&shared),
            guests: Arc::default(),
            closing: closing.clone(),
        };
        let admin = admin.map(|listener| Port {
            listener,
            house: house(admin_router(Arc::clone(&shared))),
            seats: Arc::new(Semaphore::new(ADMIN_CONNECTIONS)),
            lobby: None,
        });
        let port = Port {
            listener: reviews,
            house: house(router(Arc::clone(&shared), handlers)),
            seats: Arc::clone(&seats),
            lobby: Some(Lobby::new()),
        };
        let probes = admin.map(|port| tokio::spawn(port.accept()));
        let accepting = tokio::spawn(port.accept());
        end.await;
        tokio::select! {
            () = drain::until_quiet(&shared) => {}
            () = hurry => {}
        }
        accepting.abort();
        let _ = accepting.await;
        let _ = close.send(true);
        let all = u32::try_from(most).unwrap_or(u32::MAX);
        let finished = timeout(LAST_ANSWERS, seats.acquire_many(all)).await.is_ok();
        if let Some(probes) = probes {
            probes.abort();
        }
        tracing::info!(finished, "drained");
    }
}

/// As many connections as wanted, if there are descriptors for them and for everything else.
fn seats(wanted: usize) -> usize {
    const EVERYTHING_ELSE: usize = 64;
    let most = crate::observe::most_descriptors();
    most.map_or(wanted, |most| wanted.min(most.saturating_sub(EVERYTHING_ELSE).max(8)))
}
