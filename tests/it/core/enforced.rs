//! Enforced policies and what goes wrong: an error, or something that nobody knows, never lets a pod pass as if no policy
//! were for it.

use std::sync::Arc;

use multipod_engine::pattern::{Settings, settings::OnMistake};
use multipod_engine::policy;

use crate::support::reviews::{REAL, pod, verify};
use multipod::admission::{self, Meter, Namespace, Namespaces, Snapshot};
use serde_json::{Value, json};

/// A pod on its way into a namespace, and who knows what about it.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) policies: Vec<String>,
    pub(super) review: Value,
    /// The namespace's labels, where they are known.
    labels: Option<Value>,
    pub(super) annotations: Value,
    watches_namespaces: bool,
    /// Whether what conditions name of namespaces has not been read yet.
    is_reading: bool,
    pub(super) on_mistake: OnMistake,
}

impl Scene {
    /// A pod of a Deployment, about which everything is known, and one enforced policy.
    pub(super) fn new(spec: &str) -> Scene {
        let mut review = pod(&json!({}));
        let metadata = &mut review["request"]["object"]["metadata"];
        metadata["labels"] = json!({"app": "web", "empty": ""});
        metadata["ownerReferences"] = json!([{"kind": "ReplicaSet", "name": "web", "controller": true}]);
        let mut scene = Scene {
            policies: Vec::new(),
            review,
            labels: Some(json!({"team": "a"})),
            annotations: json!({"example.com/tier": "gold"}),
            watches_namespaces: false,
            is_reading: false,
            on_mistake: OnMistake::Deny,
        };
        scene.policy(spec);
        scene
    }

    pub(super) fn policy(&mut self, spec: &str) {
        self.policies.push(format!(
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: p{}}}\nspec: {{mode: enforce, {spec}}}\n",
            self.policies.len()
        ));
    }

    fn metadata(&mut self) -> &mut Value {
        &mut self.review["request"]["object"]["metadata"]
    }

    pub(super) fn spec(&mut self) -> &mut Value {
        &mut self.review["request"]["object"]["spec"]
    }

    fn outcome(&self) -> String {
        self.outcome_of(&self.review.to_string())
    }

    fn outcome_of(&self, body: &str) -> String {
        outcome(body, &self.snapshot(), None)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let sources: Vec<(String, String)> =
            self.policies.iter().enumerate().map(|(at, text)| (format!("{at}.yaml"), text.clone())).collect();
        let loaded = policy::load(&sources);
        assert_eq!(loaded.problems, []);
        let nothing = Arc::default();
        let named = if self.is_reading { &nothing } else { loaded.policies.namespace_annotations() };
        let mut namespaces = Namespaces::with_annotations(Arc::clone(named));
        if let Some(labels) = &self.labels {
            let labels = pairs(labels).into_iter().map(|(key, value)| (key.into(), value.into())).collect();
            let annotations = pairs(&self.annotations);
            let there = named.iter().filter_map(|name| {
                let (_, value) = annotations.iter().find(|(key, _)| **key == **name)?;
                Some((Arc::clone(name), Some(value.as_str().into())))
            });
            let read = Some(there.collect());
            namespaces.insert("shop", Namespace { labels, annotations: annotations.into(), read });
        }
        Snapshot {
            settings: Arc::new(Settings { on_mistake: self.on_mistake, ..Settings::default() }),
            policies: Arc::new(loaded.policies),
            catalogue: Arc::new(loaded.catalogue),
            namespaces: Arc::new(namespaces),
            watches_namespaces: self.watches_namespaces,
            ..Snapshot::default()
        }
    }
}

/// `passed` is what must not happen; everything else begins with `injected`, `refused` or `error`.
pub(super) fn outcome(body: &str, snapshot: &Snapshot, meter: Option<&Meter<'_>>) -> String {
    match admission::mutate(body.as_bytes(), snapshot, meter) {
        // An error of HTTP; the API server's failure policy decides.
        Err(error) => format!("error {}", error.slug()),
        Ok(reply) => {
            let verdict = verify(&reply.body, &reply.record.uid).unwrap();
            match (verdict.allowed, verdict.patch.is_some()) {
                (true, true) => "injected".to_owned(),
                (true, false) => format!("passed {}", reply.record.reason),
                (false, _) => format!("refused {}", reply.record.reason),
            }
        }
    }
}

