//! Accepts connections up to their limit, and goes on whatever becomes of a single one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::observe::ConnectionFailure;

use super::connection::{self, HttpService, Protocol};
use super::{Shared, tls};

/// std listens with 128, which a burst of 200 connections overflows; those beyond wait a second.
const BACKLOG: u32 = 4096;
/// Without descriptors or memory `accept` fails at once, so that trying again at once would only burn time.
const BACK_OFF: Duration = Duration::from_millis(50);

pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A port, and what answers there.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) listener: TcpListener,
    pub(super) service: HttpService,
    /// Connection slots: a permit for each open connection.
    pub(super) slots: Arc<Semaphore>,
    /// Absent where the port is plain HTTP.
    pub(super) handshakes: Option<Arc<Handshakes>>,
}

/// What the connections of a port share until their TLS handshake is done.
#[derive(Debug)]
pub(super) struct Handshakes {
    signing: Semaphore,
    slots_exhausted: Notify,
}

impl Handshakes {
    pub(super) fn new() -> Arc<Handshakes> {
        Arc::new(Handshakes { signing: Semaphore::new(1), slots_exhausted: Notify::new() })
    }

    /// Ends when a handshake has taken too long: all of `limit`, but only `grace` while others wait for a slot.
    async fn too_slow(&self, grace: Duration, limit: Duration) {
        let grace = grace.min(limit);
        sleep(grace).await;
        let _ = timeout(limit.saturating_sub(grace), self.slots_exhausted.notified()).await;
    }
}

impl Port {
    /// Accepts until it is dropped, which closes the port.
    pub(super) async fn accept(self) {
        loop {
            let slot = self.slot().await;
            match self.listener.accept().await {
                Ok((stream, _)) => self.spawn(stream, slot),
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    self.service.shared.metrics.connection_failed(ConnectionFailure::Accept);
                    tracing::warn!(%error, "cannot accept connections");
                    sleep(BACK_OFF).await;
                }
            }
        }
    }

    /// Connections without a slot wait in the kernel's queue, where they cost nothing. Meanwhile those are evicted that
    /// are slow with a handshake or a head, or idle, so that no client can keep the others out.
    async fn slot(&self) -> OwnedSemaphorePermit {
        loop {
            let slot = Arc::clone(&self.slots).acquire_owned();
            if let Ok(Ok(slot)) = timeout(BACK_OFF, slot).await {
                return slot;
            }
            if let Some(handshakes) = &self.handshakes {
                handshakes.slots_exhausted.notify_waiters();
            }
            self.service.connections.evict(self.service.shared.limits.grace);
        }
    }

    fn spawn(&self, stream: TcpStream, slot: OwnedSemaphorePermit) {
        // Answers are few segments; waiting to fill one would cost more than it saves.
        let _ = stream.set_nodelay(true);
        let (service, handshakes) = (self.service.clone(), self.handshakes.clone());
        tokio::spawn(async move {
            match handshakes {
                Some(handshakes) => encrypted(stream, service, &handshakes).await,
                None => drop(connection::serve(stream, Protocol::Http1, service).await),
            }
            drop(slot);
        });
    }
}

async fn encrypted(stream: TcpStream, service: HttpService, handshakes: &Handshakes) {
    let shared = Arc::clone(&service.shared);
    shared.touch();
    shared.metrics.accepted.inc();
    let _open = OpenConnection::count(&shared);
    let handshake = tokio::select! {
        done = tls::accept(stream, &shared.tls, &handshakes.signing) => Some(done),
        () = handshakes.too_slow(shared.limits.grace, shared.limits.handshake) => None,
    };
    match handshake {
        None => shared.metrics.connection_failed(ConnectionFailure::HandshakeTimeout),
        Some(Err(error)) => {
            shared.metrics.connection_failed(ConnectionFailure::Handshake);
            tracing::debug!(%error, "handshake failed");
        }
        Some(Ok((stream, protocol))) => {
            if !connection::serve(stream, protocol, service).await {
                shared.metrics.connection_failed(ConnectionFailure::Broken);
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Counts a connection in the metrics for as long as it is open.
struct OpenConnection(Arc<Shared>);

impl OpenConnection {
    fn count(shared: &Arc<Shared>) -> OpenConnection {
        shared.metrics.connections.inc();
        OpenConnection(Arc::clone(shared))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.metrics.connections.dec();
    }
}
