//! Crowds of peers that take what there is of something and give nothing back.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::{NAME, bad, replica::Replica};

/// What a crowd wants to use up.
#[derive(Clone, Copy, Debug)]
pub enum Flood {
    /// So many bodies of so many bytes, which lack their last byte.
    Bodies(usize, usize),
    /// So many connections that say nothing.
    Silent(usize),
    /// So many who ask the admin port for metrics, again and again, and read none.
    Unread(usize),
}

/// A crowd: each peer that is sent away comes back.
pub struct Crowd {
    tasks: JoinSet<()>,
    there: Arc<AtomicUsize>,
}

impl Flood {
    /// From an address of its own.
    pub fn begin(self, replica: &Replica, authority: &str, from: Ipv4Addr) -> Crowd {
        let (reviews, admin, tls) = (replica.reviews, replica.admin, bad::tls(authority));
        let mut crowd = Crowd { tasks: JoinSet::new(), there: Arc::default() };
        for _ in 0..self.peers() {
            let (tls, there) = (tls.clone(), Arc::clone(&crowd.there));
            crowd.tasks.spawn(async move {
                loop {
                    let _ = match self {
                        Flood::Bodies(_, size) => stalled_body(reviews, from, &tls, size, &there).await,
                        Flood::Silent(_) => silent(reviews, from, &there).await,
                        Flood::Unread(_) => unread(admin, from, &there).await,
                    };
                    // They hold on to what they have; they are no flood of packets.
                    sleep(Duration::from_millis(500)).await;
                }
            });
        }
        crowd
    }

    const fn peers(self) -> usize {
        match self {
            Flood::Bodies(peers, _) | Flood::Silent(peers) | Flood::Unread(peers) => peers,
        }
    }
}

impl Crowd {
    /// Waits until so many have been where they want to be.
    pub async fn until(&self, peers: usize, patience: Duration) {
        let there = async {
            while self.there.load(Ordering::Relaxed) < peers {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = timeout(patience, there).await;
        println!("{} peers have been where they want to be", self.there.load(Ordering::Relaxed));
    }
}

pub async fn connect(address: SocketAddr, from: Ipv4Addr, receive: Option<u32>) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = receive {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind((from, 0).into())?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn stalled_body(
    address: SocketAddr,
    from: Ipv4Addr,
    tls: &TlsConnector,
    size: usize,
    there: &AtomicUsize,
) -> io::Result<()> {
    let tcp = connect(address, from, None).await?;
    let mut stream = tls.connect(ServerName::try_from(NAME).map_err(io::Error::other)?, tcp).await?;
    let head = format!(
        "POST /mutate?timeout=30s HTTP/1.1\r\nhost: {NAME}\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let piece = vec![b' '; 64 << 10];
    let mut left = size - 1;
    while left > 0 {
        let now = left.min(piece.len());
        stream.write_all(&piece[..now]).await?;
        left -= now;
    }
    stream.flush().await?;
    there.fetch_add(1, Ordering::Relaxed);
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}

async fn silent(address: SocketAddr, from: Ipv4Addr, there: &AtomicUsize) -> io::Result<()> {
    let mut stream = connect(address, from, None).await?;
    there.fetch_add(1, Ordering::Relaxed);
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}

/// Asks until every buffer on the way is full, and a little on.
async fn unread(address: SocketAddr, from: Ipv4Addr, there: &AtomicUsize) -> io::Result<()> {
    let mut stream = connect(address, from, Some(4096)).await?;
    let asked = b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n".repeat(50);
    stream.write_all(&asked).await?;
    there.fetch_add(1, Ordering::Relaxed);
    while let Ok(written) = timeout(Duration::from_millis(500), stream.write_all(&asked)).await {
        written?;
    }
    // It holds on until it is thrown out.
    loop {
        sleep(Duration::from_millis(500)).await;
        stream.write_all(b"G").await?;
    }
}