fn pairs(map: &Value) -> Vec<(String, String)> {
    let entries = map.as_object().unwrap().iter();
    entries.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect()
}

pub(super) const WANTS: &str = "annotations: {multipod/ambassador: '80:8775'}";

/// For each kind of knowledge that a selector needs: with it the policy is for the pod, with other knowledge it is not,
/// and without any nobody can tell.
#[test]
fn what_is_not_known_is_never_taken_for_no_match() {
    type Change = fn(&mut Scene);
    let other_label: Change = |scene| scene.metadata()["labels"]["app"] = json!("db");
    let other_team: Change = |scene| scene.labels = Some(json!({"team": "b"}));
    let no_labels: Change = |scene| scene.labels = None;
    let app = "podSelector: {matchLabels: {app: web}}";
    let team = "namespaceSelector: {matchLabels: {team: a}}";
    let expression = |whose: &str, key: &str, rest: &str| {
        format!("{whose}Selector: {{matchExpressions: [{{key: {key}, {rest}}}]}}")
    };
    let condition = |text: &str| format!("matchConditions: [{{name: c, expression: {}}}]", json!(text));
    let failed = "refused condition_failed";
    let owner = "ownerKinds: [Deployment]";
    let other_owner: Change = |scene| scene.metadata()["ownerReferences"][0]["kind"] = json!("Job");
    let undecided = "refused policy_undecided";
    let rows: Vec<(String, Change, Change, &str)> = vec![
        // A namespace that nobody has told about, for every operator.
        (team.to_owned(), no_labels, other_team, undecided),
        (expression("namespace", "team", "operator: In, values: [a, c]"), no_labels, other_team, undecided),
        (expression("namespace", "team", "operator: NotIn, values: [b]"), no_labels, other_team, undecided),
        (
            expression("namespace", "team", "operator: Exists"),
            no_labels,
            |scene| scene.labels = Some(json!({})),
            undecided,
        ),
        (
            expression("namespace", "stage", "operator: DoesNotExist"),
            no_labels,
            |scene| scene.labels = Some(json!({"stage": "x"})),
            undecided,
        ),
        // One that is watched for and has not been heard of yet.
        (
            team.to_owned(),
            |scene| (scene.labels, scene.watches_namespaces) = (None, true),
            other_team,
            "error not_known_yet",
        ),
        // An annotation that nobody has named before.
        (
            condition("namespaceObject.metadata.?annotations[?'example.com/tier'].orValue('') == 'gold'"),
            |scene| scene.is_reading = true,
            |scene| scene.annotations = json!({"example.com/tier": "silver"}),
            "error not_known_yet",
        ),
        (
            condition("namespaceObject.metadata.annotations['example.com/tier'] == 'gold'"),
            |scene| {
                scene.is_reading = true;
                scene.metadata()["labels"]["app"] = json!(7);
            },
            |scene| scene.annotations = json!({"example.com/tier": "silver"}),
            "error not_known_yet",
        ),
        // Whatever else has no answer: it may turn out not to matter.
        (
            format!(
                "{app}, {}",
                condition("namespaceObject.metadata.annotations['example.com/tier'] == 'gold'")
            ),
            |scene| {
                scene.is_reading = true;
                scene.metadata()["labels"]["app"] = json!(7);
            },
            other_label,
            "error not_known_yet",
        ),
        (
            condition(
                "object.metadata.labels.app == 'web' && 'example.com/tier' in namespaceObject.metadata.annotations",
            ),
            |scene| {
                scene.is_reading = true;
                scene.metadata()["labels"] = json!({});
            },
            other_label,
            "error not_known_yet",
        ),
        // A request that does not say which one.
        (team.to_owned(), |scene| scene.review["request"]["namespace"] = json!(""), other_team, undecided),
        (
            team.to_owned(),
            |scene| scene.review["request"]["namespace"] = json!(7),
            other_team,
            "error bad_json",
        ),
        // A label whose value is none, for every operator.
        (app.to_owned(), |scene| scene.metadata()["labels"]["app"] = json!(7), other_label, undecided),
        (app.to_owned(), |scene| scene.metadata()["labels"]["app"] = json!(true), other_label, undecided),
        (app.to_owned(), |scene| scene.metadata()["labels"]["app"] = json!(["web"]), other_label, undecided),
        (
            app.to_owned(),
            |scene| scene.metadata()["labels"]["app"] = json!({"web": 1}),
            other_label,
            undecided,
        ),
        (
            expression("pod", "app", "operator: NotIn, values: [db]"),
            |scene| scene.metadata()["labels"]["app"] = json!(1.5),
            other_label,
            undecided,
        ),
        (
            expression("pod", "app", "operator: Exists"),
            |scene| scene.metadata()["labels"]["app"] = json!(7),
            |scene| scene.metadata()["labels"] = json!({}),
            undecided,
        ),
        (
            expression("pod", "tier", "operator: DoesNotExist"),
            |scene| scene.metadata()["labels"]["tier"] = json!(7),
            |scene| scene.metadata()["labels"]["tier"] = json!("x"),
            undecided,
        ),
        // Labels and metadata that are none at all.
        (
            app.to_owned(),
            |scene| scene.metadata()["labels"] = json!(["app=web"]),
            other_label,
            "error bad_json",
        ),
        (
            app.to_owned(),
            |scene| scene.metadata()["labels"] = json!("app=web"),
            other_label,
            "error bad_json",
        ),
        (app.to_owned(), |scene| *scene.metadata() = json!("web"), other_label, "error bad_json"),
        (app.to_owned(), |scene| *scene.metadata() = json!([]), other_label, "error bad_json"),
        // A condition that has no answer, for each kind of reason.
        (
            condition("object.metadata.labels.app == 'web'"),
            |scene| scene.metadata()["labels"] = json!({}),
            other_label,
            failed,
        ),
        (
            condition("object.metadata.labels.app != 'db'"),
            |scene| scene.metadata()["labels"]["app"] = json!(7),
            other_label,
            failed,
        ),
        (condition("namespaceObject.metadata.labels.team == 'a'"), no_labels, other_team, failed),
        (
            condition("object.spec.nodeName == true || object.metadata.labels.app == 'web'"),
            |scene| scene.metadata()["labels"] = json!({}),
            |scene| {
                scene.metadata()["labels"]["app"] = json!("db");
                scene.review["request"]["object"]["spec"]["nodeName"] = json!("x");
            },
            failed,
        ),
        // Owners that are none.
        (
            owner.to_owned(),
            |scene| scene.metadata()["ownerReferences"] = json!({}),
            other_owner,
            "error bad_json",
        ),
        (
            owner.to_owned(),
            |scene| scene.metadata()["ownerReferences"] = json!(["ReplicaSet"]),
            other_owner,
            "error bad_json",
        ),
        (
            owner.to_owned(),
            |scene| scene.metadata()["ownerReferences"][0]["kind"] = json!(7),
            other_owner,
            "error bad_json",
        ),
        (
            owner.to_owned(),
            |scene| scene.metadata()["ownerReferences"][0]["controller"] = json!("yes"),
            other_owner,
            "error bad_json",
        ),
        // What is known fits, so what is not known decides.
        (format!("{app}, {team}, {owner}"), no_labels, other_label, undecided),
        (
            format!("{app}, {team}, {owner}"),
            |scene| scene.metadata()["labels"]["app"] = json!(7),
            other_team,
            undecided,
        ),
    ];
    for (number, (selector, unknown, other, expected)) in rows.into_iter().enumerate() {
        let known = Scene::new(&format!("match: {{{selector}}}, {WANTS}"));
        assert_eq!(known.outcome(), "injected", "row {number}: {selector}");
        let after = |change: Change| {
            let mut scene = known.clone();
            change(&mut scene);
            scene
        };
        assert_eq!(after(other).outcome(), "passed not_requested", "row {number}: {selector}");
        let mut scene = after(unknown);
        assert_eq!(scene.outcome(), expected, "row {number}: {selector}");
        scene.on_mistake = OnMistake::Warn;
        assert_eq!(scene.outcome(), expected, "row {number}, with mistakes admitted: {selector}");
    }
}

