//! What a cluster says about its namespaces and itself, on its way to decisions, through everything that happens to
//! API servers.

use multipod_engine::pattern::settings::IpFamilies;
use multipod_engine::pod::Version;
use multipod_engine::policy::{Layer, Objects};

use super::watching::{serve, until};
use crate::support::cluster::Cluster;
use crate::support::reviews::{deployment, pod};
use multipod::watch::{self, Known, PolicyStore};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

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
    assert!(metrics.contains("outcome=\"error\",reason=\"not_known_yet\""), "{metrics}");
}

/// Policies come after namespaces were seen, and name annotations of them that nobody has named before.
#[tokio::test]
async fn the_annotations_that_conditions_name_are_known_when_policies_change() {
    let cluster = Cluster::start("v1.34.4").await;
    cluster.put("gold", &json!({}), &json!({"example.com/tier": "gold", "example.com/owner": "a"}));
    cluster.put("long", &json!({}), &json!({"example.com/tier": "x".repeat(257)}));
    cluster.put("other", &json!({}), &json!({"example.com/note": "x"}));
    cluster.put("plain", &json!({}), &json!({}));
    let server = serve(&cluster.kubeconfig, Known::default()).await;
    server.until_readiness("[+]synced ok\n").await;
    assert_eq!(server.outcome("gold").await, "left");
    let store = PolicyStore::new(Arc::clone(&server.running.shared));
    let enforce = |expression: &str| {
        let policy = json!({"apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy", "metadata": {"name": "proxy"},
            "spec": {"mode": "enforce", "annotations": {"multipod/ambassador": "80:8775"},
                "match": {"matchConditions": [{"name": "one", "expression": expression}]}}});
        store.replace(Layer::Folder, Objects::of_files(&[("proxy.yaml".to_owned(), policy.to_string())]));
    };
    let patched_and_never_left = async |namespace: &str| loop {
        match server.outcome(namespace).await {
            "patched" => return,
            "later" => {}
            other => panic!("{namespace}: {other}"),
        }
    };

    enforce("namespaceObject.metadata.?annotations[?'example.com/tier'].orValue('') == 'gold'");
    patched_and_never_left("gold").await;
    assert_eq!(server.outcome("long").await, "refused");
    assert_eq!((server.outcome("other").await, server.outcome("plain").await), ("left", "left"));
    assert_eq!(server.running.shared.snapshot.load().namespaces.named().len(), 1);

    cluster.put("plain", &json!({}), &json!({"example.com/tier": "gold"}));
    server.until_outcome("plain", "patched").await;
    cluster.put("plain", &json!({}), &json!({}));
    server.until_outcome("plain", "left").await;

    enforce("namespaceObject.metadata.annotations['example.com/owner'] == 'a'");
    patched_and_never_left("gold").await;
    assert_eq!(server.outcome("plain").await, "refused", "it has no annotation at all");
    enforce("has(namespaceObject.metadata.annotations)");
    server.until_outcome("plain", "left").await;
    assert_eq!(server.outcome("other").await, "patched");
}

/// Whatever the mode of the policy, a pod that its condition decides about neither passes nor is refused meanwhile.
#[tokio::test]
async fn until_an_annotation_is_known_the_pods_that_it_decides_about_are_asked_for_again() {
    for mode in ["default", "enforce"] {
        let mut cluster = Cluster::start("v1.34.4").await;
        cluster.put("gold", &json!({"team": "a"}), &json!({"example.com/tier": "gold"}));
        cluster.put("silver", &json!({"team": "a"}), &json!({"example.com/tier": "silver"}));
        cluster.put("other", &json!({"team": "b"}), &json!({"example.com/tier": "gold"}));
        cluster.put("plain", &json!({"team": "a"}), &json!({}));
        let server = serve(&cluster.kubeconfig, Known::default()).await;
        server.until_readiness("[+]synced ok\n").await;
        cluster.vanish().await;
        let policy = json!({"apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy", "metadata": {"name": "proxy"},
            "spec": {"mode": mode, "annotations": {"multipod/ambassador": "80:8775"}, "match": {
                "namespaceSelector": {"matchLabels": {"team": "a"}}, "matchConditions": [
                    {"name": "gold", "expression": "namespaceObject.metadata.?annotations[?'example.com/tier'].orValue('') == 'gold'"},
                    {"name": "not-too-many", "expression": "size(object.spec.containers) < 5"}]}}});
        let objects = Objects::of_files(&[("proxy.yaml".to_owned(), policy.to_string())]);
        PolicyStore::new(Arc::clone(&server.running.shared)).replace(Layer::Folder, objects);
        assert_eq!(
            (server.outcome("gold").await, server.outcome("silver").await),
            ("later", "later"),
            "{mode}"
        );
        // Neither the selector nor the other condition waits, and a namespace without annotations has none of any name.
        assert_eq!(
            (server.outcome("other").await, server.outcome("plain").await),
            ("left", "left"),
            "{mode}"
        );
        let mut many = pod(&json!({}));
        many["request"]["namespace"] = json!("gold");
        many["request"]["object"]["spec"]["containers"] =
            (0..5).map(|at| json!({"name": format!("c{at}"), "image": "a"})).collect();
        assert_eq!(server.review("/mutate", &many).await.status, 200, "{mode}");
        // A warning has no second chance: it does not wait.
        let answer = server.review("/warn", &deployment(&json!({}), &json!({}))).await;
        assert_eq!(answer.status, 200);

        cluster.come_back().await;
        server.until_outcome("gold", "patched").await;
        assert_eq!(server.outcome("silver").await, "left", "{mode}");
    }
}

