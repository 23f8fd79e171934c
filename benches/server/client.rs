//! The client that an API server is: HTTP/1.1 over TLS without resumption, on connections that are kept. It does as
//! little as it can, so that the server and not the client is what is measured.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, client::Resumption};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where a server is, and whom to trust there.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

impl Target {
    pub(crate) fn new(address: SocketAddr, mut tls: ClientConfig) -> Self {
        tls.resumption = Resumption::disabled();
        Target { address, tls: Arc::new(tls) }
    }
}

/// One connection.
pub(crate) struct Client {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(target: &Target) -> io::Result<Client> {
        let tcp = TcpStream::connect(target.address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::clone(&target.tls)).connect(name, tcp).await?;
        Ok(Client { stream, buffer: Vec::with_capacity(128 * 1024) })
    }

    /// A connection to a server that may only just begin to listen.
    pub(crate) async fn patient(target: &Target) -> Client {
        let begun = Instant::now();
        loop {
            match Client::connect(target).await {
                Ok(client) => return client,
                Err(error) => {
                    assert!(
                        begun.elapsed() < Duration::from_secs(20),
                        "the server does not come up: {error}"
                    );
                    sleep(Duration::from_millis(1)).await;
                }
            }
        }
    }

    pub(crate) async fn several(target: &Target, count: usize) -> Vec<Client> {
        let mut clients = Vec::new();
        for _ in 0..count {
            clients.push(Client::connect(target).await.unwrap());
        }
        clients
    }

    /// The body of the answer; anything but 200 is an error.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        let body = self.answer(request).await?;
        Ok(self.buffer[body..].to_vec())
    }

    /// Where the body of the answer begins in the buffer.
    async fn answer(&mut self, request: &[u8]) -> io::Result<usize> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let mut whole = None;
        while whole.is_none_or(|(_, end)| self.buffer.len() < end) {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if whole.is_none() {
                whole = extent(&self.buffer)?;
            }
        }
        whole.map(|(start, _)| start).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// Where the body begins and where it ends, once the whole head is there.
fn extent(answer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&answer[..head]);
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    match length {
        Some(length) if text.starts_with("HTTP/1.1 200 ") => Ok(Some((head + 4, head + 4 + length))),
        _ => Err(io::Error::other(text)),
    }
}

/// Asks on all connections at once, again and again; returns how many answers came.
pub(crate) async fn load(clients: &mut Vec<Client>, request: &[u8], time: Duration) -> f64 {
    let request: Arc<[u8]> = request.into();
    let end = Instant::now() + time;
    let mut asking = JoinSet::new();
    for mut client in clients.drain(..) {
        let request = Arc::clone(&request);
        asking.spawn(async move {
            let mut answered = 0_u32;
            while Instant::now() < end {
                client.answer(&request).await.unwrap();
                answered += 1;
            }
            (client, answered)
        });
    }
    let mut sum = 0.0;
    while let Some(done) = asking.join_next().await {
        let (client, answered) = done.unwrap();
        clients.push(client);
        sum += f64::from(answered);
    }
    sum
}

/// Opens many connections at once and asks a few times on each; returns how many answers did not come.
pub(crate) async fn burst(target: &Target, request: &[u8], (connections, each): (usize, usize)) -> f64 {
    let request: Arc<[u8]> = request.into();
    let mut asking = JoinSet::new();
    for _ in 0..connections {
        let (request, target) = (Arc::clone(&request), target.clone());
        asking.spawn(async move {
            let mut missing = u32::try_from(each).unwrap();
            let Ok(mut client) = Client::connect(&target).await else { return missing };
            for _ in 0..each {
                missing -= u32::from(client.answer(&request).await.is_ok());
            }
            missing
        });
    }
    asking.join_all().await.into_iter().map(f64::from).sum()
}