/// A policy that is for the pod, and something in its way.
#[test]
fn what_stands_in_the_way_of_an_enforced_policy_lets_no_pod_pass() {
    type Change = fn(&mut Scene);
    let rows: [(Change, &str); 27] = [
        // The pod is larger than what is looked at.
        (|scene| scene.spec()["containers"] = json!(vec![json!({"name": "a"}); 2000]), "refused too_large"),
        (|scene| scene.spec()["containers"][0]["ports"] = json!(vec![json!({}); 2000]), "refused too_large"),
        (|scene| scene.spec()["volumes"] = json!([{"name": "v".repeat(5000)}]), "refused too_large"),
        (|scene| scene.metadata()["labels"] = numbered(2000), "refused too_large"),
        (|scene| scene.metadata()["annotations"] = numbered(2000), "refused too_large"),
        // The pod cannot be read.
        (|scene| *scene.spec() = json!(7), "refused unreadable_pod"),
        (|scene| *scene.spec() = Value::Null, "refused no_containers"),
        (|scene| scene.spec()["containers"] = json!([]), "refused no_containers"),
        (|scene| scene.spec()["containers"] = json!("app"), "refused unreadable_pod"),
        (|scene| scene.spec()["containers"][0]["ports"] = json!(80), "refused unreadable_pod"),
        (|scene| scene.spec()["volumes"] = json!([{"emptyDir": {}}]), "refused unreadable_pod"),
        (|scene| scene.spec()["hostNetwork"] = json!("yes"), "refused unreadable_pod"),
        (|scene| scene.review["request"]["namespace"] = json!("Shop!"), "refused unreadable_pod"),
        // Nobody says what it is.
        (|scene| scene.review["request"]["object"] = Value::Null, "error bad_review"),
        (|scene| scene.review["request"]["object"] = json!([]), "error bad_json"),
        // What somebody else asks for cannot be read.
        (|scene| scene.metadata()["annotations"] = json!({"multipod/logging": "?"}), "refused bad_value"),
        (|scene| scene.metadata()["annotations"] = json!({"multipod/logging": 7}), "refused not_text"),
        (|scene| scene.metadata()["annotations"] = json!({"multipod/loging": "x"}), "refused unknown_key"),
        (|scene| scene.metadata()["annotations"] = json!({"multipod/opt-out": "x"}), "refused bad_value"),
        (|scene| scene.metadata()["annotations"] = json!("none"), "error bad_json"),
        (|scene| scene.annotations = json!({"multipod/logging": "?"}), "refused bad_value"),
        (|scene| scene.annotations = json!({"multipod/opt-out": "x"}), "refused bad_value"),
        // Another policy contradicts, or its value means nothing here.
        (|scene| scene.policy("annotations: {multipod/ambassador: '81:8775'}"), "refused policy_conflict"),
        (
            |scene| scene.policy("onObstacle: deny, annotations: {multipod/patterns: nobody-defines-it}"),
            "refused bad_value",
        ),
        // The pod cannot have it.
        (|scene| scene.spec()["os"] = json!({"name": "windows"}), "refused windows"),
        (|scene| scene.spec()["hostNetwork"] = json!(true), "refused host_network"),
        (
            |scene| scene.spec()["containers"][0]["name"] = json!("multipod-ambassador"),
            "refused container_name_taken",
        ),
    ];
    for (number, (change, expected)) in rows.into_iter().enumerate() {
        let mut scene = Scene::new(WANTS);
        assert_eq!(scene.outcome(), "injected");
        change(&mut scene);
        assert_eq!(scene.outcome(), expected, "row {number}");
        scene.on_mistake = OnMistake::Warn;
        assert_eq!(scene.outcome(), expected, "row {number}, with mistakes admitted");
        // Where nothing is enforced, the same is a reason to pass, so it is the policy that makes the difference.
        let mut free = scene.clone();
        free.policies
            .iter_mut()
            .for_each(|policy| *policy = policy.replace("mode: enforce", "mode: default"));
        let passes = free.outcome().starts_with("passed");
        assert_eq!(passes, expected.starts_with("refused"), "row {number}: {}", free.outcome());
    }
}

