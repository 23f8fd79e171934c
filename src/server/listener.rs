//! Accepts connections up to the limit. No failure of a single connection stops it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};

use crate::observe::ConnectionFailure;

use super::connection::{self, HttpService, Protocol};
use super::eviction::Connections;
use super::peer::Peer;
use super::shares::{Pool, Share, Source};
use super::waiting::Waiting;
use super::{Shared, tls};

/// std listens with 128, which a burst of 200 connections overflows; those beyond wait a second.
pub(super) const BACKLOG: u32 = 4096;
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
    /// Connection slots: a share of one for each open connection.
    pub(super) slots: Arc<Pool>,
    /// How many connections may wait for a slot.
    pub(super) most_waiting: usize,
    /// For TLS; absent where the port is plain HTTP.
    pub(super) signing: Option<Arc<Semaphore>>,
}

impl Port {
    /// Accepts until it is dropped, which closes the port.
    ///
    /// Connections are accepted at once, also where there is no slot for them: who comes next is only seen then, and
    /// whoever has many must not stand in the way of whoever has none.
    pub(super) async fn accept(self) {
        let connections = Connections::default();
        let mut waiting = Waiting::new(self.most_waiting);
        let mut evicts_at = Instant::now();
        loop {
            while let Some((stream, source, slot)) = waiting.next(&self.slots) {
                self.spawn(stream, source, slot, &connections);
            }
            let freed = self.slots.freed();
            tokio::select! {
                accepted = self.listener.accept(), if waiting.has_room() => match accepted {
                    Ok((stream, address)) => {
                        if self.signing.is_some() {
                            self.service.shared.touch();
                        }
                        let source = Source::of(address.ip(), &self.service.shared.limits.api_servers);
                        waiting.add(stream, source);
                    }
                    Err(error) if is_about_one_connection(&error) => {}
                    Err(error) => {
                        self.service.shared.metrics.connection_failed(ConnectionFailure::Accept);
                        tracing::warn!(%error, "cannot accept connections");
                        sleep(BACK_OFF).await;
                    }
                },
                () = freed, if !waiting.is_empty() => {}
                () = sleep_until(evicts_at), if !waiting.is_empty() => {
                    self.evict(&connections, &waiting);
                    evicts_at = Instant::now() + BACK_OFF;
                }
            }
        }
    }

    /// Those give way that are slow with a handshake, a head or a body, or idle, of whoever has more than one that waits.
    fn evict(&self, connections: &Connections, waiting: &Waiting) {
        let least = waiting.sources().map(|source| self.slots.held(source)).min().unwrap_or_default();
        connections.evict(self.service.grace, waiting.len(), |source| {
            waiting.has(source) || (!source.is_known() && self.slots.held(source) > least)
        });
    }

    fn spawn(&self, stream: TcpStream, source: Source, slot: Share, connections: &Connections) {
        // Answers are few segments; waiting to fill one would cost more than it saves.
        let _ = stream.set_nodelay(true);
        let peer = Peer::new(source);
        connections.add(source, &peer.clock);
        let (service, signing) = (self.service.clone(), self.signing.clone());
        tokio::spawn(async move {
            if let Some(signing) = signing {
                encrypted(stream, peer, slot, service, &signing).await;
            } else {
                connection::serve(stream, Protocol::Http1, peer, service).await;
                drop(slot);
            }
        });
    }
}

async fn encrypted(
    stream: TcpStream,
    mut peer: Peer,
    mut slot: Share,
    service: HttpService,
    signing: &Semaphore,
) {
    let shared = Arc::clone(&service.shared);
    shared.metrics.accepted.inc();
    let _open = OpenConnection::count(&shared);
    let handshake = tokio::select! {
        done = tls::accept(stream, &shared.tls, signing) => Some(done),
        () = sleep(shared.limits.handshake) => None,
        _ = peer.clock.evicted(service.grace) => None,
    };
    match handshake {
        None => shared.metrics.connection_failed(ConnectionFailure::HandshakeTimeout),
        Some(Err(error)) => {
            shared.metrics.connection_failed(ConnectionFailure::Handshake);
            tracing::debug!(%error, "handshake failed");
        }
        Some(Ok((stream, protocol))) => {
            // It has been verified, or there would be none.
            if stream.get_ref().1.peer_certificates().is_some() {
                peer.source = peer.source.known();
                slot.belongs_to(peer.source);
            }
            if !connection::serve(stream, protocol, peer, service).await {
                shared.metrics.connection_failed(ConnectionFailure::Broken);
            }
        }
    }
    drop(slot);
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
