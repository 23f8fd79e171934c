//! How much a decision may allocate: exact numbers, so that a slow path shows before anybody times it.
//!
//! Growing a buffer counts as an allocation. The ceilings stand a little above what was counted.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.

#[path = "support/pods.rs"]
mod pods;

use allocation_counter::AllocationInfo;
use multipod::admission::{Outcome, Snapshot, mutate};
use multipod_engine::inject::{SkipReason, Verdict, decide};
use multipod_engine::pattern::{Catalogue, Context, Settings};
use multipod_engine::pod::Head;
use multipod_engine::policy::{self, Policies};
use serde_json::Value;

/// How a decision ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Injected,
    NotOurs,
    InjectedBefore,
}

/// From the pod's JSON to the patch's JSON.
fn measured(pod: &str, expected: End) -> AllocationInfo {
    measured_with(&Policies::default(), pod, expected)
}

fn measured_with(policies: &Policies, pod: &str, expected: End) -> AllocationInfo {
    with_policies(policies, |context, policies| {
        allocation_counter::measure(|| {
            let head = Head::read(pod).unwrap();
            let decision = decide(&head, context, policies).unwrap();
            let end = match &decision.verdict {
                Verdict::Inject(injection) => {
                    assert!(!injection.patch.json().is_empty());
                    End::Injected
                }
                Verdict::Skip(SkipReason::AlreadyInjected) => End::InjectedBefore,
                Verdict::Skip(_) => End::NotOurs,
                Verdict::Deny(refusals) => panic!("{refusals:?}"),
            };
            assert_eq!(end, expected);
        })
    })
}

fn allocations(pod: &str, expected: End) -> u64 {
    measured(pod, expected).count_total
}

fn bytes(pod: &str) -> u64 {
    measured(pod, End::Injected).bytes_total
}

fn with_context<T>(act: impl Fn(&Context<'_>, &Policies) -> T) -> T {
    with_policies(&Policies::default(), act)
}

fn with_policies<T>(policies: &Policies, act: impl Fn(&Context<'_>, &Policies) -> T) -> T {
    let (settings, catalogue) = (Settings::default(), Catalogue::default());
    act(&Context::new(&settings, &catalogue), policies)
}

/// The pod as a second round would see it.
fn injected(pod: &str) -> String {
    with_context(|context, policies| {
        let head = Head::read(pod).unwrap();
        let decision = decide(&head, context, policies).unwrap();
        let Verdict::Inject(injection) = &decision.verdict else { panic!("{:?}", decision.verdict) };
        let operations: json_patch::Patch = serde_json::from_str(injection.patch.json()).unwrap();
        let mut document: Value = serde_json::from_str(pod).unwrap();
        json_patch::patch(&mut document, &operations).unwrap();
        document.to_string()
    })
}

#[test]
fn a_pod_of_8_kilobytes_with_an_ambassador_takes_at_most_55() {
    let count = allocations(&pods::of_kilobytes(8, Some("80:8775")), End::Injected);
    assert!(count <= 55, "{count} allocations");
}

#[test]
fn a_pod_that_is_not_ours_takes_at_most_5() {
    let count = allocations(&pods::of_kilobytes(8, None), End::NotOurs);
    assert!(count <= 5, "{count} allocations");
}

#[test]
fn a_pod_that_was_injected_before_takes_at_most_300() {
    let count = allocations(&injected(&pods::of_kilobytes(8, Some("80:8775"))), End::InjectedBefore);
    assert!(count <= 300, "{count} allocations");
}

#[test]
fn other_patterns_keep_to_their_ceilings() {
    for (key, value, ceiling) in [("logging", "/data/app.log", 80), ("metrics", "nginx", 80)] {
        let count = allocations(&pods::with_annotation(key, value), End::Injected);
        assert!(count <= ceiling, "{key}: {count} allocations");
    }
}

#[test]
fn variables_that_no_pattern_asks_about_are_not_read() {
    let small = pods::with_variables(200, Some("80:8775"));
    let large = pods::with_variables(2000, Some("80:8775"));
    assert_eq!(allocations(&small, End::Injected), allocations(&large, End::Injected));
    assert_eq!(bytes(&small), bytes(&large));
}

#[test]
fn ten_times_the_containers_take_at_most_ten_times_the_memory() {
    let small = pods::with_containers(5, Some("80:8775"));
    let large = pods::with_containers(50, Some("80:8775"));
    let (few, many) = (allocations(&small, End::Injected), allocations(&large, End::Injected));
    assert!(many <= 10 * few, "{few} allocations for 5 containers, {many} for 50");
    let (few, many) = (bytes(&small), bytes(&large));
    assert!(many <= 10 * few, "{few} bytes for 5 containers, {many} for 50");
}

#[test]
fn a_policy_that_is_not_for_a_pod_costs_it_nothing() {
    let policies = |others: usize| {
        let mut text = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: proxy}\n\
                        spec: {annotations: {multipod/ambassador: \"80:8775\"}}\n"
            .to_owned();
        text.extend((0..others).map(|other| {
            format!(
                "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: other-{other}}}\n\
                 spec:\n  match: {{podSelector: {{matchExpressions: [{{key: team, operator: In, values: [a-{other}]}}]}}}}\n  \
                 annotations: {{multipod/metrics: nginx}}\n"
            )
        }));
        let loaded = policy::load(&[("policies.yaml".to_owned(), text)]);
        assert_eq!(loaded.problems, []);
        loaded.policies
    };
    let pod = pods::with_containers(100, None);
    let alone = measured_with(&policies(0), &pod, End::Injected);
    let among_a_thousand = measured_with(&policies(1000), &pod, End::Injected);
    assert_eq!(
        (alone.count_total, alone.bytes_total),
        (among_a_thousand.count_total, among_a_thousand.bytes_total)
    );
}

#[test]
fn the_values_of_a_policy_are_read_once_and_not_for_each_pod() {
    let text = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: all}\n\
                spec:\n  upstreams: {db: \"db.example.com:5432\"}\n  destinations: {logs: \"otlp://logs.example.com:4317\"}\n  \
                annotations:\n    multipod/ambassador: \"80:8775, 5432:@db\"\n    multipod/logging: \"/data/app.log to=@logs\"\n    \
                multipod/metrics: nginx\n";
    let loaded = policy::load(&[("policies.yaml".to_owned(), text.to_owned())]);
    assert_eq!(loaded.problems, []);
    let count = measured_with(&loaded.policies, &pods::of_kilobytes(8, None), End::Injected).count_total;
    assert!(count <= 430, "{count} allocations");
}

/// From the body of a request to the body of its answer.
fn of_review(pod: &str, expected: Outcome) -> AllocationInfo {
    let snapshot = Snapshot::default();
    let review = format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","operation":"CREATE",
        "namespace":"shop","resource":{{"group":"","version":"v1","resource":"pods"}},"object":{pod}}}}}"#
    );
    allocation_counter::measure(|| {
        assert_eq!(mutate(review.as_bytes(), &snapshot, None).unwrap().record.outcome, expected);
    })
}

