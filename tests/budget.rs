//! How much memory a decision needs at its worst moment, and how many steps: eight times its review and a small floor, and no
//! more steps than its size, at any shape.
//!
//! `tests/allocations.rs` has what ordinary reviews cost.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.

#[path = "support/shapes.rs"]
mod shapes;

use std::cell::Cell;
use std::sync::Arc;

use multipod::admission::{self, Meter, Reply, ReviewError, Snapshot};
use multipod_engine::policy;
use proptest::prelude::*;
use shapes::Shape;

/// What any review may need besides.
const FLOOR: usize = 1 << 20;
const FACTOR: usize = 8;

/// An enforced policy, so that every pod is looked into, and patterns that touch the app and all containers.
fn snapshot() -> Snapshot {
    let text = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: all}\n\
                spec: {mode: enforce, annotations: {multipod/share-process-namespace: 'true'}}\n---\n\
                apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: variables}\nspec:\n  \
                app:\n    container: all\n    env: [{name: MODE, value: fast}, {name: LEVEL, value: high}]\n";
    snapshot_of(text)
}

fn snapshot_of(policies: &str) -> Snapshot {
    let loaded = policy::load(&[("a.yaml".to_owned(), policies.to_owned())]);
    assert_eq!(loaded.problems, []);
    Snapshot {
        policies: Arc::new(loaded.policies),
        catalogue: Arc::new(loaded.catalogue),
        ..Snapshot::default()
    }
}

type Decides = for<'a> fn(&'a [u8], &Snapshot, Option<&'a Meter<'a>>) -> Result<Reply<'a>, ReviewError>;

/// The peak, and how it ended.
fn peak(decides: Decides, body: &str, snapshot: &Snapshot) -> (usize, String) {
    let mut end = String::new();
    let info = allocation_counter::measure(|| {
        let reply = decides(body.as_bytes(), snapshot, None);
        allocation_counter::opt_out(|| {
            end = reply.as_ref().map_or_else(ToString::to_string, |reply| reply.record.reason.to_owned());
        });
    });
    (usize::try_from(info.bytes_max).unwrap(), end)
}

fn holds(decides: Decides, shapes: &[Shape], sizes: &[usize]) -> Vec<String> {
    holds_with(&snapshot(), decides, shapes, sizes)
}

fn holds_with(snapshot: &Snapshot, decides: Decides, shapes: &[Shape], sizes: &[usize]) -> Vec<String> {
    let mut ends = Vec::new();
    for shape in shapes {
        for size in sizes {
            let body = shape.of_bytes(*size);
            let (peak, end) = peak(decides, &body, snapshot);
            assert!(
                peak <= FACTOR * body.len() + FLOOR,
                "{peak} bytes for {}, which ended with {end}: {}",
                body.len(),
                shape.name
            );
            ends.push(end);
        }
    }
    ends
}

/// Small enough for a floor to matter, and large enough for a factor to.
const SIZES: [usize; 2] = [6000, 60_000];
const LARGE: usize = 1 << 20;

fn some(shapes: &[Shape]) -> Vec<Shape> {
    shapes.iter().step_by(20).cloned().collect()
}

#[test]
fn a_pod_of_any_shape_needs_no_more_than_its_size() {
    let shapes = shapes::of(&shapes::free_pod());
    let ends = holds(admission::mutate, &shapes, &SIZES);
    // Otherwise little would have been looked at.
    for expected in ["injected", "too_large", "unreadable_pod", "container_without_name"] {
        assert!(ends.iter().any(|end| end == expected), "{expected}");
    }
    holds(admission::mutate, &some(&shapes), &[LARGE]);
}

#[test]
fn a_pod_with_the_names_of_ours_needs_no_more_than_its_size() {
    let shapes = shapes::of(&shapes::pod());
    holds(admission::mutate, &shapes, &SIZES);
    holds(admission::mutate, &some(&shapes), &[LARGE]);
}

#[test]
fn a_workload_of_any_shape_needs_no_more_than_its_size() {
    let shapes = shapes::of(&shapes::workload());
    holds(admission::warn, &shapes, &SIZES[1..]);
    holds(admission::warn, &some(&shapes), &[LARGE]);
}

#[test]
fn a_value_of_any_shape_needs_no_more_than_its_size() {
    let ends = holds(admission::mutate, &shapes::of_values(), &[2000, 6000, 12_000, 25_000, 300_000]);
    for expected in ["injected", "bad_value", "annotations_too_large"] {
        assert!(ends.iter().any(|end| end == expected), "{expected}");
    }
}

