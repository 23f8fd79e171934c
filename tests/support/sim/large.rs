//! Reviews of many mebibytes, as an API server sends them that is busy itself: piece by piece, and never standing still.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::{NAME, bad, flood};
use crate::support::reviews::pod;

const MEBI: usize = 1 << 20;
/// What one of them has: 2 MiB of signs that Go writes as six bytes each, and a pod around them.
const SIGNS: usize = 2 * MEBI;
/// A mebibyte takes so long at least: a review takes longer than a body may that has stopped.
const PIECE: usize = MEBI;
const PAUSE: Duration = Duration::from_millis(120);
/// A body that has not come on for so long can be taken for one that has stopped: a second at the server, and on the way.
const STANDSTILL: Duration = Duration::from_millis(700);
/// The longest time that there is for a webhook.
const WEBHOOK: Duration = Duration::from_secs(30);

/// Reviews from one address, one after the other, until the end.
pub struct Large {
    tasks: JoinSet<()>,
    decided: Arc<AtomicU64>,
}

impl Large {
    pub fn begin(address: SocketAddr, authority: &str, workers: usize) -> Large {
        let mut large = Large { tasks: JoinSet::new(), decided: Arc::default() };
        let request = Arc::new(request());
        for _ in 0..workers {
            let (tls, request, decided) =
                (bad::tls(authority), Arc::clone(&request), Arc::clone(&large.decided));
            large.tasks.spawn(async move {
                loop {
                    let admitted = timeout(WEBHOOK, admit(address, &tls, &request)).await;
                    admitted.expect("a large review is decided in time").expect("a large review is decided");
                    decided.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        large
    }

    /// Waits until so many are decided, and ends.
    pub async fn until(mut self, decided: u64) {
        while self.decided.load(Ordering::Relaxed) < decided {
            if let Some(ended) = self.tasks.try_join_next() {
                ended.unwrap();
            }
            sleep(Duration::from_millis(20)).await;
        }
        println!("{} large reviews were decided", self.decided.load(Ordering::Relaxed));
    }
}

fn request() -> Vec<u8> {
    let mut review = pod(&json!({"multipod/ambassador": "80:8775"}));
    review["request"]["object"]["spec"]["containers"][0]["env"] =
        json!([{"name": "A", "value": "<".repeat(SIGNS)}]);
    let body = review.to_string().replace('<', "\\u003c");
    let head = format!(
        "POST /mutate?timeout={}s HTTP/1.1\r\nhost: {NAME}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        WEBHOOK.as_secs(),
        body.len()
    );
    (head + &body).into_bytes()
}

/// Whoever is told to come again comes again, as an API server does, and so does whoever stood still, which a busy machine
/// can bring about; what else is no decision is an error.
async fn admit(address: SocketAddr, tls: &TlsConnector, request: &[u8]) -> io::Result<()> {
    loop {
        let mut longest = Duration::ZERO;
        match answer(address, tls, request, &mut longest).await {
            Ok(200) => return Ok(()),
            Ok(429 | 503) => sleep(Duration::from_secs(1)).await,
            Ok(408) | Err(_) if longest > STANDSTILL => {}
            Ok(status) => return Err(io::Error::other(format!("status {status}"))),
            Err(error) => return Err(error),
        }
    }
}

/// Notes the longest pause between two pieces.
async fn answer(
    address: SocketAddr,
    tls: &TlsConnector,
    request: &[u8],
    longest: &mut Duration,
) -> io::Result<u16> {
    let tcp = flood::connect(address, Ipv4Addr::LOCALHOST, None).await?;
    let stream = tls.connect(ServerName::try_from(NAME).map_err(io::Error::other)?, tcp).await?;
    let (mut read, mut write) = tokio::io::split(stream);
    let sending = async {
        for piece in request.chunks(PIECE) {
            write.write_all(piece).await?;
            write.flush().await?;
            let since = Instant::now();
            sleep(PAUSE).await;
            *longest = (*longest).max(since.elapsed());
        }
        std::future::pending().await
    };
    let mut answer = Vec::new();
    // An answer may come before everything is sent.
    tokio::select! {
        failed = sending => failed,
        read = read.read_to_end(&mut answer) => read.map(drop),
    }
    .or_else(|error: io::Error| if answer.is_empty() { Err(error) } else { Ok(()) })?;
    let status = answer.get(9..12).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    status.ok_or_else(|| io::Error::other("no answer"))
}
