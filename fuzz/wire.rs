//! Bytes that a peer sends, in pieces as they come, to the code that serves a connection: no socket, no TLS, no waiting.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use multipod::admission::Snapshot;
use multipod::server::{Handlers, HttpService, Limits, Peer, Protocol, Shared, router, serve};
use multipod_certs::{Embedded, Tls, server_config};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// What the first byte says, beside the length of the pieces: the peer keeps its side open and waits.
const STAYS: u8 = 0x80;
/// Longer than every timer of a server together.
const END: Duration = Duration::from_hours(1);

/// The first byte says how the rest is sent: in pieces of so many bytes, and whether the peer then closes its side.
pub fn http1(data: &[u8]) {
    let Some(said) = talk(data, Protocol::Http1) else { return };
    well_formed(&said);
}

/// The same with the preface of HTTP/2 before it.
pub fn http2(data: &[u8]) {
    let Some(said) = talk(data, Protocol::Http2) else { return };
    framed(&said);
}

/// Everything that the server says until it has closed the connection, as it must.
pub fn talk(data: &[u8], protocol: Protocol) -> Option<Vec<u8>> {
    let (how, bytes) = data.split_first()?;
    let piece = usize::from(how & !STAYS).pow(2) + 1;
    let shared = shared();
    // Never true, and never dropped before the end.
    let (_open, closing) = watch::channel(false);
    let service = HttpService {
        router: router(Arc::clone(shared), Handlers::default()),
        shared: Arc::clone(shared),
        grace: shared.limits.grace,
        closing,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        // Time passes when nothing else is left to do.
        .start_paused(true)
        .build()
        .expect("a runtime");
    let said = runtime.block_on(async {
        let (ours, theirs) = duplex(4096);
        let server = tokio::spawn(serve(theirs, protocol, Peer::default(), service));
        let (mut read, mut write) = split(ours);
        let mut said = Vec::new();
        let sending = async {
            if protocol == Protocol::Http2
                && write.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.is_err()
            {
                return;
            }
            for piece in bytes.chunks(piece) {
                if write.write_all(piece).await.is_err() {
                    return;
                }
                // The server has seen it before the next one comes.
                sleep(Duration::from_micros(1)).await;
            }
            if how & STAYS == 0 {
                let _ = write.shutdown().await;
            }
        };
        let talking = async {
            let ((), result) = tokio::join!(sending, read.read_to_end(&mut said));
            result.expect("the pipe does not break");
        };
        timeout(END, talking).await.expect("the connection ends");
        timeout(END, server).await.expect("the server ends").expect("without a panic");
        said
    });
    let metrics = shared.metrics.text().expect("metrics");
    assert!(metrics.contains("multipod_panics_total 0\n"), "{metrics}");
    Some(said)
}

fn shared() -> &'static Arc<Shared> {
    static SHARED: OnceLock<Arc<Shared>> = OnceLock::new();
    SHARED.get_or_init(|| {
        let embedded = Embedded::make(&["localhost".to_owned()], SystemTime::now()).expect("a certificate");
        let config = server_config(&embedded.pair, None, true).expect("a configuration");
        let tls = Tls::new(config, embedded.pair.ends);
        let limits = Limits { body: 64 << 10, ..Limits::default() };
        Arc::new(Shared::new(Snapshot::default(), tls, limits))
    })
}

/// One answer after the other, each whole; nothing behind one that closes the connection.
fn well_formed(mut said: &[u8]) {
    while !said.is_empty() {
        let shown = String::from_utf8_lossy(&said[..said.len().min(400)]).into_owned();
        let end = said.windows(4).position(|four| four == b"\r\n\r\n").expect(&shown) + 4;
        let head = std::str::from_utf8(&said[..end - 4]).expect(&shown);
        let mut lines = head.split("\r\n");
        let status = lines.next().expect("a first line");
        assert!(status.starts_with("HTTP/1.1 ") || status.starts_with("HTTP/1.0 "), "{shown}");
        let status: u16 = status[9..12].parse().expect(&shown);
        let (mut length, mut closes) = (None, false);
        for line in lines {
            let (name, value) = line.split_once(": ").expect(&shown);
            assert!(
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{shown}"
            );
            assert!(!value.contains(|c: char| c.is_control()), "{shown}");
            match name {
                "content-length" => {
                    assert!(length.replace(value.parse::<usize>().expect(&shown)).is_none(), "{shown}");
                }
                "connection" => closes = value == "close",
                "transfer-encoding" => panic!("{shown}"),
                _ => {}
            }
        }
        said = &said[end..];
        if status == 100 {
            assert!(length.is_none() && !closes, "{shown}");
            continue;
        }
        assert!([200, 400, 404, 405, 408, 413, 414, 415, 429, 431, 503].contains(&status), "{shown}");
        let length = length.expect(&shown);
        // HEAD is answered with 405 or 404, without a body, and the connection closes.
        if closes && said.is_empty() {
            return;
        }
        assert!(said.len() >= length, "{shown}");
        assert!(!closes || said.len() == length, "{shown}");
        said = &said[length..];
    }
}

/// Frames, each whole and no longer than anybody has allowed.
fn framed(mut said: &[u8]) {
    while let [a, b, c, kind, _, rest @ ..] = said {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        assert!(length <= 16_384 && *kind <= 9, "{said:?}");
        said = rest.get(4 + length..).expect("a whole frame");
    }
    assert!(said.is_empty(), "{said:?}");
}
