//! What costs most for its size, in a cgroup of the limit that `deploy/` gives a replica.

use std::env;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{MEBI, WEBHOOK};
use crate::support::run::values;
use crate::support::running::PATIENCE;
use crate::support::shapes::{self, Shape};
use crate::support::sim::cgroup::Cgroup;
use crate::support::sim::load::Load;
use crate::support::sim::replica::{Replica, Secret};
use crate::support::sim::service::Service;
use crate::support::sim::{NAME, Sim, bad};

const AT_ONCE: usize = 8;
/// As much as there may be in a body, but for what a generator writes too much.
const LARGEST: usize = 28 * MEBI - 1000;
const SIZES: [usize; 4] = [MEBI, 3 * MEBI, 8 * MEBI, LARGEST];

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_comes_ends_a_replica_with_the_memory_that_it_is_given() {
    let (limit, environment) = given();
    let Some(group) = Cgroup::with_memory(limit) else {
        println!("NOT SHOWN: there is no memory cgroup to be had here, so no limit was tried");
        return;
    };
    let secret = Secret::new();
    let replica = Arc::new(Replica::start_in(&secret, &[], Some(&group.processes()), &environment).await);
    let sim = Sim::new(Service::of([replica.reviews]), &secret.authority);
    for _ in 0..200 {
        sim.admit(WEBHOOK).await.unwrap();
    }
    let idle = replica.size().0;

    let load = Load::steady(&sim, 2, WEBHOOK);
    let shapes = all();
    let mut waiting = Vec::new();
    for at in 0..shapes.len() {
        match at % 32 {
            _ if env::var_os("MULTIPOD_PROGRAM").is_some() => waiting.extend(SIZES.map(|size| (at, size))),
            // A program that is slow, because it is not optimized, is asked less.
            0 => waiting.push((at, LARGEST)),
            turn if turn % 4 == 0 => waiting.push((at, SIZES[turn / 4 % 3])),
            _ => {}
        }
    }
    // Each after another one every time.
    waiting.sort_by_key(|(at, size)| (at * 7919 + size) % 1009);
    let count = waiting.len();
    let (waiting, shapes, answers) =
        (Arc::new(Mutex::new(waiting)), Arc::new(shapes), Arc::new(Mutex::new(Vec::new())));
    let begun = Instant::now();
    let mut peers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (replica, tls) = (Arc::clone(&replica), bad::tls(&secret.authority));
        let (waiting, shapes, answers) = (Arc::clone(&waiting), Arc::clone(&shapes), Arc::clone(&answers));
        peers.spawn(async move {
            loop {
                let Some((at, size)) = waiting.lock().unwrap().pop() else { return };
                let (path, shape) = &shapes[at];
                let body = shape.of_bytes(size);
                let begun = Instant::now();
                let status = loop {
                    let status = answered(&replica, &tls, path, &body).await;
                    if !matches!(status, 429 | 503 | 408) || begun.elapsed() > PATIENCE * 5 {
                        break status;
                    }
                    sleep(Duration::from_millis(200)).await;
                };
                answers.lock().unwrap().push((status, begun.elapsed(), shape.name.clone(), size));
            }
        });
    }
    timeout(PATIENCE * 30, peers.join_all()).await.expect("everybody is answered");
    let took = begun.elapsed();
    let peak = replica.peak();
    load.end().await.lost_nothing();
    for _ in 0..200 {
        sim.admit(WEBHOOK).await.unwrap();
    }
    let after = replica.size().0;
    let mut answers = std::mem::take(&mut *answers.lock().unwrap());
    answers.sort_by_key(|(_, took, ..)| *took);
    let status = |wanted: u16| answers.iter().filter(|(status, ..)| *status == wanted).count();
    println!(
        "{count} reviews in {took:.0?} within {} MiB, {AT_ONCE} at a time: {} decided, {} no reviews, {} out of luck\n\
         {:.1} MiB before, {:.1} at most, {:.1} after; the group had {:.1} at most\n\
         the longest: {:?}",
        limit / MEBI,
        status(200),
        status(400),
        count - status(200) - status(400),
        mebi(idle),
        mebi(peak),
        mebi(after),
        mebi(group.peak().unwrap_or_default()),
        answers.iter().rev().take(5).collect::<Vec<_>>(),
    );
    assert_eq!(answers.len(), count);
    assert_eq!(replica.admin("/livez").await.expect("it lives").0, 200);
    assert!(answers.iter().all(|(status, ..)| [200, 400].contains(status)), "each gets an answer");
    assert!(after <= idle + idle / 5, "memory before and after: {idle}, {after}");
    let replica = Arc::into_inner(replica).unwrap();
    replica.terminate();
    replica.ended().await;
}

/// Every list and map of a pod, of a workload and of their reviews, and every kind of a value; and where each is sent.
fn all() -> Vec<(&'static str, Shape)> {
    let of_pods = shapes::of(&shapes::pod()).into_iter().chain(shapes::of_values());
    let of_workloads = shapes::of(&shapes::workload());
    of_pods
        .map(|shape| ("/mutate", shape))
        .chain(of_workloads.into_iter().map(|shape| ("/warn", shape)))
        .collect()
}

#[allow(clippy::cast_precision_loss)] // For people.
fn mebi(bytes: usize) -> f64 {
    bytes as f64 / MEBI as f64
}

/// The memory that `deploy/` gives a replica, and the variables that are for its allocator.
fn given() -> (usize, Vec<(String, String)>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/deployment.yaml");
    let deployment = values(&fs::read_to_string(file).unwrap()).remove(0);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let limit = container["resources"]["limits"]["memory"].as_str().unwrap().strip_suffix("Mi").unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let variables = container["env"].as_array().unwrap().iter();
    let of_allocator = variables.filter(|variable| text(&variable["name"]).starts_with("MALLOC_"));
    let environment = of_allocator.map(|one| (text(&one["name"]), text(&one["value"]))).collect();
    (limit.parse::<usize>().unwrap() * MEBI, environment)
}

/// From another address than the API server; 0 where the connection broke.
async fn answered(replica: &Replica, tls: &tokio_rustls::TlsConnector, path: &str, body: &str) -> u16 {
    let exchange = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::new(127, 0, 0, 9), 0).into())?;
        let tcp = socket.connect(replica.reviews).await?;
        let mut stream = tls.connect(ServerName::try_from(NAME).unwrap(), tcp).await?;
        let head = format!(
            "POST {path}?timeout=30s HTTP/1.1\r\nhost: {NAME}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        // It may be refused meanwhile, and what it was told is still to be read.
        let _ = stream.write_all(body.as_bytes()).await;
        let _ = stream.flush().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer).into_owned();
        Ok::<u16, std::io::Error>(text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0))
    };
    exchange.await.unwrap_or(0)
}
