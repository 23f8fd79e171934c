//! What a cluster says about its namespaces and itself, on its way to decisions, through everything that happens to
//! API servers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::support::cluster::Cluster;
use crate::support::reviews::{deployment, pod, verify};
use crate::support::running::{self, Answer, PATIENCE, Running, post};
use multipod::admission::Snapshot;
use multipod::certs::{Embedded, Tls, server_config};
use multipod::pattern::settings::IpFamilies;
use multipod::pod::Version;
use multipod::policy;
use multipod::server::{Handlers, Limits, Shared};
use multipod::watch::{self, Known};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

const POLICY: &str = "\
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: proxy}
spec:
  match: {namespaceSelector: {matchLabels: {proxy: wanted}}}
  annotations: {multipod/ambassador: \"80:8775\"}
";

/// A server that watches a cluster, with one policy that looks at a label of namespaces.
struct Server {
    running: Running,
    watch: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

async fn serve(kubeconfig: &Path, known: Known) -> Server {
    let loaded = policy::load(&[("proxy.yaml".to_owned(), POLICY.to_owned())]);
    assert_eq!(loaded.problems, []);
    let embedded = Embedded::make(&["localhost".to_owned()], SystemTime::now()).unwrap();
    let config = server_config(&embedded.pair, None, false).unwrap();
    let snapshot = Snapshot { policies: Arc::new(loaded.policies), ..Snapshot::default() };
    let shared = Arc::new(Shared::new(snapshot, Tls::new(config, embedded.pair.ends), Limits::default()));
    let cluster = watch::Cluster::find(Some(kubeconfig)).await.unwrap().unwrap();
    let watch = tokio::spawn(cluster.follow(known, Arc::clone(&shared)).unwrap());
    Server { running: running::run(shared, Handlers::default(), embedded.authority), watch }
}

impl Server {
    async fn review(&self, path: &str, review: &Value) -> Answer {
        post(&mut self.running.http().await, path, &review.to_string()).await.unwrap()
    }

    /// What becomes of a pod that asks for nothing itself.
    async fn outcome(&self, namespace: &str) -> &'static str {
        let mut review = pod(&json!({}));
        review["request"]["namespace"] = json!(namespace);
        let answer = self.review("/mutate", &review).await;
        if answer.status == 503 {
            assert_eq!(answer.headers["retry-after"], "1");
            assert!(answer.closes(), "another replica may know");
            return "later";
        }
        let verdict = verify(&answer.body, review["request"]["uid"].as_str().unwrap()).unwrap();
        match (verdict.allowed, verdict.patch) {
            (true, Some(_)) => "patched",
            (true, None) => "left",
            (false, _) => "refused",
        }
    }

    async fn until_outcome(&self, namespace: &str, expected: &str) {
        until(async || self.outcome(namespace).await == expected, expected).await;
    }

    async fn readiness(&self) -> (u16, String) {
        self.running.admin("/readyz?verbose").await
    }

    async fn until_readiness(&self, expected: &str) {
        until(async || self.readiness().await.1.contains(expected), expected).await;
    }

    /// Until when the namespaces were known, as the metric has it.
    async fn synced(&self) -> Option<f64> {
        let (_, text) = self.running.admin("/metrics").await;
        let named = |line: &&str| line.starts_with("multipod_namespaces_synced_timestamp_seconds ");
        let line = text.lines().find(named).unwrap();
        let seconds: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        (!seconds.is_nan()).then_some(seconds)
    }
}

async fn until(mut condition: impl AsyncFnMut() -> bool, what: &str) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE * 2, "it never comes: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn wanted() -> Value {
    json!({"proxy": "wanted"})
}

#[tokio::test]
async fn nothing_is_decided_before_the_namespaces_are_known() {
    let mut cluster = Cluster::start("v1.28.3+k3s1").await;
    cluster.put("shop", &wanted(), &json!({}));
    cluster.vanish().await;
    let server = serve(&cluster.kubeconfig, Known::default()).await;
    assert_eq!(server.outcome("shop").await, "later");
    server.until_readiness("[-]synced failed: version: ").await;
    assert_eq!(server.readiness().await.0, 503);
    assert_eq!(server.running.admin("/livez").await.0, 200, "others' absence restarts nobody");
    assert_eq!(server.synced().await, None);

    cluster.come_back().await;
    server.until_readiness("[+]synced ok\n").await;
    assert_eq!(server.readiness().await.0, 200);
    assert_eq!(server.outcome("shop").await, "patched");
    assert!(server.synced().await.is_some());
    assert_eq!(server.running.shared.snapshot.load().version, Version { major: 1, minor: 28 });
}

