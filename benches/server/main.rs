//! What a review costs the whole server, beside a server that sends back what it gets and beside a conventional one;
//! all three over the same TLS and HTTP. docs/explanation/performance.md says how the numbers are read.
//!
//! The two others are this program again, as child processes.

// Nothing here serves anybody: what cannot be measured should stop the run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod baseline;
mod client;
#[path = "../handler/conventional.rs"]
mod conventional;
#[path = "../../tests/support/pods.rs"]
mod pods;
mod process;
#[path = "../../tests/support/reviews.rs"]
mod reviews;
mod table;

use std::env;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Builder;

use client::Client;
use process::{Files, Server};
use table::Table;

const AMBASSADOR: &str = "80:8775";
/// In the order of the table's columns.
const SERVERS: [&str; 3] = ["multipod", "echo", "conventional"];
const ROUNDS: usize = 5;
/// What an API server keeps to one webhook.
const CONNECTIONS: usize = 25;
/// Long enough that the kernel's ticks of 10 ms do not matter.
const LOAD: Duration = Duration::from_millis(1200);
const WARM_UP: Duration = Duration::from_millis(150);
const ROUND_TRIPS: usize = 1000;
const BURST: (usize, usize) = (200, 5);

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, what, rest @ ..] = &*arguments
        && let Some(answer) = baseline::named(what)
    {
        return baseline::serve(answer, rest);
    }
    let pinned = process::pin_generator();
    let files = Files::make();
    let mut table = Table::new();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for round in 0..ROUNDS {
        let mut order = [0, 1, 2];
        order.rotate_left(round % SERVERS.len());
        runtime.block_on(measure(&files, pinned, order, round == 0, &mut table));
    }
    let size = fs::metadata(process::multipod()).unwrap().len();
    table.add("binary, MiB", 0, mebi(size));
    table.keep(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("server.json"));
    table.print(pinned);
}

/// One round: all three servers are started, and get the same in turn.
async fn measure(files: &Files, pinned: bool, order: [usize; 3], first: bool, table: &mut Table) {
    let mut servers: [Option<Server>; 3] = [None, None, None];
    for index in order {
        let begun = Instant::now();
        let server = Server::start(SERVERS[index], files, pinned);
        Client::patient(&server.target).await.ask(&request(&review(8, None))).await.unwrap();
        table.add("start, ms", index, millis(begun.elapsed()));
        servers[index] = Some(server);
    }
    let servers = servers.map(Option::unwrap);
    if first {
        check(&servers).await;
    }
    let loads = [
        ("CPU, 8 KB, µs", review(8, Some(AMBASSADOR))),
        ("CPU, 22 KB, µs", review(22, Some(AMBASSADOR))),
        ("CPU, 44 KB, µs", review(44, Some(AMBASSADOR))),
        ("CPU, 8 KB, not ours, µs", review(8, None)),
    ];
    let mut kept = Vec::new();
    for server in &servers {
        kept.push(Client::several(&server.target, CONNECTIONS).await);
    }
    for (row, review) in &loads {
        let request = request(review);
        for index in order {
            let (clients, server) = (&mut kept[index], &servers[index]);
            client::load(clients, &request, WARM_UP).await;
            let before = server.cpu();
            let answered = client::load(clients, &request, LOAD).await;
            table.add(row, index, micros(server.cpu().saturating_sub(before)) / answered);
        }
    }
    let request = request(&loads[0].1);
    for index in order {
        let client = &mut kept[index][0];
        let mut times = Vec::with_capacity(ROUND_TRIPS);
        for _ in 0..ROUND_TRIPS {
            let begun = Instant::now();
            client.ask(&request).await.unwrap();
            times.push(micros(begun.elapsed()));
        }
        table.add("p50, one at a time, µs", index, table::median(&mut times));
    }
    for index in order {
        let overflows = process::listen_overflows();
        let begun = Instant::now();
        let errors = client::burst(&servers[index].target, &request, BURST).await;
        table.add("burst, ms", index, millis(begun.elapsed()));
        table.add("burst, errors", index, errors);
        table.add("burst, listen overflows", index, process::listen_overflows() - overflows);
    }
    for index in order {
        table.add("RSS after load, MiB", index, mebi(servers[index].resident()));
    }
}

/// Before anything counts: both servers must do the same work.
async fn check(servers: &[Server; 3]) {
    for (kilobytes, value) in
        [(8, Some(AMBASSADOR)), (22, Some(AMBASSADOR)), (44, Some(AMBASSADOR)), (8, None)]
    {
        let review = review(kilobytes, value);
        let mut pods = Vec::new();
        for index in [0, 2] {
            let mut client = Client::patient(&servers[index].target).await;
            let answer = client.ask(&request(&review)).await.unwrap();
            let verdict = reviews::verify(&answer, review["request"]["uid"].as_str().unwrap()).unwrap();
            assert_eq!(verdict.patch.is_some(), value.is_some(), "{kilobytes} KB: {}", SERVERS[index]);
            pods.push(reviews::patched(&review, &verdict));
        }
        assert_eq!(pods[0], pods[1], "{kilobytes} KB: both must do the same work");
    }
}

fn review(kilobytes: usize, value: Option<&str>) -> Value {
    let mut review = reviews::pod(&json!({}));
    review["request"]["namespace"] = json!("default");
    review["request"]["object"] = serde_json::from_str(&pods::of_kilobytes(kilobytes, value)).unwrap();
    review
}

fn request(review: &Value) -> Vec<u8> {
    let body = review.to_string();
    let head = format!(
        "POST /mutate?timeout=10s HTTP/1.1\r\nhost: multipod.multipod.svc:443\r\nuser-agent: kube-apiserver-admission\r\n\
         content-length: {}\r\naccept: application/json, */*\r\ncontent-type: application/json\r\n\
         accept-encoding: gzip\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[allow(clippy::cast_precision_loss)] // Nothing here has 2^52 bytes.
fn mebi(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
