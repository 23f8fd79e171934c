//! Enforced policies and faults of our own: time that ends at any step, and a budget that is spent at any list, never let a
//! pod pass. What is wrong with what was sent stands in `enforced.rs`, and what HTTP makes of errors in `server/admission.rs`.

use multipod::admission::Meter;
use multipod_engine::pattern::settings::OnMistake;
use serde_json::{Value, json};

use super::enforced::{Scene, WANTS, outcome};
use crate::support::{reviews::REAL, shapes};

/// Scenes that lead through all that a decision looks at.
fn scenes() -> Vec<(&'static str, Scene)> {
    let mut scenes: Vec<(&str, Scene)> = [
        ("a port", WANTS),
        (
            "the files of all containers",
            "containers: all, annotations: {multipod/logging: '/data/*.log to=otlp://logs.example:4317'}",
        ),
        ("an exporter", "annotations: {multipod/metrics: nginx}"),
        ("steps", "annotations: {multipod/init: 'wait-for db:5432, clone https://git.example/a into=/srv/a'}"),
        ("a copy", "annotations: {multipod/sync: 'https://git.example/a into=/srv/a'}"),
        ("processes", "annotations: {multipod/share-process-namespace: 'true'}"),
        (
            "selectors",
            "match: {podSelector: {matchLabels: {app: web}}, namespaceSelector: {matchLabels: {team: a}}, \
             ownerKinds: [Deployment]}, annotations: {multipod/ambassador: '80:8775'}",
        ),
        (
            "conditions",
            "match: {matchConditions: [{name: app, expression: \"object.spec.containers.all(c, c.name.matches('^a.*$'))\"}, \
             {name: team, expression: \"namespaceObject.metadata.labels.team == 'a'\"}]}, \
             annotations: {multipod/ambassador: '80:8775'}",
        ),
    ]
    .into_iter()
    .map(|(name, spec)| (name, Scene::new(spec)))
    .collect();
    let mut of_all = Scene::new(WANTS);
    of_all.annotations = json!({"multipod/metrics": "nginx"});
    of_all.review["request"]["object"]["metadata"]["annotations"] =
        json!({"multipod/init": "wait-for db:5432"});
    of_all.policy("annotations: {multipod/share-process-namespace: 'true'}");
    of_all.spec()["containers"][0]["env"] = json!([{"name": "A", "value": "b"}]);
    of_all.spec()["volumes"] = json!([{"name": "data", "emptyDir": {}}]);
    scenes.push(("the pod, its namespace and two policies", of_all));
    for text in REAL {
        let mut real = Scene::new(WANTS);
        real.review = serde_json::from_str(text).unwrap();
        scenes.push(("what an API server has sent", real));
    }
    scenes
}

/// With as many steps as the decision takes it is one; with any fewer, it is an error, wherever that ends it.
#[test]
fn out_of_time_at_any_step_is_an_error_and_no_admission() {
    let never = || false;
    let mut count = 0;
    for (name, mut scene) in scenes() {
        for on_mistake in [OnMistake::Deny, OnMistake::Warn] {
            scene.on_mistake = on_mistake;
            let (snapshot, body) = (scene.snapshot(), scene.review.to_string());
            let whole = Meter::new(&never);
            assert_eq!(outcome(&body, &snapshot, Some(&whole)), "injected", "{name}");
            for steps in 0..whole.steps() {
                let meter = Meter::new(&never).most(steps);
                let of = whole.steps();
                assert_eq!(
                    outcome(&body, &snapshot, Some(&meter)),
                    "error out_of_time",
                    "{name}: {steps} of {of} steps"
                );
                count += 1;
            }
            let enough = Meter::new(&never).most(whole.steps());
            assert_eq!(outcome(&body, &snapshot, Some(&enough)), "injected", "{name}");
        }
    }
    assert!(count > 1000, "{count}");
}

/// Every list and every map of a review, with more than is looked at, of everything that may stand there.
#[test]
fn a_budget_that_is_spent_at_any_list_lets_no_pod_pass() {
    const MORE: usize = 64 << 10;
    let mut scene = Scene::new("annotations: {multipod/share-process-namespace: 'true'}");
    scene.policies.push(
        "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: variables}\nspec:\n  app:\n    \
         container: all\n    env: [{name: MODE, value: fast}]\n"
            .to_owned(),
    );
    let mut ends = std::collections::BTreeMap::new();
    for on_mistake in [OnMistake::Deny, OnMistake::Warn] {
        scene.on_mistake = on_mistake;
        let snapshot = scene.snapshot();
        for shape in shapes::of(&shapes::free_pod()) {
            let body = shape.of_bytes(MORE);
            let end = outcome(&body, &snapshot, None);
            let is_pod = serde_json::from_str::<Value>(&body).is_ok_and(|review| is_creation(&review));
            assert!(!is_pod || !end.starts_with("passed"), "{}: {end}", shape.name);
            *ends.entry(end).or_insert(0_usize) += 1;
        }
    }
    for end in ["injected", "refused too_large", "refused unreadable_pod", "error bad_json"] {
        assert!(ends.contains_key(end), "{end}: {ends:?}");
    }
}

fn is_creation(review: &Value) -> bool {
    let request = &review["request"];
    request["operation"] == "CREATE"
        && request["resource"]["resource"] == "pods"
        && request["object"].is_object()
}
