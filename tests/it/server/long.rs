//! What takes minutes to show, with servers as processes and a client that behaves as an API server: ends without a lost
//! request, peers that are slow, certificates that change, too much load, and panics. `make test-long`; what it measures is
//! worth telling with `MULTIPOD_PROGRAM=target/release/multipod`.

mod cgroup;
mod load;

use std::collections::HashMap;
use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::fair;
use crate::support::reviews::{self, pod};
use crate::support::running::{PATIENCE, post, start_with};
use crate::support::sim::bad::{self, EVERY};
use crate::support::sim::large::Large;
use crate::support::sim::load::Load;
use crate::support::sim::replica::{Replica, Secret};
use crate::support::sim::service::Service;
use crate::support::sim::{NAME, Sim};
use hyper_util::rt::TokioIo;
use multipod::admission::{self, Meter, Reply, ReviewError, Snapshot};
use multipod::server::{Handlers, Limits};
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const WEBHOOK: Duration = Duration::from_secs(10);
const MEBI: usize = 1 << 20;

/// Whether times and crowds are those of a large cluster (`FULL=1 make test-long`), which takes half an hour.
fn is_full() -> bool {
    env::var_os("FULL").is_some()
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_restarts_under_load_lose_not_one_request() {
    // Else a tenth of everything: the time to go on accepting, the news, and the time between bursts.
    let (options, part) = if is_full() { (&[][..], 1) } else { (&["--drain-floor=2s"][..], 10) };
    let lags = (0..20).map(|at| Duration::from_millis(at * 790 % 15_000) / part);
    restart_under_load(options, lags, Duration::from_millis(6500) / part).await;
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_of_which_nobody_hears_for_15_seconds_loses_nothing() {
    // Between bursts nobody needs a new connection, and the port looks as if nobody would come any more.
    restart_under_load(&[], [Duration::from_secs(15)].into_iter(), Duration::from_millis(6500)).await;
}

/// Replaces one of two replicas again and again, as a rolling update does: the new one first.
async fn restart_under_load(options: &[&str], lags: impl Iterator<Item = Duration>, burst: Duration) {
    let secret = Secret::new();
    let mut old = Replica::start(&secret, options).await;
    let other = Replica::start(&secret, options).await;
    let service = Service::of([old.reviews, other.reviews]);
    let sim = Sim::new(Arc::clone(&service), &secret.authority);
    let load = Load::steady(&sim, 16, WEBHOOK).with_bursts(&sim, 40, burst, WEBHOOK);
    for lag in lags {
        let new = Replica::start(&secret, options).await;
        service.add(new.reviews);
        old.terminate();
        let forgotten = service.forget(old.reviews, lag);
        old.ended().await;
        forgotten.await.unwrap();
        old = new;
    }
    load.end().await.lost_nothing();
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_lives_on_beside_thousands_of_bad_peers_that_are_cut_off() {
    const ROUNDS: usize = 3;
    let of_each = if is_full() { 5000 / (EVERY.len() - 1) + 1 } else { 350 };
    let secret = Secret::new();
    let replica = Replica::start(&secret, &["--max-connections=6000"]).await;
    let io = TokioIo::new(shaken(&replica, &secret).await);
    let (mut http, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    assert_eq!(post(&mut http, "/mutate", reviews::REAL[0]).await.unwrap().status, 200);
    let idle_since = Instant::now();

    let tls = bad::tls(&secret.authority);
    let mut sizes = Vec::new();
    for _ in 0..ROUNDS {
        let mut peers = JoinSet::new();
        for bad in EVERY {
            // Those that read nothing ask thousands of times until everything on the way is full.
            let count = if bad == bad::Bad::UnreadAnswer { 5 } else { of_each };
            for _ in 0..count {
                let (address, tls) = (replica.reviews, tls.clone());
                peers.spawn(async move { (bad, bad.be(address, &tls).await) });
            }
        }
        let mut longest = HashMap::new();
        let mut failed = 0;
        while let Some(peer) = timeout(PATIENCE * 3, peers.join_next()).await.expect("every peer is cut off")
        {
            match peer.unwrap() {
                (bad, Ok(time)) => {
                    let longest = longest.entry(bad).or_insert(time);
                    *longest = time.max(*longest);
                }
                (_, Err(_)) => failed += 1,
            }
        }
        assert_eq!(failed, 0, "peers that could not even begin");
        println!("{}", described(&longest, replica.size()));
        // Ten seconds, on a machine that may be busy.
        assert!(longest.values().all(|time| *time < Duration::from_secs(20)), "{longest:?}");
        sizes.push(replica.size());
    }
    let [first, .., last] = sizes[..] else { unreachable!() };
    // Each crowd finds its memory where the one before left it, but for holes.
    assert!(last.0 < first.0 * 3 / 2 && last.1 <= first.1 + 4, "memory and descriptors: {sizes:?}");
    assert!(last.0 < 200 * MEBI, "memory and descriptors: {sizes:?}");

    // API servers keep connections for 90 seconds.
    sleep(Duration::from_secs(95).saturating_sub(idle_since.elapsed())).await;
    assert_eq!(post(&mut http, "/mutate", reviews::REAL[0]).await.unwrap().status, 200);
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_every_crowd_and_all_together_nothing_is_lost() {
    let seconds = if is_full() { 60 } else { 10 };
    let time = Duration::from_secs(seconds);
    let all = [fair::BODIES, fair::SMALL_BODIES, fair::UNREAD, fair::silent()];
    for (flood, from) in all.iter().flat_map(|flood| [(*flood, fair::ELSEWHERE), (*flood, fair::SAME)]) {
        println!("{flood:?} from {from}");
        fair::beside(&[(flood, from)], time).await;
    }
    println!("all together");
    fair::beside(&all.map(|flood| (flood, fair::ELSEWHERE)), time).await;
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_under_load_without_a_failed_handshake() {
    const CHANGES: usize = 40;
    let mut secret = Secret::new();
    let replica = Replica::start(&secret, &[]).await;
    let service = Service::of([replica.reviews]);
    let kept = Sim::new(Arc::clone(&service), &secret.authority);
    let load = Load::steady(&kept, 4, WEBHOOK).with_newcomers(&service, &secret.authority, 4, WEBHOOK);
    for _ in 0..CHANGES {
        sleep(Duration::from_millis(300)).await;
        secret.renew();
    }
    let newest = async {
        while seen(&replica, &secret).await != secret.leaf() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, newest).await.expect("the last certificate is used");
    load.end().await.lost_nothing();
    let reloads = replica.metric("multipod_reloads_total", "what=\"certificate\",result=\"success\"").await;
    println!("{CHANGES} changes, {reloads} of them seen one by one");
    assert!(reloads > 5, "{reloads} changes were seen");
    // One that must fail is the only one that did.
    let tcp = TcpStream::connect(replica.reviews).await.unwrap();
    let stranger = bad::tls(&Secret::new().authority).connect(ServerName::try_from(NAME).unwrap(), tcp).await;
    assert!(stranger.is_err());
    let counted = async {
        loop {
            let failed = replica.metric("multipod_connections_failed_total", "handshake").await;
            if failed > 0 {
                return failed;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(timeout(PATIENCE, counted).await.expect("it is counted"), 1);
}

fn described(longest: &HashMap<bad::Bad, Duration>, (memory, descriptors): (usize, usize)) -> String {
    format!("the longest: {longest:.1?}; {} MiB, {descriptors} descriptors", memory / MEBI)
}

async fn shaken(replica: &Replica, secret: &Secret) -> tokio_rustls::client::TlsStream<TcpStream> {
    let tcp = TcpStream::connect(replica.reviews).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    bad::tls(&secret.authority).connect(ServerName::try_from(NAME).unwrap(), tcp).await.unwrap()
}

async fn seen(replica: &Replica, secret: &Secret) -> Vec<u8> {
    shaken(replica, secret).await.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_joins_gets_its_share_as_connections_grow_old() {
    const SHARES: u64 = 3;
    let secret = Secret::new();
    let young = ["--connection-age=1s"];
    let mut replicas = vec![Replica::start(&secret, &young).await, Replica::start(&secret, &young).await];
    let service = Service::of(replicas.iter().map(|replica| replica.reviews));
    let sim = Sim::new(Arc::clone(&service), &secret.authority);
    let load = Load::steady(&sim, 16, WEBHOOK);
    load.until(200).await;
    replicas.push(Replica::start(&secret, &young).await);
    service.add(replicas[2].reviews);
    sleep(Duration::from_secs(12)).await;
    let got = replicas[2].metric("multipod_admission_requests_total", "injected").await;
    let mut all = 0;
    for replica in &replicas {
        all += replica.metric("multipod_admission_requests_total", "injected").await;
    }
    println!("{got} of {all} since the beginning");
    assert!(got * SHARES * 2 > all, "{got} of {all}");
    load.end().await.lost_nothing();
}

/// Panics on every seventh review.
fn panics_often<'b>(
    body: &'b [u8],
    snapshot: &Snapshot,
    meter: Option<&'b Meter<'b>>,
) -> Result<Reply<'b>, ReviewError> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let reply = admission::mutate(body, snapshot, meter);
    assert!(!COUNT.fetch_add(1, Ordering::Relaxed).is_multiple_of(7), "{INJECTED}");
    reply
}

const INJECTED: &str = "an injected panic";

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_requests_survive_their_panics() {
    const REQUESTS: usize = 100_000;
    const CLIENTS: usize = 8;
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let wanted = panic.payload().downcast_ref::<String>().is_some_and(|text| text == INJECTED)
            || panic.payload().downcast_ref::<&str>().is_some_and(|text| *text == INJECTED);
        if !wanted {
            report(panic);
        }
    }));
    let handlers = Handlers { mutate: panics_often, ..Handlers::default() };
    let server = start_with(Limits::default(), handlers, false);
    let panics = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut http = server.http().await;
        let (panics, plain) = (Arc::clone(&panics), pod(&json!({})).to_string());
        clients.spawn(async move {
            for at in 0..REQUESTS / CLIENTS {
                let review = if at % 10 == 0 { reviews::REAL[0] } else { &plain };
                // The connection that met a panic goes on.
                let answer = post(&mut http, "/mutate", review).await.unwrap();
                match answer.status.as_u16() {
                    200 => assert!(answer.body.starts_with(b"{")),
                    500 => drop(panics.fetch_add(1, Ordering::Relaxed)),
                    other => panic!("{other}"),
                }
            }
        });
    }
    clients.join_all().await;
    let panics = panics.load(Ordering::Relaxed);
    println!("{panics} panics in {REQUESTS} requests");
    assert_eq!(panics, (REQUESTS as u64).div_ceil(7));
    assert_eq!(server.shared.metrics.panics.get(), panics);
    let (_, metrics) = server.admin("/metrics").await;
    for line in ["multipod_requests_in_flight 0\n", "multipod_buffered_bytes 0\n"] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
}

/// How long, in minutes: `SOAK_MINUTES`.
#[ignore = "takes minutes: make soak"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak() {
    let minutes = std::env::var("SOAK_MINUTES").map_or(2, |text| text.parse().expect("a number of minutes"));
    let time = Duration::from_mins(minutes);
    let mut secret = Secret::new();
    let policies = tempfile::tempdir().unwrap();
    let folder = format!("--policy-dir={}", policies.path().display());
    let replica = Replica::start(&secret, &["--connection-age=5s", &folder]).await;
    let before = replica.size();
    let service = Service::of([replica.reviews]);
    let sim = Sim::new(Arc::clone(&service), &secret.authority);
    let load = Load::steady(&sim, 8, WEBHOOK).with_newcomers(&service, &secret.authority, 1, WEBHOOK);
    let on = Arc::new(AtomicBool::new(true));
    let mut crowd = JoinSet::new();
    for bad in EVERY.into_iter().cycle().take(EVERY.len() * 5) {
        let (address, tls, on) = (replica.reviews, bad::tls(&secret.authority), Arc::clone(&on));
        crowd.spawn(async move {
            while on.load(Ordering::Relaxed) {
                let _ = bad.be(address, &tls).await;
            }
        });
    }
    let large = Large::begin(replica.reviews, &secret.authority, 1);
    let begun = Instant::now();
    let mut sizes = Vec::new();
    while begun.elapsed() < time {
        sleep(Duration::from_secs(5)).await;
        secret.renew();
        let policy = format!(
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: soak-{}}}\nspec: {{bounds: {{images: []}}}}\n",
            sizes.len()
        );
        std::fs::write(policies.path().join(format!("{}.yaml", sizes.len() % 5)), policy).unwrap();
        sizes.push(replica.size());
    }
    large.until(4).await;
    on.store(false, Ordering::Relaxed);
    timeout(PATIENCE, crowd.join_all()).await.expect("every peer is cut off");
    load.end().await.lost_nothing();
    drop(sim);
    let alone = async {
        while replica.metric("multipod_connections_open", "").await > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE * 4, alone).await.expect("every connection ends");
    let after = replica.size();
    let reloads = replica.metric("multipod_reloads_total", "result=\"success\"").await;
    println!("{reloads} reloads; memory and descriptors {before:?} before, {sizes:?}, {after:?} after");
    assert!(reloads > 5, "{reloads}");
    // What the first third has filled stays filled.
    let (early, late) = sizes.split_at(sizes.len() / 3);
    let most = |sizes: &[(usize, usize)]| sizes.iter().map(|(memory, _)| *memory).max().unwrap_or_default();
    assert!(most(late) < most(early) + 16 * MEBI, "memory and descriptors: {sizes:?}");
    assert!(after.1 <= before.1 + 2, "descriptors: {before:?}, {after:?}");
}
