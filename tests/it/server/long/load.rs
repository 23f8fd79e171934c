//! Too much load, and what becomes of those who are there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use hyper_util::rt::TokioIo;
use multipod::admission::{self, Meter, Reply, ReviewError, Snapshot};
use multipod::server::{Handlers, Limits, Shared};
use multipod_certs::{Embedded, Tls, server_config};
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::{WEBHOOK, shaken};
use crate::support::cluster::Cluster;
use crate::support::reviews;
use crate::support::running::{PATIENCE, post, run, start_with};
use crate::support::sim::load::Load;
use crate::support::sim::replica::{Replica, Secret};
use crate::support::sim::service::Service;
use crate::support::sim::{NAME, Sim, bad};

type Http = hyper::client::conn::http1::SendRequest<http_body_util::Full<hyper::body::Bytes>>;

/// How many requests may be there at one time, and how long each takes.
const ROOM: usize = 8;
const TAKES: Duration = Duration::from_millis(500);

/// Decides as if it were a lot of work.
fn slowly<'b>(
    body: &'b [u8],
    snapshot: &Snapshot,
    meter: Option<&'b Meter<'b>>,
) -> Result<Reply<'b>, ReviewError> {
    std::thread::sleep(TAKES);
    admission::mutate(body, snapshot, meter)
}

const SLOW: Handlers = Handlers { mutate: slowly, warn: admission::warn, validate: admission::validate };

