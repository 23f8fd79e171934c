//! A server from its first socket to its last answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

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

/// On the admin port.
const ADMIN_CONNECTIONS: usize = 512;
/// For the last answers, once no connection is accepted any more.
const LAST_ANSWERS: Duration = Duration::from_secs(11);

/// Listens; connections wait in the kernel's queue until [`Bound::run`].
pub fn bind(shared: Arc<Shared>, addresses: Addresses) -> Result<Bound, BindError> {
    let listen = |address| listen(address).map_err(|error| BindError { address, error });
    let reviews = listen(addresses.reviews)?;
    let admin = addresses.admin.map(listen).transpose()?;
    // Where there is no certificate yet, its maker gathers the entropy.
    if shared.tls.ends() > UNIX_EPOCH
        && let Err(error) = shared.tls.warm_up()
    {
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
        let Descriptors { open, waiting, admin: probing } =
            Descriptors::shared_out(shared.limits.connections);
        let slots = Pool::new(open, shared.limits.knows_clients());
        shared.metrics.connections_limit.set(i64::try_from(open).unwrap_or(i64::MAX));
        let probes = admin.and_then(|listener| {
            let started = Probes::start(listener, Arc::clone(&shared), probing, closing.clone());
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
            most_waiting: waiting,
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

/// How many connections there may be, by the descriptors that there are for them.
struct Descriptors {
    /// Open, for reviews.
    open: usize,
    /// Waiting for a slot.
    waiting: usize,
    /// On the admin port, both open and waiting.
    admin: usize,
}

impl Descriptors {
    /// No more than there are, besides those for files and sockets of other kinds.
    fn shared_out(configured: usize) -> Descriptors {
        const OTHERS: usize = 64;
        let (backlog, admin) = (BACKLOG as usize, ADMIN_CONNECTIONS);
        let Some(most) = crate::observe::descriptor_limit() else {
            return Descriptors { open: configured, waiting: backlog, admin };
        };
        let admin = admin.min(most / 16).max(1);
        let most = most.saturating_sub(OTHERS + admin * 2).max(8);
        // Of few some are for those who wait: they may be the ones that have a right to a slot.
        let open = configured.min(most - most / 8);
        Descriptors { open, waiting: backlog.min(most - open), admin }
    }
}