/// Each of a stream of policies names something new, faster than a list can be read.
#[tokio::test]
async fn a_stream_of_policies_never_keeps_a_list_from_its_end() {
    let cluster = Cluster::start("v1.34.4").await;
    cluster.put("gold", &json!({}), &json!({"example.com/tier": "gold"}));
    let server = serve(&cluster.kubeconfig, Known::default()).await;
    server.until_readiness("[+]synced ok\n").await;
    cluster.lists_slowly(Duration::from_millis(300));
    let store = PolicyStore::new(Arc::clone(&server.running.shared));
    let name = |annotation: &str| {
        let expression =
            format!("namespaceObject.metadata.?annotations[?'{annotation}'].orValue('') == 'gold'");
        let policy = |name: &str, expression: &str| {
            json!({"apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy", "metadata": {"name": name},
                "spec": {"annotations": {"multipod/ambassador": "80:8775"},
                    "match": {"matchConditions": [{"name": "one", "expression": expression}]}}})
        };
        let first = policy(
            "first",
            "namespaceObject.metadata.?annotations[?'example.com/tier'].orValue('') == 'gold'",
        );
        let files = [("first.yaml", first), ("other.yaml", policy("other", &expression))];
        let files = files.map(|(file, policy)| (file.to_owned(), policy.to_string()));
        store.replace(Layer::Folder, Objects::of_files(&files));
    };
    let stream = async {
        for at in 0.. {
            name(&format!("example.com/{at}"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let knows = || {
        let snapshot = server.running.shared.snapshot.load();
        snapshot.namespaces.named().iter().any(|name| **name == *"example.com/tier")
    };
    tokio::select! {
        () = stream => {}
        () = until(async || knows(), "the first annotation is known") => {}
    }
    // And the last one gets its turn.
    server.until_outcome("gold", "patched").await;
}

/// Values that come and go for months take no more memory than those that are there.
#[tokio::test]
async fn what_no_namespace_says_any_more_is_let_go_of() {
    let cluster = Cluster::start("v1.34.4").await;
    cluster.put("shop", &json!({"stage": "first"}), &json!({}));
    let server = serve(&cluster.kubeconfig, Known::default()).await;
    server.until_readiness("[+]synced ok\n").await;
    let label = || {
        let snapshot = server.running.shared.snapshot.load();
        snapshot.namespaces.get("shop").map(|shop| Arc::clone(&shop.labels[0].1)).unwrap()
    };
    let first = Arc::downgrade(&label());
    assert_eq!(first.upgrade().as_deref(), Some("first"));
    for round in 0..60 {
        for at in 0..25 {
            cluster.put("shop", &json!({"stage": format!("{round}-{at}")}), &json!({}));
        }
        let last = format!("{round}-24");
        until(async || *label() == *last, &last).await;
    }
    assert_eq!(first.upgrade(), None, "nobody needs it");
}

#[tokio::test]
async fn warnings_wait_for_no_namespace() {
    let cluster = Cluster::start("v1.34.4").await;
    let server = serve(&cluster.kubeconfig, Known::default()).await;
    server.until_readiness("[+]synced ok\n").await;
    let answer = server.review("/warn", &deployment(&json!({"multipod/logging": "x"}), &json!({}))).await;
    assert_eq!(answer.status, 200);

    // Nor does anybody say that pods will be refused of which nobody can tell yet.
    let expression = "namespaceObject.metadata.labels.team == 'a'";
    let policy = json!({"apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy", "metadata": {"name": "proxy"},
        "spec": {"mode": "enforce", "annotations": {"multipod/ambassador": "80:8775"},
            "match": {"matchConditions": [{"name": "one", "expression": expression}]}}});
    let objects = Objects::of_files(&[("proxy.yaml".to_owned(), policy.to_string())]);
    PolicyStore::new(Arc::clone(&server.running.shared)).replace(Layer::Folder, objects);
    let workload = deployment(&json!({}), &json!({}));
    let warnings = async || {
        let answer: Value = serde_json::from_slice(&server.review("/warn", &workload).await.body).unwrap();
        answer["response"]["warnings"].clone()
    };
    assert_eq!(warnings().await, Value::Null);
    cluster.put(workload["request"]["namespace"].as_str().unwrap(), &json!({}), &json!({}));
    until(async || warnings().await != Value::Null, "its pods will be refused").await;
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