/// A server in which so many decisions fit, each on a thread of its own.
fn room_for(requests: usize) -> Limits {
    // A quarter more, because one source gets four fifths.
    Limits { requests: requests + requests.div_ceil(4), deciders: requests, in_place: 0, ..Limits::default() }
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_the_capacity_is_refused_at_once_and_the_rest_goes_on() {
    const SECONDS: u32 = 10;
    let server = start_with(room_for(ROOM), SLOW, false);
    let tls = bad::tls(&server.authority);

    // As many as there is room for, each after the one before.
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..ROOM {
        let (address, tls) = (server.reviews, tls.clone());
        workers.spawn(async move {
            let mut done = Vec::new();
            while begun.elapsed() < Duration::from_secs(SECONDS.into()) {
                done.push(slow_request(address, tls.clone()).await);
            }
            done
        });
    }
    let mut alone: Vec<Slow> = workers.join_all().await.into_iter().flatten().collect();
    let peak = rate(&alone, begun.elapsed());
    // A moment may pass between an answer and the end of its request.
    assert!(alone.iter().filter(|one| one.status != 200).count() * 20 < alone.len());

    // Ten times that, as planned, whatever becomes of those before.
    let mut asked = JoinSet::new();
    let mut next = tokio::time::interval(TAKES / u32::try_from(ROOM * 10).unwrap());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(SECONDS.into()) {
        next.tick().await;
        asked.spawn(slow_request(server.reviews, tls.clone()));
    }
    let over = Instant::now();
    while !all_are_answered(server.reviews, &tls).await {}
    let recovery = over.elapsed();
    let mut crowd = Vec::new();
    while let Some(answer) = timeout(PATIENCE, asked.join_next()).await.expect("everybody is answered") {
        crowd.push(answer.unwrap());
    }
    let (mut answered, mut refused): (Vec<_>, Vec<_>) = crowd.into_iter().partition(|one| one.status == 200);
    assert!(refused.iter().all(|one| one.status == 429 && one.says_when && one.closes), "{refused:?}");
    let goodput = rate(&answered, over - begun);
    let [alone, answered_99] = [&mut alone, &mut answered].map(|all| percentile(all, 99, |one| one.took));
    let [told_50, told_99] = [50, 99].map(|percent| percentile(&mut refused, percent, |one| one.took));
    let closed_99 = percentile(&mut refused, 99, |one| one.ended);
    let told = format!(
        "{peak:.1} a second at best; with ten times as many {goodput:.1} ({:.0} %), and {} refused\n\
         p99 of answers: {alone:?} alone, {answered_99:?} in the crowd ({:.2} times that)\n\
         half of the refusals within {told_50:?}, p99 {told_99:?}, closed {closed_99:?}\n\
         everybody is answered again after {recovery:?}",
        goodput / peak * 100.0,
        refused.len(),
        answered_99.as_secs_f64() / alone.as_secs_f64(),
    );
    println!("{told}");
    assert!(goodput >= peak * 0.8, "{told}");
    assert!(refused.len() > answered.len() * 2, "{told}");
    assert!(answered_99 <= alone * 2, "{told}");
    // At once, beside what an answer takes; generous, because the machine may be busy.
    assert!(told_50 * 10 < alone && closed_99 < alone, "{told}");
    assert!(recovery < alone * 10, "{told}");

    let mut http = server.http().await;
    for _ in 0..10 {
        assert_eq!(post(&mut http, "/mutate", reviews::REAL[0]).await.unwrap().status, 200);
    }
    assert!(server.admin("/metrics").await.1.contains("\nmultipod_buffered_bytes 0\n"));
}

/// As many as there is room for, at once.
async fn all_are_answered(address: SocketAddr, tls: &TlsConnector) -> bool {
    let requests: JoinSet<Slow> = (0..ROOM).map(|_| slow_request(address, tls.clone())).collect();
    requests.join_all().await.iter().all(|one| one.status == 200)
}

/// What became of a request that takes its time.
#[derive(Debug)]
struct Slow {
    status: u16,
    says_when: bool,
    closes: bool,
    /// From the head to the first byte of the answer.
    took: Duration,
    /// And to the end of the connection.
    ended: Duration,
}

fn rate(all: &[Slow], time: Duration) -> f64 {
    let good = u32::try_from(all.iter().filter(|one| one.status == 200).count()).unwrap();
    f64::from(good) / time.as_secs_f64()
}

fn percentile<T>(all: &mut [T], percent: usize, of: impl Fn(&T) -> Duration) -> Duration {
    all.sort_by_key(&of);
    all.get((all.len() * percent / 100).min(all.len().saturating_sub(1))).map_or(Duration::ZERO, of)
}

async fn slow_request(address: SocketAddr, tls: TlsConnector) -> Slow {
    let tcp = TcpStream::connect(address).await.unwrap();
    // As API servers do. Else the request waits for the end of the handshake to be acknowledged, which takes 40 ms.
    tcp.set_nodelay(true).unwrap();
    let mut stream = tls.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
    let body = reviews::REAL[0];
    let head = format!(
        "POST /mutate?timeout=10s HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let begun = Instant::now();
    stream.write_all((head + body).as_bytes()).await.unwrap();
    let mut text = vec![stream.read_u8().await.unwrap()];
    let took = begun.elapsed();
    let _ = stream.read_to_end(&mut text).await;
    let ended = begun.elapsed();
    let text = String::from_utf8(text).unwrap().to_ascii_lowercase();
    Slow {
        status: text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default(),
        says_when: text.contains("\r\nretry-after: 1\r\n"),
        closes: text.contains("\r\nconnection: close\r\n"),
        took,
        ended,
    }
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_hundred_clients_at_once_get_as_much_done_as_eight() {
    const TIME: Duration = Duration::from_secs(3);
    const ROUNDS: usize = 3;
    let secret = Secret::new();
    let replica = Replica::start(&secret, &[]).await;
    // The best of a few rounds, because others may need the machine, too.
    let mut best = HashMap::from([(8, 0), (600, 0)]);
    for clients in [8, 600].repeat(ROUNDS) {
        let mut connections = Vec::new();
        for _ in 0..clients {
            connections.push(connected(&replica, &secret).await);
        }
        let begun = Instant::now();
        let mut asking = JoinSet::new();
        for mut http in connections {
            asking.spawn(async move {
                let mut took = Vec::new();
                while begun.elapsed() < TIME {
                    let asked = Instant::now();
                    let answer = timeout(PATIENCE, post(&mut http, "/mutate", reviews::REAL[0])).await;
                    let status = answer.expect("an answer").expect("an answer").status.as_u16();
                    if status != 200 {
                        assert_eq!(status, 429);
                        break;
                    }
                    took.push(asked.elapsed());
                }
                took
            });
        }
        let all = asking.join_all().await;
        assert!(all.iter().all(|took| !took.is_empty()), "nobody is forgotten");
        let mut took = all.concat();
        let [half, most, last] = [50, 99, 100].map(|percent| percentile(&mut took, percent, |took| *took));
        println!(
            "{clients} clients: {} answers in {:?}, half of them within {half:?}, p99 {most:?}, the last {last:?}",
            took.len(),
            begun.elapsed()
        );
        best.entry(clients).and_modify(|best| *best = took.len().max(*best));
    }
    assert!(best[&600] * 10 >= best[&8] * 8, "four fifths at least: {best:?}");
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_new_connections_does_not_stop_those_that_are_there() {
    const CALLS: usize = 2000;
    const NEWCOMERS: usize = 8;
    let secret = Secret::new();
    let replica = Replica::start(&secret, &[]).await;
    let mut http = connected(&replica, &secret).await;
    let mut told = Vec::new();
    for newcomers in [0, NEWCOMERS] {
        let tls = bad::tls(&secret.authority);
        let mut flood = JoinSet::new();
        for _ in 0..newcomers {
            let (address, tls) = (replica.reviews, tls.clone());
            flood.spawn(async move {
                loop {
                    let tcp = TcpStream::connect(address).await.unwrap();
                    tls.connect(ServerName::try_from(NAME).unwrap(), tcp).await.unwrap();
                }
            });
        }
        let before = replica.metric("multipod_connections_accepted_total", "").await;
        let begun = Instant::now();
        let mut took = answered(&mut http, reviews::REAL[0], CALLS).await;
        let seconds = begun.elapsed().as_secs_f64();
        flood.abort_all();
        let came = replica.metric("multipod_connections_accepted_total", "").await - before;
        let [half, most] = [50, 99].map(|percent| percentile(&mut took, percent, |took| *took));
        println!(
            "{came} new connections in {seconds:.1} s; half of {CALLS} answers within {half:?}, p99 {most:?}"
        );
        told.push((came, half, most));
    }
    assert!(told[1].0 > 200, "it was a flood: {told:?}");
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_replicas_may_be_full() {
    const CALLS: u64 = 3000;
    // Young connections, so that new ones keep coming to the one that is full.
    let age = Duration::from_millis(300);
    let embedded = Embedded::make(&[NAME.to_owned(), "localhost".to_owned()], SystemTime::now()).unwrap();
    let replica = |limits, handlers| {
        let config = server_config(&embedded.pair, None, false).unwrap();
        let tls = Tls::new(config, embedded.pair.ends);
        let shared = Arc::new(Shared::new(Snapshot::default(), tls, limits));
        run(shared, handlers, embedded.authority.clone())
    };
    let full = replica(Limits { age, ..room_for(2) }, SLOW);
    let young = Limits { age, ..Limits::default() };
    let others = [replica(young.clone(), Handlers::default()), replica(young, Handlers::default())];
    let tls = bad::tls(&embedded.authority);
    let mut crowd = JoinSet::new();
    for _ in 0..8 {
        let (address, tls) = (full.reviews, tls.clone());
        crowd.spawn(async move {
            loop {
                slow_request(address, tls.clone()).await;
            }
        });
    }
    let is_full = async {
        while !full.admin("/metrics").await.1.contains("reason=\"overloaded\"") {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, is_full).await.expect("it is full");
    let service = Service::of([full.reviews, others[0].reviews, others[1].reviews]);
    let sim = Sim::new(service, &embedded.authority);
    let load = Load::steady(&sim, 20, WEBHOOK);
    load.until(CALLS).await;
    let done = load.end().await;
    crowd.abort_all();
    let waited = sim.told_to_wait.load(Ordering::Relaxed);
    assert!(waited > 20, "{waited} calls met the full one");
    let failed = u64::try_from(done.failures.len()).unwrap();
    println!("{} calls, {failed} failed, {waited} were told to wait", done.succeeded + failed);
    assert!(failed * 1000 <= done.succeeded, "{failed} of {}: {:?}", done.succeeded, done.failures);
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_api_server_answers_take_as_long_as_before() {
    const CALLS: usize = 2000;
    const ROUNDS: usize = 3;
    const POLICY: &str = "{apiVersion: multipod.dev/v1alpha1, kind: InjectionPolicy, metadata: {name: proxy}, \
        spec: {mode: enforce, match: {namespaceSelector: {matchLabels: {proxy: wanted}}}, \
        annotations: {multipod/ambassador: '80:8775'}}}";
    let mut cluster = Cluster::start("v1.34.4").await;
    cluster.put("shop", &json!({"proxy": "wanted"}), &json!({}));
    let (secret, policies) = (Secret::new(), tempfile::tempdir().unwrap());
    std::fs::write(policies.path().join("proxy.yaml"), POLICY).unwrap();
    let options = [
        format!("--kubeconfig={}", cluster.kubeconfig.display()),
        format!("--policy-dir={}", policies.path().display()),
        "--drain-floor=100ms".to_owned(),
    ];
    let replica = Replica::start(&secret, &options.each_ref().map(String::as_str)).await;
    let mut http = connected(&replica, &secret).await;
    let review = reviews::pod(&json!({})).to_string();
    let mut p99 = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let mut took = answered(&mut http, &review, CALLS).await;
        p99[0].push(percentile(&mut took, 99, |took| *took));

        cluster.vanish().await;
        until_stands(&replica, "[+]synced ok: serving what was known ").await;
        let known_until = synced(&replica).await;
        let mut took = answered(&mut http, &review, CALLS).await;
        p99[1].push(percentile(&mut took, 99, |took| *took));
        assert_eq!(synced(&replica).await, known_until, "what is known grows old");

        cluster.come_back().await;
        until_stands(&replica, "[+]synced ok\n").await;
        assert_ne!(synced(&replica).await, known_until);
    }
    let [with, without] = p99.map(|p99| p99.into_iter().min().unwrap());
    println!("p99 of answers: {with:?} with its API server, {without:?} without");
    // Far from what waiting for an answer, or for none, would take.
    assert!(without < with * 4, "{with:?}, {without:?}");
    let injected = replica.metric("multipod_admission_requests_total", "injected").await;
    assert_eq!(injected, u64::try_from(CALLS * ROUNDS * 2).unwrap(), "nothing was decided as if nobody knew");
    drop(http);
    replica.terminate();
    let log = replica.ended().await;
    let losses = log.matches("the cluster is out of sight; what is known of it stays").count();
    assert!(losses >= ROUNDS, "{log}");
}

async fn until_stands(replica: &Replica, expected: &str) {
    let stands = async {
        while !replica.admin("/readyz?verbose").await.expect("the admin port answers").1.contains(expected) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE * 2, stands).await.expect(expected);
}

/// Until when the namespaces were known, as the metric has it.
async fn synced(replica: &Replica) -> String {
    let (_, text) = replica.admin("/metrics").await.expect("the admin port answers");
    let named = |line: &&str| line.starts_with("multipod_namespaces_synced_timestamp_seconds ");
    text.lines().find(named).unwrap().to_owned()
}

async fn connected(replica: &Replica, secret: &Secret) -> Http {
    let io = TokioIo::new(shaken(replica, secret).await);
    let (http, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    http
}

/// How long each of so many answers took, one after the other.
async fn answered(http: &mut Http, review: &str, calls: usize) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..calls {
        let begun = Instant::now();
        let answer = timeout(PATIENCE, post(http, "/mutate", review)).await;
        assert_eq!(answer.expect("it is answered").expect("the connection stays").status, 200);
        took.push(begun.elapsed());
    }
    took
}
