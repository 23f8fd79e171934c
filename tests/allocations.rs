//! How much a decision may allocate: exact numbers, so that a slow path shows before anybody times it.
//!
//! Growing a buffer counts as an allocation. The ceilings stand a little above what was counted.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.

mod pods;

use allocation_counter::AllocationInfo;
use multipod::inject::{Patch, SkipReason, Surroundings, Verdict, Version, decide};
use multipod::pattern::{Catalogue, Settings};
use multipod::pod::Head;
use multipod::policy::Policies;
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
    with_surroundings(|around| {
        allocation_counter::measure(|| {
            let head = Head::read(pod).unwrap();
            let decision = decide(&head, around);
            let end = match &decision.verdict {
                Verdict::Inject(plan) => {
                    let pod = decision.pod.as_ref().unwrap();
                    assert!(!Patch::of(plan, pod).unwrap().json().is_empty());
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

fn with_surroundings<T>(act: impl Fn(&Surroundings<'_>) -> T) -> T {
    let (settings, policies, catalogue) = (Settings::default(), Policies::default(), Catalogue::default());
    act(&Surroundings {
        namespace: "default",
        namespace_labels: Some(&[]),
        namespace_annotations: &[],
        owner_kind: None,
        settings: &settings,
        policies: &policies,
        catalogue: &catalogue,
        version: Version::ASSUMED,
    })
}

/// The pod as a second round would see it.
fn injected(pod: &str) -> String {
    with_surroundings(|around| {
        let head = Head::read(pod).unwrap();
        let decision = decide(&head, around);
        let Verdict::Inject(plan) = &decision.verdict else { panic!("{:?}", decision.verdict) };
        let patch = Patch::of(plan, decision.pod.as_ref().unwrap()).unwrap();
        let operations: json_patch::Patch = serde_json::from_slice(patch.json()).unwrap();
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
