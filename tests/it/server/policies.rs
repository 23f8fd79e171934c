//! Policies and patterns that are objects of the cluster, on their way to decisions.

use super::watching::{Server, until, watching};
use crate::support::cluster::{Cluster, Streaming};
use multipod::watch::Known;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

const POLICY: &str = "InjectionPolicy";

/// A cluster with a namespace that no file's policy is for.
async fn cluster() -> Cluster {
    let cluster = Cluster::start("v1.34.4").await;
    cluster.put("shop", &json!({"stage": "prod"}), &json!({}));
    cluster
}

async fn serve(cluster: &Cluster) -> Server {
    watching(&cluster.kubeconfig, Known { version: true, ip_families: true }, true).await
}

fn ambassador(stage: &str) -> Value {
    json!({"match": {"namespaceSelector": {"matchLabels": {"stage": stage}}},
           "annotations": {"multipod/ambassador": "80:8775"}})
}

#[tokio::test]
async fn an_object_decides_while_it_is_there() {
    for streaming in [Streaming::Sent, Streaming::Refused] {
        let cluster = cluster().await;
        cluster.install(streaming);
        cluster.apply(POLICY, "first", &ambassador("prod"));
        let server = serve(&cluster).await;
        server.until_readiness("[+]policies ok\n").await;
        server.until_outcome("shop", "patched").await;
        cluster.apply(POLICY, "first", &ambassador("dev"));
        server.until_outcome("shop", "left").await;
        cluster.apply(POLICY, "second", &ambassador("prod"));
        server.until_outcome("shop", "patched").await;
        cluster.withdraw(POLICY, "second");
        server.until_outcome("shop", "left").await;
        // That of the folder has never been touched.
        cluster.put("other", &json!({"proxy": "wanted"}), &json!({}));
        server.until_outcome("other", "patched").await;
    }
}

#[tokio::test]
async fn an_api_server_that_has_never_heard_of_streams_is_asked_for_lists() {
    let cluster = cluster().await;
    cluster.install(Streaming::Ignored);
    cluster.put("shop", &json!({"stage": "prod"}), &json!({"example.com/tier": "gold"}));
    cluster.lists_slowly(Duration::from_millis(300));
    let mut policy = ambassador("prod");
    let is_gold = "namespaceObject.metadata.annotations['example.com/tier'] == 'gold'";
    policy["match"]["matchConditions"] = json!([{"name": "gold", "expression": is_gold}]);
    cluster.apply(POLICY, "first", &policy);
    let server = serve(&cluster).await;
    // The namespaces are known long before the policies, but not yet with the annotation that a policy then names.
    let mut outcome = server.outcome("shop").await;
    while outcome == "later" {
        outcome = server.outcome("shop").await;
    }
    assert_eq!(outcome, "patched");
    cluster.withdraw(POLICY, "first");
    server.until_outcome("shop", "left").await;
}

#[tokio::test]
async fn a_policy_of_the_cluster_may_name_a_pattern_of_the_cluster() {
    let cluster = cluster().await;
    cluster.install(Streaming::Sent);
    let container = json!({"name": "tap", "image": "tap:1"});
    cluster.apply("Pattern", "tap", &json!({"containers": [container]}));
    let spec = json!({"onObstacle": "deny", "annotations": {"multipod/patterns": "tap"}});
    cluster.apply(POLICY, "first", &spec);
    let server = serve(&cluster).await;
    server.until_outcome("shop", "patched").await;
    cluster.withdraw("Pattern", "tap");
    server.until_outcome("shop", "refused").await;
}

#[tokio::test]
async fn the_pods_of_each_policy_are_counted_for_as_long_as_it_is_in_force() {
    let cluster = cluster().await;
    cluster.install(Streaming::Sent);
    cluster.apply(POLICY, "first", &ambassador("prod"));
    cluster.apply(POLICY, "trial", &json!({"mode": "audit", "annotations": {"multipod/metrics": "nginx"}}));
    let server = serve(&cluster).await;
    let counted = |policy: &str, outcome: &str| {
        format!("multipod_policy_pods_total{{policy=\"{policy}\",outcome=\"{outcome}\"}}")
    };
    server.until_outcome("shop", "patched").await;
    let before: u32 = server.metric(&counted("first", "injected")).await.parse().unwrap();
    for _ in 0..3 {
        assert_eq!(server.outcome("shop").await, "patched");
    }
    assert_eq!(server.metric(&counted("first", "injected")).await, (before + 3).to_string());
    assert_ne!(server.metric(&counted("trial", "injected")).await, "0", "audits are for pods, too");
    cluster.withdraw(POLICY, "first");
    until(async || !server.metrics().await.contains("policy=\"first\""), "it is forgotten").await;
    assert!(server.metrics().await.contains("policy=\"trial\""));
}

