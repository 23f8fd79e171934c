//! Peers that are no API server: silent, slow, and never ending.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::NAME;

/// A way to be a nuisance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bad {
    /// Connects, and says nothing.
    Silent,
    /// Begins a handshake.
    StalledHandshake,
    /// Shakes hands, and asks nothing.
    WithoutRequest,
    /// Sends a head byte by byte.
    SlowHead,
    /// Announces a body and sends its first byte.
    StalledBody,
    /// Asks and asks and reads no answer.
    UnreadAnswer,
}

pub const EVERY: [Bad; 6] = [
    Bad::Silent,
    Bad::StalledHandshake,
    Bad::WithoutRequest,
    Bad::SlowHead,
    Bad::StalledBody,
    Bad::UnreadAnswer,
];

const HEAD: &str =
    "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";

impl Bad {
    /// Is one, until the server has had enough; how long that took since the peer was last any good.
    pub async fn be(self, address: SocketAddr, tls: &TlsConnector) -> io::Result<Duration> {
        match self {
            Bad::Silent => closed(TcpStream::connect(address).await?).await,
            Bad::StalledHandshake => {
                let mut tcp = TcpStream::connect(address).await?;
                tcp.write_all(&[0x16, 3, 1, 2, 0, 1]).await?;
                closed(tcp).await
            }
            Bad::WithoutRequest => closed(shaken(address, tls).await?).await,
            Bad::SlowHead => {
                let (mut read, mut write) = tokio::io::split(shaken(address, tls).await?);
                let since = Instant::now();
                let dribble = async {
                    for byte in HEAD[..20].bytes().chain(std::iter::repeat(b'a')) {
                        if write.write_all(&[byte]).await.is_err() || write.flush().await.is_err() {
                            break;
                        }
                        sleep(Duration::from_millis(700)).await;
                    }
                };
                tokio::select! {
                    _ = closed(&mut read) => {}
                    () = dribble => {}
                }
                Ok(since.elapsed())
            }
            Bad::StalledBody => {
                let mut stream = shaken(address, tls).await?;
                stream.write_all(format!("{HEAD}{{").as_bytes()).await?;
                closed(stream).await
            }
            Bad::UnreadAnswer => unread(address, tls).await,
        }
    }
}

async fn shaken(address: SocketAddr, tls: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    tls.connect(ServerName::try_from(NAME).map_err(io::Error::other)?, tcp).await
}

/// However it ends, a reset included, it ends.
async fn closed(mut stream: impl AsyncRead + Unpin) -> io::Result<Duration> {
    let since = Instant::now();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    Ok(since.elapsed())
}

/// Writes until every buffer on the way is full; the clock begins with the last write that went through.
async fn unread(address: SocketAddr, tls: &TlsConnector) -> io::Result<Duration> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    socket.set_nodelay(true)?;
    let tcp = socket.connect(address).await?;
    let mut stream = tls.connect(ServerName::try_from(NAME).map_err(io::Error::other)?, tcp).await?;
    let body = crate::support::reviews::REAL[0];
    let request = format!("{}{body}", HEAD.replace("100", &body.len().to_string()));
    let mut since = Instant::now();
    while write(&mut stream, request.as_bytes()).await.is_ok() {
        since = Instant::now();
    }
    Ok(since.elapsed())
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// What these peers speak.
pub fn tls(authority: &str) -> TlsConnector {
    TlsConnector::from(Arc::new(crate::support::running::client(authority)))
}
