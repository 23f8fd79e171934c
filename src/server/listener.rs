//! Accepts connections, as many as there may be, and goes on whatever happens to them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::observe::Refused;

use super::connection::{self, Protocol};
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
    pub(super) router: Router,
    pub(super) shared: Arc<Shared>,
    pub(super) seats: Arc<Semaphore>,
    /// Present where TLS is spoken.
    pub(super) turns: Option<Arc<Semaphore>>,
    /// True once idle connections should close.
    pub(super) closing: watch::Receiver<bool>,
}

impl Port {
    /// Accepts for ever; dropping it closes the port.
    pub(super) async fn accept(self) {
        loop {
            // Without a seat, connections wait in the kernel's queue, where they cost nothing.
            let Ok(seat) = Arc::clone(&self.seats).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => self.spawn(stream, seat),
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    self.shared.metrics.refused(Refused::Accept);
                    tracing::warn!(%error, "cannot accept connections");
                    sleep(BACK_OFF).await;
                }
            }
        }
    }

    fn spawn(&self, stream: TcpStream, seat: OwnedSemaphorePermit) {
        // Answers are one segment or few; waiting to fill one would cost more than it saves.
        let _ = stream.set_nodelay(true);
        let (router, shared) = (self.router.clone(), Arc::clone(&self.shared));
        let (turns, closing) = (self.turns.clone(), self.closing.clone());
        tokio::spawn(async move {
            match turns {
                Some(turns) => encrypted(stream, router, shared, &turns, closing).await,
                None => {
                    connection::serve(stream, Protocol::Http1, router, shared, closing).await;
                }
            }
            drop(seat);
        });
    }
}

async fn encrypted(
    stream: TcpStream,
    router: Router,
    shared: Arc<Shared>,
    turns: &Semaphore,
    closing: watch::Receiver<bool>,
) {
    shared.touch();
    shared.metrics.accepted.inc();
    let _open = Open::count(&shared);
    match timeout(shared.limits.handshake, tls::accept(stream, &shared.tls, turns)).await {
        Err(_) => shared.metrics.refused(Refused::HandshakeTimeout),
        Ok(Err(error)) => {
            shared.metrics.refused(Refused::Handshake);
            tracing::debug!(%error, "handshake failed");
        }
        Ok(Ok((stream, protocol))) => {
            if !connection::serve(stream, protocol, router, Arc::clone(&shared), closing).await {
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