#[tokio::test]
async fn a_mistake_in_one_object_is_counted_and_disturbs_no_other() {
    let cluster = cluster().await;
    cluster.install(Streaming::Sent);
    cluster.apply(
        POLICY,
        "broken",
        &json!({"match": {"ownerKinds": ["Jobb"]}, "annotations": {"multipod/ambassador": "8o:1"}}),
    );
    cluster.apply(POLICY, "good", &ambassador("prod"));
    let server = serve(&cluster).await;
    server.until_outcome("shop", "patched").await;
    // Its owners and its annotation.
    assert_eq!(server.metric("multipod_policy_problems").await, "2");
    cluster.apply(POLICY, "broken", &ambassador("prod"));
    until(async || server.metric("multipod_policy_problems").await == "0", "no problem").await;
    assert_eq!(server.metric("multipod_policies").await, "3");
}

#[tokio::test]
async fn where_the_kinds_are_not_installed_nobody_waits_for_them_and_they_are_noticed_later() {
    let cluster = cluster().await;
    let server = serve(&cluster).await;
    server.until_readiness("[+]policies ok\n").await;
    assert_eq!(server.outcome("shop").await, "left");
    assert_eq!(server.metric("multipod_cluster_policies_synced_timestamp_seconds").await, "NaN");
    let asked = || cluster.asked().iter().filter(|path| path.contains("multipod.dev")).count();
    let before = asked();
    sleep(Duration::from_secs(2)).await;
    assert!(asked() - before <= 2, "it asks without end");

    cluster.install(Streaming::Sent);
    cluster.apply(POLICY, "first", &ambassador("prod"));
    server.until_outcome("shop", "patched").await;
    assert_ne!(server.metric("multipod_cluster_policies_synced_timestamp_seconds").await, "NaN");
}

#[tokio::test]
async fn nothing_is_decided_before_the_policies_are_known() {
    let cluster = cluster().await;
    cluster.install(Streaming::Unavailable);
    cluster.apply(POLICY, "first", &ambassador("prod"));
    let server = serve(&cluster).await;
    server.until_readiness("[-]policies failed: policies: ").await;
    server.until_readiness("[+]synced ok\n").await;
    assert_eq!(server.readiness().await.0, 503);
    assert_eq!(server.outcome("shop").await, "later");
    cluster.install(Streaming::Sent);
    server.until_readiness("[+]policies ok\n").await;
    assert_eq!((server.readiness().await.0, server.outcome("shop").await), (200, "patched"));
}

#[tokio::test]
async fn without_its_api_server_the_last_policies_are_served_on() {
    let mut cluster = cluster().await;
    cluster.install(Streaming::Sent);
    cluster.apply(POLICY, "first", &ambassador("prod"));
    let server = serve(&cluster).await;
    server.until_outcome("shop", "patched").await;

    cluster.vanish().await;
    server.until_readiness("[+]policies ok: serving what was known ").await;
    let age = async || server.metric("multipod_cluster_policies_synced_timestamp_seconds").await;
    assert_eq!((server.readiness().await.0, server.outcome("shop").await), (200, "patched"));
    assert_eq!(age().await, age().await, "it stands still");
    cluster.withdraw(POLICY, "first");
    cluster.apply(POLICY, "second", &ambassador("dev"));
    cluster.come_back().await;
    server.until_readiness("[+]policies ok\n").await;
    server.until_outcome("shop", "left").await;
    assert_eq!(server.metric("multipod_policies").await, "2");
}

/// That an API server no longer serves a kind does not say that there are no objects of it.
#[tokio::test]
async fn policies_outlive_the_kind_that_is_no_longer_served() {
    let cluster = cluster().await;
    cluster.install(Streaming::Sent);
    cluster.apply(POLICY, "first", &ambassador("prod"));
    let server = serve(&cluster).await;
    server.until_outcome("shop", "patched").await;
    cluster.uninstall();
    server.until_readiness("the kinds are no longer served").await;
    assert_eq!((server.readiness().await.0, server.outcome("shop").await), (200, "patched"));
    cluster.install(Streaming::Sent);
    server.until_readiness("[+]policies ok\n").await;
    cluster.withdraw(POLICY, "first");
    server.until_outcome("shop", "left").await;
}

#[tokio::test]
async fn many_changes_at_once_become_few_snapshots() {
    let cluster = cluster().await;
    cluster.install(Streaming::Sent);
    let server = serve(&cluster).await;
    server.until_readiness("[+]policies ok\n").await;
    let mut seen = Vec::new();
    for number in 0..50 {
        cluster.apply(POLICY, &format!("p{number}"), &ambassador("prod"));
    }
    until(
        async || {
            let count = server.running.shared.snapshot.load().policies.iter().count();
            if seen.last() != Some(&count) {
                seen.push(count);
            }
            count == 51
        },
        "all are known",
    )
    .await;
    assert!(seen.len() < 10, "{seen:?}");
}