#[tokio::test]
async fn what_changes_in_a_namespace_reaches_decisions() {
    let cluster = Cluster::start("v1.34.4").await;
    cluster.put("shop", &json!({}), &json!({"example.com/note": "x"}));
    let server = serve(&cluster.kubeconfig, Known::default()).await;
    server.until_readiness("[+]synced ok\n").await;
    assert_eq!(server.outcome("shop").await, "left");
    cluster.put("shop", &wanted(), &json!({}));
    server.until_outcome("shop", "patched").await;
    cluster.put("shop", &json!({}), &json!({}));
    server.until_outcome("shop", "left").await;
    cluster.put("shop", &json!({}), &json!({"multipod/ambassador": "81:8775"}));
    server.until_outcome("shop", "patched").await;

    // One that nobody has heard of may be a moment old; what it asks for must not be missed.
    assert_eq!(server.outcome("new").await, "later");
    cluster.put("new", &wanted(), &json!({}));
    server.until_outcome("new", "patched").await;
    cluster.delete("new");
    server.until_outcome("new", "later").await;
    assert_eq!(server.outcome("shop").await, "patched");
    let (_, metrics) = server.running.admin("/metrics").await;
    assert!(metrics.contains("outcome=\"error\",reason=\"namespace_unknown\""), "{metrics}");
}

#[tokio::test]
async fn warnings_wait_for_no_namespace() {
    let cluster = Cluster::start("v1.34.4").await;
    let server = serve(&cluster.kubeconfig, Known::default()).await;
    server.until_readiness("[+]synced ok\n").await;
    let answer = server.review("/warn", &deployment(&json!({"multipod/logging": "x"}), &json!({}))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn without_its_api_server_the_last_state_is_served_on() {
    let mut cluster = Cluster::start("v1.34.4").await;
    cluster.put("shop", &wanted(), &json!({}));
    cluster.put("plain", &json!({}), &json!({}));
    let server = serve(&cluster.kubeconfig, Known::default()).await;
    server.until_readiness("[+]synced ok\n").await;

    cluster.vanish().await;
    server.until_readiness("[+]synced ok: serving what was known ").await;
    assert_eq!(server.readiness().await.0, 200);
    assert_eq!((server.outcome("shop").await, server.outcome("plain").await), ("patched", "left"));
    let (before, after) = (server.synced().await, server.synced().await);
    assert!(before.is_some() && before == after, "it stands still: {before:?} {after:?}");

    cluster.delete("plain");
    cluster.put("shop", &json!({}), &json!({}));
    cluster.upgrade("v1.35.0");
    cluster.come_back().await;
    server.until_readiness("[+]synced ok\n").await;
    assert_eq!((server.outcome("shop").await, server.outcome("plain").await), ("left", "later"));
    assert!(server.synced().await > before);
    assert_eq!(server.running.shared.snapshot.load().version, Version { major: 1, minor: 35 });
    cluster.put("shop", &wanted(), &json!({}));
    server.until_outcome("shop", "patched").await;
}

#[tokio::test]
async fn a_watch_that_has_missed_too_much_reads_everything_again() {
    let cluster = Cluster::start("v1.34.4").await;
    cluster.put("shop", &json!({}), &json!({}));
    let server = serve(&cluster.kubeconfig, Known::default()).await;
    server.until_readiness("[+]synced ok\n").await;
    cluster.expire("shop", &wanted());
    server.until_outcome("shop", "patched").await;
    cluster.put("shop", &json!({}), &json!({}));
    server.until_outcome("shop", "left").await;
}

#[tokio::test]
async fn the_cluster_is_asked_only_for_what_nobody_has_known() {
    let cluster = Cluster::start("v1.28.0").await;
    cluster.families(&json!(["IPv6"]));
    let server = serve(&cluster.kubeconfig, Known { version: true, ip_families: true }).await;
    server.until_readiness("[+]synced ok\n").await;
    let snapshot = server.running.shared.snapshot.load_full();
    assert_eq!((snapshot.version, snapshot.settings.ip_families), (Version::ASSUMED, IpFamilies::Ipv4));
    assert!(
        cluster.asked().iter().all(|path| path.starts_with("/api/v1/namespaces?")),
        "{:?}",
        cluster.asked()
    );

    let server = serve(&cluster.kubeconfig, Known::default()).await;
    server.until_readiness("[+]synced ok\n").await;
    let snapshot = server.running.shared.snapshot.load_full();
    let version = Version { major: 1, minor: 28 };
    assert_eq!((snapshot.version, snapshot.settings.ip_families), (version, IpFamilies::Ipv6));
}

#[tokio::test]
async fn a_kubeconfig_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, "clusters: 7\n").unwrap();
    for path in [&file, &folder.path().join("nowhere")] {
        let error = watch::Cluster::find(Some(path)).await.unwrap_err();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
    }
}