#[test]
fn a_review_costs_little_more_than_its_decision() {
    let ours = pods::of_kilobytes(8, Some("80:8775"));
    let (review, decision) = (of_review(&ours, Outcome::Injected), measured(&ours, End::Injected));
    assert!(review.count_total <= decision.count_total + 4, "{review:?} {decision:?}");
    let not_ours = pods::of_kilobytes(8, None);
    let (review, decision) = (of_review(&not_ours, Outcome::Skipped), measured(&not_ours, End::NotOurs));
    assert!(review.count_total <= decision.count_total + 2, "{review:?} {decision:?}");
    assert!(review.bytes_total < 4096, "no copy of the body: {review:?}");
}

#[test]
fn allocations_grow_with_a_value_and_no_faster() {
    let cost = |routes: usize| {
        let value: Vec<String> = (0..routes).map(|at| format!("{}:8775", at + 10_000)).collect();
        measured(&pods::with_annotation("ambassador", &value.join(",")), End::Injected)
    };
    let (few, many) = (cost(100), cost(1000));
    assert!(many.count_total < 12 * few.count_total, "{few:?} for 100 routes, {many:?} for 1,000");
    assert!(many.bytes_total < 12 * few.bytes_total, "{few:?} for 100 routes, {many:?} for 1,000");
}

/// A file of so many Deployments that ask, as `kubectl get -o yaml` prints them or as documents, with what injecting it and
/// taking everything out again allocates.
fn of_a_file(pods: usize, is_list: bool, is_json: bool) -> [AllocationInfo; 2] {
    use multipod::manifest::{Cluster, Manifests, Source, inject, uninject, yaml};

    let pod = serde_json::json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}, "annotations": {"multipod/ambassador": "80:8775"}},
            "spec": {"containers": [{"name": "app", "image": "app:1", "ports": [{"containerPort": 8775}],
                "env": [{"name": "A", "value": "1"}], "resources": {"limits": {"memory": "128Mi"}}}]}}},
    });
    let text = if is_list {
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": vec![pod; pods]});
        if is_json { list.to_string() } else { multipod_yaml::emit(&list) }
    } else {
        vec![multipod_yaml::emit(&pod); pods].join("---\n")
    };
    let mut sources = vec![Source { name: "a".into(), text }];
    let mut injected = String::new();
    let there = allocation_counter::measure(|| {
        let manifests = Manifests::read(&sources);
        let outcome = inject(&manifests, &Cluster::default(), &[]);
        assert!(!outcome.is_refused());
        injected = yaml(&outcome.texts);
    });
    assert_eq!(injected.matches("rendered.multipod/haproxy.cfg'").count(), pods);
    let text = std::mem::replace(&mut sources[0].text, injected);
    let back = allocation_counter::measure(|| {
        let manifests = Manifests::read(&sources);
        assert_eq!(yaml(&uninject(&manifests).texts), text);
    });
    [there, back]
}

#[test]
fn files_of_many_pods_cost_so_much_for_each_pod_and_no_more() {
    // Of documents, one is held at a time; a list is one document.
    const MOST_MEMORY: [u64; 2] = [8 * 1024, 40 * 1024];
    for (is_list, is_json) in [(false, false), (true, false), (true, true)] {
        let (few, many) = (of_a_file(50, is_list, is_json), of_a_file(500, is_list, is_json));
        for (few, many) in few.iter().zip(&many) {
            let what = format!("list: {is_list}, JSON: {is_json}: {few:?} for 50 pods, {many:?} for 500");
            assert!(many.count_total <= few.count_total * 12, "{what}");
            assert!(many.bytes_total <= few.bytes_total * 12, "{what}");
            assert!(many.bytes_max <= few.bytes_max * 12, "{what}");
            assert!(many.bytes_max <= MOST_MEMORY[usize::from(is_list)] * 500, "{what}");
            println!("list: {is_list}, JSON: {is_json}: {} bytes for each pod", many.bytes_max / 500);
        }
    }
}
