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
use super::listener::{BACKLOG, Port, listen};
use super::probes::Probes;
use super::shares::Pool;
use super::{Handlers, Shared, drain, router};

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

/// For the last answers, once no connection is accepted any more.
const LAST_ANSWERS: Duration = Duration::from_secs(11);

/// Listens; connections wait in the kernel's queue until [`Bound::run`].
pub fn bind(shared: Arc<Shared>, addresses: Addresses) -> Result<Bound, BindError> {
    let listen = |address| listen(address).map_err(|error| BindError { address, error });
    let reviews = listen(addresses.reviews)?;
    let admin = addresses.admin.map(listen).transpose()?;
    if let Err(error) = shared.tls.warm_up() {
        tracing::warn!(%error, "no handshake can begin");
    }
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
        let (limit, most_waiting) = connection_limits(shared.limits.connections);
        let slots = Pool::new(limit, shared.limits.knows_clients());
        shared.metrics.connections_limit.set(i64::try_from(limit).unwrap_or(i64::MAX));
        let probes = admin.and_then(|listener| {
            let started = Probes::start(listener, Arc::clone(&shared), closing.clone());
            started.inspect_err(|error| tracing::error!(%error, "there is no admin port")).ok()
        });
        let port = Port {
            listener: reviews,
            service: HttpService {
                router: router(Arc::clone(&shared), handlers),
                shared: Arc::clone(&shared),
                grace: shared.limits.grace,
                closing,
            },
            slots: Arc::clone(&slots),
            most_waiting,
            signing: Some(Arc::new(Semaphore::new(1))),
        };
        let accepting = tokio::spawn(port.accept());
        end.await;
        tokio::select! {
            () = drain::until_idle(&shared) => {}
            () = hurry => {}
        }
        accepting.abort();
        let _ = accepting.await;
        let _ = close.send(true);
        let finished = timeout(LAST_ANSWERS, slots.unused()).await.is_ok();
        if let Some(probes) = probes {
            probes.end().await;
        }
        tracing::info!(finished, "drained");
    }
}

/// How many connections may be open, and how many more may wait: no more than there are descriptors for, besides those for
/// files and sockets of other kinds.
fn connection_limits(configured: usize) -> (usize, usize) {
    /// Those of the admin port among them: they are few as long as nobody floods it.
    const OTHER_DESCRIPTORS: usize = 192;
    let backlog = BACKLOG as usize;
    let Some(most) = crate::observe::descriptor_limit() else { return (configured, backlog) };
    let most = most.saturating_sub(OTHER_DESCRIPTORS).max(8);
    // Of few descriptors some are for those who wait: they may be the ones that have a right to a slot.
    let open = configured.min(most - most / 8);
    (open, backlog.min(most - open))
}
