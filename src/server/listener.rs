//! Accepts connections, as many as there may be, and goes on whatever happens to them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::observe::Refused;

use super::connection::{self, House, Protocol};
use super::{Shared, tls};

/// std listens with 128, which 200 connections at once overflow; the overflown wait a second.
const BACKLOG: u32 = 4096;
/// Out of descriptors or memory: the kernel says so at once and again, so asking at once again would only burn time.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Binds an address.
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
    pub(super) house: House,
    pub(super) seats: Arc<Semaphore>,
    /// Present where TLS is spoken.
    pub(super) lobby: Option<Arc<Lobby>>,
}

/// Where connections are until they have shaken hands.
#[derive(Debug)]
pub(super) struct Lobby {
    turns: Semaphore,
    crowded: Notify,
}

impl Lobby {
    pub(super) fn new() -> Arc<Lobby> {
        Arc::new(Lobby { turns: Semaphore::new(1), crowded: Notify::new() })
    }

    /// How long a handshake may take: all of `limit`, but only the grace where others wait for a seat.
    async fn patience(&self, grace: Duration, limit: Duration) {
        let grace = grace.min(limit);
        sleep(grace).await;
        let _ = timeout(limit.saturating_sub(grace), self.crowded.notified()).await;
    }
}

impl Port {
    /// Accepts for ever; dropping it closes the port.
    pub(super) async fn accept(self) {
        loop {
            let seat = self.seat().await;
            match self.listener.accept().await {
                Ok((stream, _)) => self.spawn(stream, seat),
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    self.house.shared.metrics.refused(Refused::Accept);
                    tracing::warn!(%error, "cannot accept connections");
                    sleep(BACK_OFF).await;
                }
            }
        }
    }

    /// Without a seat, connections wait in the kernel's queue, where they cost nothing. Meanwhile those lose theirs that
    /// take their time with a handshake or a head, or are idle, so that nobody can keep everybody else out.
    async fn seat(&self) -> OwnedSemaphorePermit {
        loop {
            let seat = Arc::clone(&self.seats).acquire_owned();
            if let Ok(Ok(seat)) = timeout(BACK_OFF, seat).await {
                return seat;
            }
            if let Some(lobby) = &self.lobby {
                lobby.crowded.notify_waiters();
            }
            self.house.guests.make_room(self.house.shared.limits.grace);
        }
    }

    fn spawn(&self, stream: TcpStream, seat: OwnedSemaphorePermit) {
        // Answers are one segment or few; waiting to fill one would cost more than it saves.
        let _ = stream.set_nodelay(true);
        let (house, lobby) = (self.house.clone(), self.lobby.clone());
        tokio::spawn(async move {
            match lobby {
                Some(lobby) => encrypted(stream, house, &lobby).await,
                None => drop(connection::serve(stream, Protocol::Http1, house).await),
            }
            drop(seat);
        });
    }
}

async fn encrypted(stream: TcpStream, house: House, lobby: &Lobby) {
    let shared = Arc::clone(&house.shared);
    shared.touch();
    shared.metrics.accepted.inc();
    let _open = Open::count(&shared);
    let handshake = tokio::select! {
        done = tls::accept(stream, &shared.tls, &lobby.turns) => Some(done),
        () = lobby.patience(shared.limits.grace, shared.limits.handshake) => None,
    };
    match handshake {
        None => shared.metrics.refused(Refused::HandshakeTimeout),
        Some(Err(error)) => {
            shared.metrics.refused(Refused::Handshake);
            tracing::debug!(%error, "handshake failed");
        }
        Some(Ok((stream, protocol))) => {
            if !connection::serve(stream, protocol, house).await {
                shared.metrics.refused(Refused::Broken);
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

struct Open(Arc<Shared>);

impl Open {
    fn count(shared: &Arc<Shared>) -> Open {
        shared.metrics.connections.inc();
        Open(Arc::clone(shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.metrics.connections.dec();
    }
}
