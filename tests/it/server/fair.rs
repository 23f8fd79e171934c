//! Who wants everything, beside a client that behaves as an API server and the probes of a kubelet: it loses no review,
//! and none of them fails. Here for a moment; for a minute each, and all together, in `long`.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::support::sim::Sim;
use crate::support::sim::flood::Flood;
use crate::support::sim::large::Large;
use crate::support::sim::load::Load;
use crate::support::sim::replica::{Replica, Secret};
use crate::support::sim::service::Service;
use tokio::time::{sleep, timeout};

const MEBI: usize = 1 << 20;
const MOMENT: Duration = Duration::from_secs(3);
/// What API servers give a webhook that `deploy/` installs.
const WEBHOOK: Duration = Duration::from_secs(5);
/// What `deploy/` gives a probe.
const PROBE: Duration = Duration::from_secs(2);

/// Where a crowd comes from: another address than the API server, or the same.
pub(super) const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
pub(super) const SAME: Ipv4Addr = Ipv4Addr::LOCALHOST;

pub(super) const BODIES: Flood = Flood::Bodies(9, 8 * MEBI);
pub(super) const SMALL_BODIES: Flood = Flood::Bodies(560, 10);
pub(super) const UNREAD: Flood = Flood::Unread(300);

/// As many as there may be descriptors for, besides those of other tests, up to six thousand.
pub(super) fn silent() -> Flood {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let most = line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX);
    Flood::Silent((most / 3).min(6000))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_without_their_last_byte_take_no_room_from_others() {
    beside(&[(BODIES, ELSEWHERE)], MOMENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_without_their_last_byte_give_way_to_others_of_their_own_address() {
    beside(&[(BODIES, SAME)], MOMENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_that_keep_coming_give_no_way_to_those_that_have_stopped() {
    let secret = Secret::new();
    let replica = Replica::start(&secret, &[]).await;
    let crowd = BODIES.begin(&replica, &secret.authority, SAME);
    crowd.until(4, MOMENT).await;
    Large::begin(replica.reviews, &secret.authority, 2).until(4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_that_keep_coming_keep_their_connections_beside_silent_peers_of_their_own_address() {
    let secret = Secret::new();
    let replica = Arc::new(Replica::start(&secret, &[]).await);
    let crowd = silent().begin(&replica, &secret.authority, SAME);
    crowd.until(250, MOMENT).await;
    Large::begin(replica.reviews, &secret.authority, 2).until(6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_unfinished_requests_are_none() {
    beside(&[(SMALL_BODIES, SAME)], MOMENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_that_nobody_reads_fail_no_probe() {
    beside(&[(UNREAD, SAME)], MOMENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_silent_peers_keep_no_newcomer_out() {
    beside(&[(silent(), ELSEWHERE)], MOMENT).await;
}

/// An API server, others that have just started, and a kubelet, beside crowds; for more than a moment, large reviews too.
pub(super) async fn beside(floods: &[(Flood, Ipv4Addr)], time: Duration) {
    let secret = Secret::new();
    let replica = Arc::new(Replica::start(&secret, &[]).await);
    let service = Service::of([replica.reviews]);
    let sim = Sim::new(Arc::clone(&service), &secret.authority);
    sim.admit(WEBHOOK).await.unwrap();
    let crowds: Vec<_> =
        floods.iter().map(|(flood, from)| (flood, flood.begin(&replica, &secret.authority, *from))).collect();
    for (flood, crowd) in &crowds {
        let enough = if let Flood::Bodies(peers, _) = flood { *peers / 2 } else { 250 };
        crowd.until(enough, Duration::from_secs(3)).await;
    }
    let failed = Arc::new(AtomicU64::new(0));
    let kubelet = {
        let (replica, failed) = (Arc::clone(&replica), Arc::clone(&failed));
        tokio::spawn(async move {
            loop {
                let answer = timeout(PROBE, replica.admin("/readyz")).await;
                if !matches!(answer, Ok(Some((200, _)))) {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
                sleep(Duration::from_millis(50)).await;
            }
        })
    };
    let load = Load::steady(&sim, 4, WEBHOOK).with_newcomers(&service, &secret.authority, 2, WEBHOOK);
    // A moment is no time for them in a build that is not optimized.
    let large = (time > MOMENT).then(|| Large::begin(replica.reviews, &secret.authority, 1));
    sleep(time).await;
    if let Some(large) = large {
        large.until(1).await;
    }
    load.until(110).await;
    let done = load.end().await;
    kubelet.abort();
    drop(crowds);
    done.lost_nothing();
    assert_eq!(failed.load(Ordering::Relaxed), 0, "probes that failed");
    assert_eq!(sim.told_to_wait.load(Ordering::Relaxed), 0, "nobody was told to come again");
}
