//! A server that watches a cluster, in this process.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use multipod_engine::policy::{Layer, Objects};

use crate::support::reviews::{pod, verify};
use crate::support::running::{self, Answer, PATIENCE, Running, post};
use multipod::admission::Snapshot;
use multipod::server::{Handlers, Limits, Shared};
use multipod::watch::{self, ClusterPolicies, Known, PolicyStore};
use multipod_certs::{Embedded, Tls, server_config};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep};

const POLICY: &str = "\
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: proxy}
spec:
  match: {namespaceSelector: {matchLabels: {proxy: wanted}}}
  annotations: {multipod/ambassador: \"80:8775\"}
";

/// A server that watches a cluster, with one policy that looks at a label of namespaces.
pub(super) struct Server {
    pub(super) running: Running,
    watch: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// It leaves the policies of the cluster alone.
pub(super) async fn serve(kubeconfig: &Path, known: Known) -> Server {
    watching(kubeconfig, known, false).await
}

pub(super) async fn watching(kubeconfig: &Path, known: Known, policies: bool) -> Server {
    let embedded = Embedded::make(&["localhost".to_owned()], SystemTime::now()).unwrap();
    let config = server_config(&embedded.pair, None, false).unwrap();
    let tls = Tls::new(config, embedded.pair.ends);
    let shared = Arc::new(Shared::new(Snapshot::default(), tls, Limits::default()));
    let store = Arc::new(PolicyStore::new(Arc::clone(&shared)));
    store.replace(Layer::Folder, Objects::of_files(&[("proxy.yaml".to_owned(), POLICY.to_owned())]));
    let cluster = watch::Cluster::find(Some(kubeconfig)).await.unwrap().unwrap();
    let watch = tokio::spawn(
        cluster
            .follow(
                known,
                policies.then_some(ClusterPolicies { store, report: false, own_pod: None }),
                Arc::clone(&shared),
            )
            .unwrap(),
    );
    Server { running: running::run(shared, Handlers::default(), embedded.authority), watch }
}

impl Server {
    pub(super) async fn review(&self, path: &str, review: &Value) -> Answer {
        post(&mut self.running.http().await, path, &review.to_string()).await.unwrap()
    }

    /// What becomes of a pod that asks for nothing itself.
    pub(super) async fn outcome(&self, namespace: &str) -> &'static str {
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

    pub(super) async fn until_outcome(&self, namespace: &str, expected: &str) {
        until(async || self.outcome(namespace).await == expected, expected).await;
    }

    pub(super) async fn readiness(&self) -> (u16, String) {
        self.running.admin("/readyz?verbose").await
    }

    pub(super) async fn until_readiness(&self, expected: &str) {
        until(async || self.readiness().await.1.contains(expected), expected).await;
    }

    /// Until when the namespaces were known, as the metric has it.
    pub(super) async fn synced(&self) -> Option<f64> {
        let seconds: f64 = self.metric("multipod_namespaces_synced_timestamp_seconds").await.parse().unwrap();
        (!seconds.is_nan()).then_some(seconds)
    }

    /// The value of a metric without labels, as it is written.
    pub(super) async fn metrics(&self) -> String {
        self.running.admin("/metrics").await.1
    }

    pub(super) async fn metric(&self, name: &str) -> String {
        let text = self.metrics().await;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
    }
}

pub(super) async fn until(mut condition: impl AsyncFnMut() -> bool, what: &str) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE * 2, "it never comes: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