fn numbered(count: usize) -> Value {
    (0..count).map(|at| (format!("n{at}"), json!(""))).collect::<serde_json::Map<_, _>>().into()
}

/// Labels that are not looked at may be the ones that a policy asks for; what is looked at decides as ever.
#[test]
fn a_pod_with_endless_labels_is_past_no_policy_that_may_be_for_it() {
    let many = |scene: &mut Scene, labels: bool| {
        let field = if labels { "labels" } else { "annotations" };
        scene.metadata()[field] = numbered(2000);
    };
    for (spec, labels, expected) in [
        ("match: {podSelector: {matchLabels: {app: web}}}", true, "refused too_large"),
        ("match: {podSelector: {matchLabels: {n1: web}}}", true, "passed not_requested"),
        ("match: {podSelector: {matchLabels: {app: web}}}", false, "refused too_large"),
        ("match: {podSelector: {matchLabels: {app: db}}}", false, "passed not_requested"),
        ("match: {namespaceSelector: {matchLabels: {team: b}}}", false, "passed not_requested"),
        ("match: {namespaceSelector: {matchLabels: {team: b}}}", true, "passed not_requested"),
        ("match: {ownerKinds: [Job]}", true, "passed not_requested"),
    ] {
        let mut scene = Scene::new(&format!("{spec}, {WANTS}"));
        scene.on_mistake = OnMistake::Warn;
        many(&mut scene, labels);
        assert_eq!(scene.outcome(), expected, "{spec}");
    }
}