/// Whatever a condition reads, compares and puts together.
#[test]
fn a_condition_about_a_pod_of_any_shape_needs_no_more_than_its_size() {
    let conditions = [
        "object.spec == object.spec",
        "object.spec.containers == object.spec.containers",
        "object.spec.volumes.exists(v, v == 1)",
        "object.spec.containers.map(c, c).size() < 0",
        "(object.spec.tolerations + object.spec.containers).size() < 0",
        "object.spec.containers.map(c, 'x' + c.name).map(c, c + c + c + c).map(c, c + c + c + c).size() < 0",
        "object.spec.containers.filter(c, has(c.args)).map(c, c.args).map(c, c + c + c + c).size() < 0",
        "object.spec.nodeSelector.map(k, k + k + k + k).map(k, k + k + k + k).size() < 0",
    ];
    let policy = |(at, condition): (usize, &&str)| {
        format!(
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: p{at}}}\nspec:\n  mode: enforce\n  \
             match: {{matchConditions: [{{name: one, expression: \"{condition}\"}}]}}\n  \
             annotations: {{multipod/share-process-namespace: 'true'}}\n---\n"
        )
    };
    let policies: String = conditions.iter().enumerate().map(policy).collect();
    let snapshot = snapshot_of(&policies);
    let shapes = shapes::of(&shapes::free_pod());
    holds_with(&snapshot, admission::mutate, &shapes, &SIZES);
    holds_with(&snapshot, admission::mutate, &some(&shapes), &[250_000, LARGE]);
}

type Shaped<'s> = (&'s str, &'s dyn Fn(usize) -> String, &'s str);

#[test]
fn a_policy_of_any_shape_needs_no_more_than_its_size() {
    let snapshot = snapshot();
    let many = |item: &dyn Fn(usize) -> String, size: usize| {
        let mut list = item(0);
        for at in 1.. {
            if list.len() >= size {
                break;
            }
            list += ",";
            list += &item(at);
        }
        list
    };
    let items: [Shaped<'_>; 9] = [
        (r#""annotations":{"#, &|at| format!(r#""{at}":"""#), "}"),
        (r#""annotations":{"#, &|at| format!(r#""multipod/a{at}":"x""#), "}"),
        (r#""upstreams":{"#, &|at| format!(r#""a{at}":"b:1""#), "}"),
        (r#""bounds":{"images":["#, &|_| r#""a""#.to_owned(), "]}"),
        (r#""match":{"ownerKinds":["#, &|_| r#""""#.to_owned(), "]}"),
        (r#""match":{"podSelector":{"matchLabels":{"#, &|at| format!(r#""{at}":"""#), "}}}"),
        (
            r#""match":{"podSelector":{"matchExpressions":["#,
            &|_| r#"{"key":"a","operator":"In"}"#.to_owned(),
            "]}}",
        ),
        (r#""x":["#, &|_| "[]".to_owned(), "]"),
        (r#""annotations":{"multipod/init":""#, &|_| "wait-for a:1".to_owned(), "\"}"),
    ];
    for (kind, resource) in [("InjectionPolicy", "injectionpolicies"), ("Pattern", "patterns")] {
        for (open, item, close) in items {
            for size in [6000, 30_000, 60_000] {
                let body = format!(
                    r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","operation":"CREATE","name":"a",
                    "resource":{{"group":"multipod.dev","version":"v1alpha1","resource":"{resource}"}},
                    "object":{{"apiVersion":"multipod.dev/v1alpha1","kind":"{kind}","metadata":{{"name":"a"}},"spec":{{{open}{}{close}}}}}}}}}"#,
                    many(item, size)
                );
                let (peak, end) = peak(admission::validate, &body, &snapshot);
                assert!(
                    peak <= FACTOR * body.len() + FLOOR,
                    "{peak} bytes for {}: {end}: {open}",
                    body.len()
                );
            }
        }
    }
}

/// As much of everything as is looked at, and two variables more for each container.
#[test]
fn the_largest_pod_that_is_looked_at_needs_little_for_what_it_gets() {
    let container = |at: usize| {
        format!(r#"{{"name":"c{at}","env":[{{"name":"A"}}],"ports":[{{"containerPort":{}}}]}}"#, at + 10_000)
    };
    let list = |item: &dyn Fn(usize) -> String| (0..1024).map(item).collect::<Vec<_>>().join(",");
    let pod = format!(
        r#"{{"metadata":{{"annotations":{{"multipod/patterns":"variables","multipod/ambassador":"80:1"}}}},
        "spec":{{"containers":[{}],"initContainers":[{}],"volumes":[{}]}}}}"#,
        list(&container),
        list(&|at| format!(r#"{{"name":"i{at}"}}"#)),
        list(&|at| format!(r#"{{"name":"v{at}"}}"#)),
    );
    let body = shapes::of_pod(&pod);
    let (peak, end) = peak(admission::mutate, &body, &snapshot());
    assert_eq!(end, "injected");
    assert!(peak <= FACTOR * body.len() + 2 * FLOOR, "{peak} bytes for {}", body.len());
}

/// How many steps it takes, and how it ended.
fn steps(decides: Decides, body: &str, snapshot: &Snapshot, is_over: &dyn Fn() -> bool) -> (usize, String) {
    let meter = Meter::new(is_over);
    let reply = decides(body.as_bytes(), snapshot, Some(&meter));
    let end = match reply {
        Ok(reply) => format!("{} {}", reply.record.reason, String::from_utf8(reply.body).unwrap()),
        Err(error) => error.slug().to_owned(),
    };
    (meter.steps(), end)
}

/// What may be looked at once more, whatever the size: a list as long as it may be, to find where it is too long.
const SLACK: usize = 5000;

fn twice_as_much_takes_twice_as_long(decides: Decides, once: &str, twice: &str, name: &str) {
    let snapshot = snapshot();
    let [(one, _), (two, end)] = [once, twice].map(|body| steps(decides, body, &snapshot, &|| false));
    assert!(two <= 2 * one + SLACK, "{one} steps, then {two}, which ended with {end:.40}: {name}");
    assert!(two <= twice.len() + SLACK, "{two} steps for {} bytes: {name}", twice.len());
}

/// Counted, because a clock shows nothing on a busy machine.
#[test]
fn twice_as_much_of_anything_takes_no_more_than_twice_the_steps() {
    for review in [shapes::free_pod(), shapes::pod(), shapes::workload()] {
        let decides =
            if review == shapes::workload() { admission::warn as Decides } else { admission::mutate };
        for shape in shapes::of(&review) {
            let [once, twice] = [12_000, 24_000].map(|size| shape.of_bytes(size));
            twice_as_much_takes_twice_as_long(decides, &once, &twice, &shape.name);
        }
    }
    for shape in shapes::of_values() {
        let [once, twice] = [6000, 12_000].map(|size| shape.of_bytes(size));
        twice_as_much_takes_twice_as_long(admission::mutate, &once, &twice, &shape.name);
    }
    // Lists that are compared with each other, one of them grown.
    let folder = "/a".repeat(60);
    let pod = |mounts: usize, globs: usize| {
        let mounts = (0..mounts).map(|at| format!(r#"{{"name":"v","mountPath":"{folder}/m{at}"}}"#));
        let globs = (0..globs).map(|at| format!("{folder}/m{at}/*.log"));
        let [mounts, globs] = [mounts.collect::<Vec<_>>().join(","), globs.collect::<Vec<_>>().join(",")];
        shapes::of_pod(&format!(
            r#"{{"metadata":{{"annotations":{{"multipod/logging":"{globs}"}}}},"spec":{{"containers":[{{"name":"app","volumeMounts":[{mounts}]}}],"volumes":[{{"name":"v","emptyDir":{{}}}}]}}}}"#
        ))
    };
    for (mounts, globs) in [(1000, 50), (500, 100)] {
        twice_as_much_takes_twice_as_long(
            admission::mutate,
            &pod(500, 50),
            &pod(mounts, globs),
            "mounts and globs",
        );
    }
}

/// Wherever it was: to end in the middle of a loop must never look like an end.
#[test]
fn a_decision_whose_time_is_over_is_none() {
    let snapshot = snapshot();
    let mut ended = 0;
    for (review, decides) in
        [(shapes::pod(), admission::mutate as Decides), (shapes::workload(), admission::warn)]
    {
        for shape in some(&shapes::of(&review)) {
            let body = shape.of_bytes(SIZES[1]);
            let (_, whole) = steps(decides, &body, &snapshot, &|| false);
            for last in 1.. {
                let questions = Cell::new(0);
                let is_over = || questions.replace(questions.get() + 1) + 1 == last;
                let (_, end) = steps(decides, &body, &snapshot, &is_over);
                if questions.get() < last {
                    assert_eq!(end, whole, "{}", shape.name);
                    break;
                }
                assert_eq!(end, "out_of_time", "{}", shape.name);
                ended += 1;
            }
        }
    }
    assert!(ended > 100, "{ended}");
}

/// Any JSON that can stand in a list, as small as can be or a little larger.
fn any_item() -> impl Strategy<Value = String> {
    let small =
        ["{}", "[]", "null", "0", "\"\"", "{\"name\":\"%\"}", "{\"name\":\"\"}", "[{}]", "{\"a\":[]}"];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1e9".to_owned()),
        "\"[a-z%/]{0,8}\"",
        Just("{}".to_owned())
    ];
    let grown = leaf.prop_recursive(3, 12, 3, |inner| {
        let key = prop_oneof![
            "\"[a-z%]{0,3}\"",
            prop::sample::select(vec![
                "\"name\"",
                "\"mountPath\"",
                "\"ports\"",
                "\"env\"",
                "\"volumeMounts\"",
                "\"restartPolicy\"",
                "\"emptyDir\"",
            ])
            .prop_map(str::to_owned)
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key, inner), 0..3).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    });
    prop_oneof![prop::sample::select(small.to_vec()).prop_map(str::to_owned), grown]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn several_places_filled_with_anything_need_no_more_than_their_size(
        fillings in prop::collection::vec((0..500_usize, any_item(), 0..60_000_usize), 1..5),
        taken in any::<bool>(),
    ) {
        let snapshot = snapshot();
        let pod = if taken { shapes::pod() } else { shapes::free_pod() };
        for (decides, review) in [(admission::mutate as Decides, pod), (admission::warn, shapes::workload())] {
            let body = shapes::filled(&review, &fillings);
            let (peak, end) = peak(decides, &body, &snapshot);
            prop_assert!(peak <= FACTOR * body.len() + FLOOR, "{} bytes for {}, which ended with {}", peak, body.len(), end);
        }
    }
}
