//! What many peers together may cost: the bytes that there may be, however many bodies come.

use std::sync::Arc;
use std::time::Duration;

use crate::support::running::PATIENCE;
use crate::support::sim::replica::{Replica, Secret};
use crate::support::sim::service::Service;
use crate::support::sim::{self, NAME, Sim};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

const MEBI: usize = 1 << 20;
const PEERS: usize = 500;
const BODY: usize = 7 * MEBI;
const BUFFERED: usize = 64 * MEBI;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_bodies_of_7_mebibytes_take_no_more_than_bodies_may() {
    let secret = Secret::new();
    let replica = Replica::start(&secret, &[]).await;
    let sim = Sim::new(Service::of([replica.reviews]), &secret.authority);
    sim.admit(Duration::from_secs(10)).await.unwrap();
    let before = replica.size();

    let tls = sim::bad::tls(&secret.authority);
    let all_there = Arc::new(Barrier::new(PEERS));
    let mut peers = JoinSet::new();
    for at in 0..PEERS {
        let (address, tls, all_there) = (replica.reviews, tls.clone(), Arc::clone(&all_there));
        peers.spawn(async move {
            let tcp = TcpStream::connect(address).await.unwrap();
            let mut stream = tls.connect(ServerName::try_from(NAME).unwrap(), tcp).await.unwrap();
            all_there.wait().await;
            // Half of them do not say how much will come.
            let length = if at % 2 == 0 {
                format!("content-length: {BODY}\r\n\r\n")
            } else {
                format!("transfer-encoding: chunked\r\n\r\n{BODY:x}\r\n")
            };
            let head =
                format!("POST /mutate?timeout=30s HTTP/1.1\r\nhost: {NAME}\r\ncontent-type: application/json\r\n{length}");
            if stream.write_all(head.as_bytes()).await.is_ok() {
                let piece = vec![b' '; 64 << 10];
                for _ in 0..BODY / piece.len() {
                    if stream.write_all(&piece).await.is_err() {
                        break;
                    }
                }
                let _ = stream.write_all(b"\r\n0\r\n\r\n").await;
            }
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or("none").to_owned()
        });
    }
    let answers = timeout(PATIENCE * 2, peers.join_all()).await.expect("everybody is answered");
    let count = |status: &str| answers.iter().filter(|answer| *answer == status).count();
    let (read, refused, late, reset) = (count("400"), count("429"), count("408"), count("none"));
    let peak = replica.peak();
    println!(
        "{read} were read, {refused} refused, {late} too slow, {reset} cut off; {} MiB at most, {} MiB before",
        peak / MEBI,
        before.0 / MEBI
    );
    assert_eq!(read + refused + late + reset, PEERS, "{answers:?}");
    assert!(refused > 0, "there were more than there is room for");
    // The allocator may keep as much again in holes; and every connection has buffers of its own, of TLS and of HTTP.
    let most = before.0 + 2 * BUFFERED + PEERS * 128 * 1024;
    assert!(peak < most, "{} of {} MiB", peak / MEBI, most / MEBI);

    sim.admit(Duration::from_secs(10)).await.unwrap();
    assert_eq!(replica.metric("multipod_buffered_bytes", "").await, 0);
    assert_eq!(replica.metric("multipod_requests_in_flight", "").await, 0);
}
