//! HTTP/2 where it is wanted: floods that no client makes by accident, and what they cost.

#![allow(clippy::print_stdout)] // What was measured is told.

use crate::support::reviews;
use std::time::Duration;

use crate::support::frames::{
    self, CONTINUATION, END_HEADERS, END_STREAM, GOODBYE, HEADERS, PING, PREFACE, RESET, SETTINGS, WINDOW,
    frame, head, review,
};
use crate::support::running::{self, PATIENCE};
use crate::support::sim::replica::{Replica, Secret};
use crate::support::sim::service::Service;
use crate::support::sim::{NAME, Sim};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const MEBI: usize = 1 << 20;
const WEBHOOK: Duration = Duration::from_secs(10);

type Stream = TlsStream<TcpStream>;

async fn connect(replica: &Replica, secret: &Secret) -> (ReadHalf<Stream>, WriteHalf<Stream>) {
    let mut client = running::client(&secret.authority);
    client.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = TcpStream::connect(replica.reviews).await.unwrap();
    let tls = TlsConnector::from(std::sync::Arc::new(client));
    let mut stream = tls.connect(ServerName::try_from(NAME).unwrap(), tcp).await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    split(stream)
}

/// Sends until everything is sent or the server has had enough; the code by which it said so.
async fn flood(replica: &Replica, secret: &Secret, mut next: impl FnMut(u32) -> Vec<u8>) -> Option<u8> {
    let (mut read, mut write) = connect(replica, secret).await;
    let reading = tokio::spawn(async move {
        let mut said = Vec::new();
        // However it ends, a reset included, it ends.
        let _ = read.read_to_end(&mut said).await;
        said
    });
    let sending = async {
        for at in 0..MANY {
            if write.write_all(&next(at)).await.is_err() || write.flush().await.is_err() {
                return;
            }
        }
        let _ = write.shutdown().await;
    };
    timeout(PATIENCE, sending).await.expect("the server reads on, or closes");
    let said = timeout(PATIENCE, reading).await.expect("it closes in the end").unwrap();
    frames::all(&said).into_iter().find(|(kind, _)| *kind == GOODBYE).map(|(_, payload)| payload[7])
}

/// What a flood may leave behind, and may have cost while it came.
async fn survives(replica: &Replica, secret: &Secret, before: (usize, usize), what: &str) {
    let sim = Sim::new(Service::of([replica.reviews]), &secret.authority);
    for _ in 0..20 {
        sim.admit(WEBHOOK).await.expect(what);
    }
    drop(sim);
    let quiet = async {
        while replica.metric("multipod_connections_open", "").await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, quiet).await.expect(what);
    for metric in ["multipod_requests_in_flight", "multipod_buffered_bytes", "multipod_panics_total"] {
        assert_eq!(replica.metric(metric, "").await, 0, "{what}: {metric}");
    }
    let peak = replica.peak();
    println!("{what}: {} KiB more than before at most", peak.saturating_sub(before.0) >> 10);
    assert!(peak < before.0 + 32 * MEBI, "{what}: {before:?} before, {peak} at most");
    let closed = async {
        while replica.size().1 > before.1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, closed).await.expect("no descriptor is left open");
}

/// What HTTP/2 calls the demand to be calm.
const CALM: u8 = 11;
const MANY: u32 = 20_000;

fn stream(at: u32) -> u32 {
    at * 2 + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_frames_cost_little_and_leave_nothing() {
    let secret = Secret::new();
    let replica = Replica::start(&secret, &["--http2"]).await;
    let sim = Sim::new(Service::of([replica.reviews]), &secret.authority);
    sim.admit(WEBHOOK).await.unwrap();
    drop(sim);
    let before = replica.size();
    let head = head("/mutate");

    // Each is begun and taken back at once.
    let reset = |at| {
        let begun = frame(HEADERS, END_HEADERS, stream(at), &head);
        [begun, frame(RESET, 0, stream(at), &[0, 0, 0, 8])].concat()
    };
    flood(&replica, &secret, reset).await;
    survives(&replica, &secret, before, "streams that are reset").await;

    // Each is begun, and then made wrong, so that the server has to reset it.
    let wrong = |at| {
        let begun = frame(HEADERS, END_HEADERS, stream(at), &head);
        [begun, frame(WINDOW, 0, stream(at), &[0x7f, 0xff, 0xff, 0xff])].concat()
    };
    assert_eq!(flood(&replica, &secret, wrong).await, Some(CALM));
    survives(&replica, &secret, before, "streams that the server has to reset").await;

    // A head that never ends, with much in it and with nothing.
    for filling in [&[b'y'; 16_378][..], &[]] {
        let endless = |at| match (at, filling) {
            (0, _) => frame(HEADERS, END_STREAM, 1, &head),
            (_, []) => frame(CONTINUATION, 0, 1, &[]),
            _ => frame(CONTINUATION, 0, 1, &[&[0, 1, b'x', 0x7f, 0xfb, 0x7e], filling].concat()),
        };
        assert_eq!(flood(&replica, &secret, endless).await, Some(CALM));
        survives(&replica, &secret, before, "a head without an end").await;
    }

    for (what, one) in [
        ("pings", frame(PING, 0, 0, &[7; 8])),
        ("settings", frame(SETTINGS, 0, 0, &[])),
        ("openings of the window", frame(WINDOW, 0, 0, &[0, 0, 0, 1])),
    ] {
        flood(&replica, &secret, |_| one.clone()).await;
        survives(&replica, &secret, before, what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_do_not_pile_up() {
    let secret = Secret::new();
    let replica = Replica::start(&secret, &["--http2"]).await;
    let before = replica.size();
    for (what, one) in [
        ("pings", (|_| frame(PING, 0, 0, &[7; 8])) as fn(u32) -> Vec<u8>),
        ("reviews", |at| review(stream(at), "/mutate", reviews::REAL[0].as_bytes())),
    ] {
        let (read, mut write) = connect(&replica, &secret).await;
        if what == "reviews" {
            // No room for a single byte of an answer.
            write.write_all(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).await.unwrap();
        }
        let mut sent = 0;
        let sending = async {
            for at in 0..MANY {
                if write.write_all(&one(at)).await.is_err() || write.flush().await.is_err() {
                    return;
                }
                sent += 1;
            }
        };
        // Nobody reads, so in the end nobody writes, and then the server has had enough.
        timeout(PATIENCE, sending).await.expect("the connection is closed");
        drop((read, write));
        survives(&replica, &secret, before, &format!("answers to {sent} {what} that nobody reads")).await;
    }
}