/// Every field of a pod, at every depth, as every kind of value that it is not, or not there at all.
#[test]
fn no_damage_to_a_pod_takes_it_past_a_policy_that_is_for_all() {
    let mut scene = Scene::new(WANTS);
    scene.on_mistake = OnMistake::Warn;
    let mut count = 0;
    for text in [REAL[0], REAL[5]] {
        scene.review = serde_json::from_str(text).unwrap();
        assert_eq!(scene.outcome(), "injected");
        for pointer in pointers(&scene.review["request"]["object"]) {
            let pointer = format!("/request/object{pointer}");
            for damage in [json!(null), json!(true), json!(-1), json!("\u{0}?"), json!([0]), json!({"?": 0})]
            {
                let mut review = scene.review.clone();
                *review.pointer_mut(&pointer).unwrap() = damage.clone();
                let outcome = scene.outcome_of(&review.to_string());
                assert!(!outcome.starts_with("passed"), "{pointer} as {damage}: {outcome}");
                count += 1;
            }
            let mut review = scene.review.clone();
            remove(&mut review, &pointer);
            let outcome = scene.outcome_of(&review.to_string());
            assert!(!outcome.starts_with("passed"), "without {pointer}: {outcome}");
        }
    }
    assert!(count > 1000, "{count}");
}

/// A pod cut off at every place.
#[test]
fn no_half_of_a_review_takes_a_pod_past_a_policy() {
    let scene = Scene::new(WANTS);
    let text = scene.review.to_string();
    for end in 0..text.len() {
        assert!(scene.outcome_of(&text[..end]).starts_with("error "), "{}", &text[..end]);
    }
    assert_eq!(scene.outcome_of(&text), "injected");
}

/// The places of a value and of all that it holds.
fn pointers(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    let mut all = vec![String::new()];
    for (name, child) in children {
        all.extend(pointers(child).into_iter().map(|rest| format!("/{name}{rest}")));
    }
    all
}

fn remove(document: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Value::Array(items) => drop(items.remove(name.parse().unwrap())),
        _ => unreachable!("it holds something"),
    }
}
