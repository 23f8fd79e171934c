//! What takes minutes to show, with servers as processes and a client that behaves as an API server: ends without a lost
//! request, peers that are slow, certificates that change, too much load, and panics. `make test-long`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.

mod reviews;
mod running;
mod sim;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use multipod::admission::{self, Fault, Reply, Snapshot};
use multipod::server::{Handlers, Limits};
use reviews::pod;
use running::{PATIENCE, post, start_with};
use rustls::pki_types::ServerName;
use serde_json::json;
use sim::bad::{self, EVERY};
use sim::load::Load;
use sim::replica::{Replica, Secret};
use sim::service::Service;
use sim::{NAME, Sim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const WEBHOOK: Duration = Duration::from_secs(10);
const MEBI: usize = 1 << 20;

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_restarts_under_load_lose_not_one_request() {
    // A tenth of everything: the time to go on accepting, the news, and the time between bursts.
    let lags = (0..20).map(|at| Duration::from_millis(at * 79 % 1500));
    restart_under_load(&["--drain-floor=2s"], lags, Duration::from_millis(650)).await;
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
    const OF_EACH: usize = 350;
    let secret = Secret::new();
    let replica = Replica::start(&secret, &["--max-connections=4000"]).await;
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
            let count = if bad == bad::Bad::UnreadAnswer { 5 } else { OF_EACH };
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
        println!("{}", tell(&longest, replica.size()));
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

fn tell(longest: &HashMap<bad::Bad, Duration>, (memory, descriptors): (usize, usize)) -> String {
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

/// How many requests may be there at one time, and how long each takes: its body needs that long.
const ROOM: usize = 8;
const TAKES: Duration = Duration::from_millis(500);

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_the_capacity_is_refused_at_once_and_the_rest_goes_on() {
    const SECONDS: u32 = 10;
    let secret = Secret::new();
    let replica = Replica::start(&secret, &[&format!("--max-requests={ROOM}")]).await;
    let tls = bad::tls(&secret.authority);

    // As many as there is room for, each after the one before.
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..ROOM {
        let (address, tls) = (replica.reviews, tls.clone());
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
        asked.spawn(slow_request(replica.reviews, tls.clone()));
    }
    let over = Instant::now();
    while !all_are_answered(replica.reviews, &tls).await {}
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
    // Times of this run alone, because the machine may be busy.
    assert!(told_50 * 50 < alone && closed_99 * 5 < alone, "{told}");
    assert!(recovery < alone * 10, "{told}");

    let sim = Sim::new(Service::of([replica.reviews]), &secret.authority);
    for _ in 0..100 {
        sim.admit(WEBHOOK).await.unwrap();
    }
    assert_eq!(sim.told_to_wait.load(Ordering::Relaxed), 0, "nothing is left of it");
    assert_eq!(replica.metric("multipod_buffered_bytes", "").await, 0);
}

/// As many as there is room for, at once.
async fn all_are_answered(address: std::net::SocketAddr, tls: &tokio_rustls::TlsConnector) -> bool {
    let requests: JoinSet<Slow> = (0..ROOM).map(|_| slow_request(address, tls.clone())).collect();
    requests.join_all().await.iter().all(|one| one.status == 200)
}

/// What became of a request whose body takes its time.
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

/// Sends half of a review, and the other half only if nothing comes back meanwhile.
async fn slow_request(address: std::net::SocketAddr, tls: tokio_rustls::TlsConnector) -> Slow {
    let tcp = TcpStream::connect(address).await.unwrap();
    // As API servers do. Else the request waits for the end of the handshake to be acknowledged, which takes 40 ms.
    tcp.set_nodelay(true).unwrap();
    let mut stream = tls.connect(ServerName::try_from(NAME).unwrap(), tcp).await.unwrap();
    let body = reviews::REAL[0];
    let head = format!(
        "POST /mutate?timeout=10s HTTP/1.1\r\nhost: {NAME}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (first, second) = body.split_at(body.len() / 2);
    let begun = Instant::now();
    stream.write_all((head + first).as_bytes()).await.unwrap();
    let mut text = Vec::new();
    if let Ok(byte) = timeout(TAKES, stream.read_u8()).await {
        text.extend(byte);
    } else {
        // It may be refused at this very moment, and then it is written for nobody.
        let _ = stream.write_all(second.as_bytes()).await;
        text.extend(stream.read_u8().await);
    }
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
    const TIME: Duration = Duration::from_secs(6);
    let secret = Secret::new();
    let replica = Replica::start(&secret, &[]).await;
    let mut done = Vec::new();
    for clients in [8, 600] {
        let mut connections = Vec::new();
        for _ in 0..clients {
            let io = TokioIo::new(shaken(&replica, &secret).await);
            let (http, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            tokio::spawn(async move { drop(connection.await) });
            connections.push(http);
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
        done.push(took.len());
    }
    assert!(done[1] * 10 >= done[0] * 8, "four fifths at least: {done:?}");
}

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_new_connections_does_not_stop_those_that_are_there() {
    const CALLS: usize = 500;
    const NEWCOMERS: usize = 8;
    let secret = Secret::new();
    let replica = Replica::start(&secret, &[]).await;
    let io = TokioIo::new(shaken(&replica, &secret).await);
    let (mut http, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
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
        let mut took = Vec::new();
        for _ in 0..CALLS {
            let begun = Instant::now();
            let answer = timeout(PATIENCE, post(&mut http, "/mutate", reviews::REAL[0])).await;
            assert_eq!(answer.expect("it is answered").expect("the connection stays").status, 200);
            took.push(begun.elapsed());
        }
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
    let secret = Secret::new();
    // Young connections, so that new ones keep coming to the one that is full.
    let young = "--connection-age=300ms";
    let full = Replica::start(&secret, &[young, "--max-requests=2"]).await;
    let others = [Replica::start(&secret, &[young]).await, Replica::start(&secret, &[young]).await];
    let tls = bad::tls(&secret.authority);
    let mut crowd = JoinSet::new();
    for _ in 0..8 {
        let (address, tls) = (full.reviews, tls.clone());
        crowd.spawn(async move {
            loop {
                let _ = bad::Bad::StalledBody.be(address, &tls).await;
                sleep(Duration::from_millis(20)).await;
            }
        });
    }
    let is_full = async {
        while full.metric("multipod_requests_in_flight", "").await < 2 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, is_full).await.expect("it is full");
    let service = Service::of([full.reviews, others[0].reviews, others[1].reviews]);
    let sim = Sim::new(service, &secret.authority);
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
fn panics_often<'b>(body: &'b [u8], snapshot: &Snapshot) -> Result<Reply<'b>, Fault> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let reply = admission::mutate(body, snapshot);
    assert!(!COUNT.fetch_add(1, Ordering::Relaxed).is_multiple_of(7), "{INJECTED}");
    reply
}

const INJECTED: &str = "an injected panic";

#[ignore = "takes minutes: make test-long"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_requests_survive_their_panics() {
    const REQUESTS: usize = 100_000;
    const CLIENTS: usize = 8;
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let wanted = panic.payload().downcast_ref::<String>().is_some_and(|text| text == INJECTED)
            || panic.payload().downcast_ref::<&str>().is_some_and(|text| *text == INJECTED);
        if !wanted {
            tell(panic);
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
    let begun = Instant::now();
    let mut sizes = Vec::new();
    while begun.elapsed() < time {
        sleep(Duration::from_secs(5)).await;
        secret.renew();
        let policy = format!(
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: soak-{}}}\nspec: {{}}\n",
            sizes.len()
        );
        std::fs::write(policies.path().join(format!("{}.yaml", sizes.len() % 5)), policy).unwrap();
        sizes.push(replica.size());
    }
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
