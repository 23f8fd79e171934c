//! What happens to policies and patterns when they are written.

use std::sync::Arc;

use multipod::admission::Snapshot;
use multipod::server::Limits;
use multipod_engine::policy;
use serde_json::{Value, json};

use crate::support::reviews::{Verdict, pod, verify};
use crate::support::running::{Running, post, start};

fn written(kind: &str, name: &str, spec: &Value) -> Value {
    let resource = if kind == "Pattern" { "patterns" } else { "injectionpolicies" };
    let object = json!({"apiVersion": "multipod.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let mut review = pod(&json!({}));
    let request = &mut review["request"];
    request["kind"] = json!({"group": "multipod.dev", "version": "v1alpha1", "kind": kind});
    request["resource"] = json!({"group": "multipod.dev", "version": "v1alpha1", "resource": resource});
    request["namespace"] = json!("");
    request["name"] = json!(name);
    request["object"] = object;
    review
}

fn policy(name: &str, spec: &Value) -> Value {
    written("InjectionPolicy", name, spec)
}

/// A server in which two policies are in force.
fn server() -> Running {
    let text = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: web}\nspec:\n  \
         match: {podSelector: {matchLabels: {app: web}}}\n  mode: enforce\n  annotations: {multipod/init: \"wait-for a:1\"}\n---\n\
         apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: names}\nspec: {upstreams: {db: \"a:1\"}}\n";
    let loaded = policy::load(&[("a.yaml".to_owned(), text.to_owned())]);
    assert_eq!(loaded.problems, []);
    let server = start(Limits::default());
    let snapshot = Snapshot { policies: Arc::new(loaded.policies), ..Snapshot::default() };
    server.shared.snapshot.store(Arc::new(snapshot));
    server
}

async fn verdict(server: &Running, review: &Value) -> (Verdict, String) {
    let answer = post(&mut server.http().await, "/validate?timeout=5s", &review.to_string()).await.unwrap();
    assert_eq!(answer.status, 200);
    let whole: Value = serde_json::from_slice(&answer.body).unwrap();
    let message = whole["response"]["status"]["message"].as_str().unwrap_or_default().to_owned();
    (verify(&answer.body, review["request"]["uid"].as_str().unwrap()).unwrap(), message)
}

#[tokio::test]
async fn an_object_with_a_mistake_is_refused_with_its_field_and_its_mark() {
    let server = server();
    for (review, expected) in [
        (
            policy("a", &json!({"mode": "enforced", "annotations": {"multipod/init": "wait-for a:1"}})),
            "injectionpolicy/a: spec.mode: policy a: spec.mode: expected default, enforce or audit, did you mean enforce?",
        ),
        (
            policy("a", &json!({"annotations": {"multipod/ambassador": "8o:1"}})),
            "injectionpolicy/a: spec.annotations.multipod/ambassador: multipod/ambassador: 8o:1 is not LISTEN:TARGET (set by policy a)\n  | 8o:1\n  | ^^ expected a port",
        ),
        (policy("a", &json!({"match": {"podSelektor": {}}})), "injectionpolicy/a: spec.match"),
        (
            policy("a", &json!({})),
            "injectionpolicy/a: metadata.name: policy a: spec: the policy says nothing",
        ),
        (policy("a", &json!("x")), "injectionpolicy/a: spec: "),
        (written("Pattern", "a", &json!({"zzz": 1})), "pattern/a: spec"),
        (
            written("Pattern", "nginx", &json!({"shareProcessNamespace": true})),
            "a pattern named nginx is built in",
        ),
    ] {
        for (operation, dry_run) in [("CREATE", false), ("CREATE", true), ("UPDATE", false)] {
            let mut review = review.clone();
            review["request"]["operation"] = json!(operation);
            review["request"]["dryRun"] = json!(dry_run);
            if operation == "UPDATE" {
                review["request"]["oldObject"] =
                    policy("a", &json!({"upstreams": {"x": "y:1"}}))["request"]["object"].clone();
            }
            let (verdict, message) = verdict(&server, &review).await;
            assert!(!verdict.allowed && message.starts_with(expected), "{operation}: {message}");
        }
    }
    let metrics = server.shared.metrics.text().unwrap();
    assert!(
        metrics.contains("endpoint=\"validate\",outcome=\"denied\",reason=\"policy_invalid\""),
        "{metrics}"
    );
}

#[tokio::test]
async fn what_takes_away_or_leaves_the_spec_alone_is_allowed_however_wrong_it_is() {
    let server = server();
    let broken = policy("a", &json!({"mode": "enforced"}));
    assert!(!verdict(&server, &broken).await.0.allowed);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut review = broken.clone();
        change(&mut review["request"]);
        review
    };
    for review in [
        with(&|request| request["operation"] = json!("DELETE")),
        with(&|request| request["object"]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z")),
        with(&|request| request["subResource"] = json!("status")),
        with(&|request| {
            request["operation"] = json!("UPDATE");
            request["oldObject"] = request["object"].clone();
            request["object"]["metadata"]["labels"] = json!({"a": "b"});
        }),
        with(&|request| request["resource"]["group"] = json!("other.example")),
        pod(&json!({"multipod/ambassador": "x:y:z"})),
    ] {
        let (verdict, _) = verdict(&server, &review).await;
        assert!(verdict.allowed && verdict.patch.is_none() && verdict.warnings.is_empty(), "{review}");
    }
}

#[tokio::test]
async fn what_certainly_disagrees_is_refused_naming_both_and_what_may_is_warned_of() {
    let server = server();
    let init = |mode: &str, matches: Value, value: &str| json!({"mode": mode, "match": matches, "annotations": {"multipod/init": value}});
    let pods = |labels: Value| json!({"podSelector": {"matchLabels": labels}});
    for (name, spec, refused, warned) in [
        ("b", init("enforce", pods(json!({"app": "web"})), "wait-for b:1"), true, false),
        ("b", init("enforce", pods(json!({"app": "web", "tier": "x"})), "wait-for b:1"), true, false),
        ("b", init("enforce", json!({}), "wait-for b:1"), true, false),
        ("b", init("enforce", pods(json!({"tier": "x"})), "wait-for b:1"), false, true),
        ("b", init("enforce", pods(json!({"app": "db"})), "wait-for b:1"), false, false),
        ("b", init("enforce", pods(json!({"app": "web"})), "wait-for a:1"), false, false),
        ("b", init("default", pods(json!({"app": "web"})), "wait-for b:1"), false, false),
        ("b", init("audit", pods(json!({"app": "web"})), "wait-for b:1"), false, false),
        // A new version of the policy itself.
        ("web", init("enforce", pods(json!({"app": "web"})), "wait-for b:1"), false, false),
        ("b", json!({"upstreams": {"db": "b:1"}}), false, true),
    ] {
        let (verdict, message) = verdict(&server, &policy(name, &spec)).await;
        assert_eq!((!verdict.allowed, !verdict.warnings.is_empty()), (refused, warned), "{spec}: {message}");
        if refused {
            for part in [
                "policies b and web disagree on multipod/init",
                "\n  b: \"wait-for b:1\"\n  web: \"wait-for a:1\"",
            ] {
                assert!(message.contains(part), "{message}");
            }
        }
        if warned {
            assert!(verdict.warnings[0].contains("policies b and "), "{:?}", verdict.warnings);
        }
    }
}

#[tokio::test]
async fn an_object_that_is_longer_than_is_looked_at_is_allowed_with_a_warning() {
    let server = server();
    let (verdict, _) = verdict(&server, &policy("a", &json!({"mode": "x".repeat(40_000)}))).await;
    assert!(verdict.allowed && verdict.warnings[0].contains("32 KiB"), "{:?}", verdict.warnings);
}
