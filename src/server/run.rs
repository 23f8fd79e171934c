//! A server from its first socket to its last answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::connection::HttpService;
use super::listener::{Handshakes, Port, listen};
use super::{Handlers, Shared, admin_router, drain, router};

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// For reviews, with TLS.
    pub reviews: SocketAddr,
    /// For probes and metrics, without TLS.
    pub admin: Option<SocketAddr>,
}

/// A server that listens but does not answer yet.
#[derive(Debug)]
pub struct Bound {
    shared: Arc<Shared>,
    handlers: Handlers,
    reviews: TcpListener,
    admin: Option<TcpListener>,
}

/// An address that cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {error}")]
pub struct BindError {
    address: SocketAddr,
    error: io::Error,
}

const ADMIN_CONNECTIONS: usize = 64;
/// For the last answers, once no connection is accepted any more.
const LAST_ANSWERS: Duration = Duration::from_secs(11);

/// Listens; connections wait in the kernel's queue until [`Bound::run`].
pub fn bind(shared: Arc<Shared>, addresses: Addresses) -> Result<Bound, BindError> {
    let listen = |address| listen(address).map_err(|error| BindError { address, error });
    let reviews = listen(addresses.reviews)?;
    let admin = addresses.admin.map(listen).transpose()?;
    Ok(Bound { shared, handlers: Handlers::default(), reviews, admin })
}

impl Bound {
    /// Answers by these handlers instead of those of `admission`.
    #[must_use]
    pub fn with(mut self, handlers: Handlers) -> Self {
        self.handlers = handlers;
        self
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.reviews.local_addr()
    }

    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `end`, then drains; `hurry` ends the drain.
    pub async fn run(self, end: impl Future<Output = ()>, hurry: impl Future<Output = ()>) {
        let Bound { shared, handlers, reviews, admin } = self;
        let (close, closing) = watch::channel(false);
        let limit = connection_limit(shared.limits.connections);
        let slots = Arc::new(Semaphore::new(limit));
        let service = |router| HttpService {
            router,
            shared: Arc::clone(&shared),
            connections: Arc::default(),
            closing: closing.clone(),
        };
        let admin = admin.map(|listener| Port {
            listener,
            service: service(admin_router(Arc::clone(&shared))),
            slots: Arc::new(Semaphore::new(ADMIN_CONNECTIONS)),
            handshakes: None,
        });
        let port = Port {
            listener: reviews,
            service: service(router(Arc::clone(&shared), handlers)),
            slots: Arc::clone(&slots),
            handshakes: Some(Handshakes::new()),
        };
        let probes = admin.map(|port| tokio::spawn(port.accept()));
        let accepting = tokio::spawn(port.accept());
        end.await;
        tokio::select! {
            () = drain::until_idle(&shared) => {}
            () = hurry => {}
        }
        accepting.abort();
        let _ = accepting.await;
        let _ = close.send(true);
        let all = u32::try_from(limit).unwrap_or(u32::MAX);
        let finished = timeout(LAST_ANSWERS, slots.acquire_many(all)).await.is_ok();
        if let Some(probes) = probes {
            probes.abort();
        }
        tracing::info!(finished, "drained");
    }
}

/// As many connections as configured, but no more than there are descriptors for, besides those for files and sockets of
/// other kinds.
fn connection_limit(configured: usize) -> usize {
    const OTHER_DESCRIPTORS: usize = 64;
    let most = crate::observe::descriptor_limit();
    most.map_or(configured, |most| configured.min(most.saturating_sub(OTHER_DESCRIPTORS).max(8)))
}
