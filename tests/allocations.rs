//! How much a decision may allocate: exact numbers, so that a slow path shows before anybody times it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.

mod pods;

use multipod::inject::{Patch, Surroundings, Verdict, Version, decide};
use multipod::pattern::{Catalogue, Settings};
use multipod::pod::Head;
use multipod::policy::Policies;

/// From the pod's JSON to the patch's JSON; growing a buffer counts as an allocation.
fn allocations(pod: &str, injected: bool) -> usize {
    let (settings, policies, catalogue) = (Settings::default(), Policies::default(), Catalogue::default());
    let around = Surroundings {
        namespace: "default",
        namespace_labels: Some(&[]),
        namespace_annotations: &[],
        owner_kind: None,
        settings: &settings,
        policies: &policies,
        catalogue: &catalogue,
        version: Version::ASSUMED,
    };
    let info = allocation_counter::measure(|| {
        let head = Head::read(pod).unwrap();
        let decision = decide(&head, &around);
        assert_eq!(matches!(decision.verdict, Verdict::Inject(_)), injected);
        if let Verdict::Inject(plan) = &decision.verdict {
            let pod = decision.pod.as_ref().unwrap();
            assert!(!Patch::of(plan, pod).unwrap().json().is_empty());
        }
    });
    usize::try_from(info.count_total).unwrap()
}

#[test]
fn a_pod_of_8_kilobytes_with_an_ambassador_takes_at_most_60() {
    let pod = pods::of_kilobytes(8, Some("80:8775"));
    let count = allocations(&pod, true);
    assert!(count <= 60, "{count} allocations");
}

#[test]
fn a_pod_that_is_not_ours_takes_at_most_8() {
    let count = allocations(&pods::of_kilobytes(8, None), false);
    assert!(count <= 8, "{count} allocations");
}

#[test]
fn allocations_grow_with_the_logarithm_of_a_list_not_with_its_length() {
    let small = allocations(&pods::with_variables(200, Some("80:8775")), true);
    let large = allocations(&pods::with_variables(2000, Some("80:8775")), true);
    // Ten times the variables is three or four more doublings of one buffer.
    assert!(large <= small + 5, "{small} for 200 variables, {large} for 2,000");
}
