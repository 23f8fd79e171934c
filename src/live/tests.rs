//! What people are told about pods of a cluster, each cause from what an API server keeps.

use std::collections::BTreeMap;

use multipod_engine::inject::{Verdict, decide};
use multipod_engine::pattern::Settings;
use multipod_engine::pattern::object::Kind;
use multipod_engine::pod::{Head, Version, objects};
use multipod_engine::policy;
use serde_json::{Value, json};

use super::cause::cause;
use super::coverage::Coverage;
use super::{Entry, Known, Namespace, State, assess, change};

/// The pod is made at noon.
const EARLIER: &str = "2026-01-02T11:00:00Z";
const NOON: &str = "2026-01-02T12:00:00Z";
const LATER: &str = "2026-01-02T13:00:00Z";

/// All that a verdict about a pod depends on.
struct Case {
    pod: Value,
    policies: Vec<Value>,
    /// When they were changed.
    changed: &'static str,
    configuration: Value,
    namespace: Value,
    owners: Vec<Value>,
    settings: Settings,
}

fn ambassador(port: u16) -> Value {
    json!({"multipod/ambassador": format!("{port}:8775")})
}

fn policy(annotations: &Value, more: &Value) -> Value {
    let mut spec = json!({"annotations": annotations});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy", "metadata": {"name": "web"}, "spec": spec})
}

fn set(at: &str, fields: &Value) -> Value {
    json!([{"manager": "kubectl", "time": at, "fieldsV1": fields}])
}

impl Case {
    /// A pod that a policy is for, in a namespace that has opted in, with nothing added, and nobody knows why.
    fn usual() -> Case {
        let entry = |condition: &str, namespaces: Value| {
            json!({"name": format!("{condition}.multipod.dev"), "failurePolicy": "Ignore", "namespaceSelector": namespaces,
                "rules": [{"resources": ["pods"]}], "matchConditions": [{"name": condition}]})
        };
        Case {
            pod: json!({"metadata": {"name": "web-1", "namespace": "shop", "creationTimestamp": NOON, "labels": {"app": "web"}, "annotations": {}},
                "spec": {"containers": [{"name": "app", "image": "a:1"}]}}),
            policies: vec![policy(&ambassador(80), &json!({}))],
            changed: EARLIER,
            configuration: json!({"metadata": {"creationTimestamp": EARLIER}, "webhooks": [
                entry("asks-by-annotation", json!({})),
                entry("does-not-ask-by-annotation", json!({"matchLabels": {"multipod/injection": "enabled"}})),
            ]}),
            namespace: json!({"metadata": {"name": "shop", "labels": {"multipod/injection": "enabled"}}}),
            owners: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// The usual one without a policy.
    fn nobody_asks() -> Case {
        Case { policies: Vec::new(), ..Case::usual() }
    }

    fn with(mut self, pointer: &str, value: Value) -> Case {
        let (above, field) = pointer.rsplit_once('/').unwrap();
        let (of, above) = above.split_once('/').unwrap_or((above, ""));
        let object = match of {
            "pod" => &mut self.pod,
            "namespace" => &mut self.namespace,
            "configuration" => &mut self.configuration,
            other => panic!("{other}"),
        };
        let above = if above.is_empty() { String::new() } else { format!("/{above}") };
        object.pointer_mut(&above).unwrap()[field] = value;
        self
    }

    fn known(&self) -> Known {
        let files: Vec<(String, String)> = self
            .policies
            .iter()
            .enumerate()
            .map(|(at, policy)| (format!("{at}.yaml"), policy.to_string()))
            .collect();
        let loaded = policy::load(&files);
        assert_eq!(loaded.problems, []);
        Known {
            settings: self.settings.clone(),
            changed: loaded
                .policies
                .iter()
                .map(|policy| ((Kind::InjectionPolicy, policy.name.clone()), self.changed.to_owned()))
                .collect::<BTreeMap<_, _>>(),
            policies: loaded.policies,
            catalogue: loaded.catalogue,
            version: Version::ASSUMED,
            entries: Entry::of(&self.configuration).collect(),
        }
    }

    /// The same after the webhook was asked.
    fn injected(mut self) -> Case {
        let (known, namespace, json) = (self.known(), Namespace::of(&self.namespace), self.pod.to_string());
        let head = Head::read(&json).unwrap();
        let decision = decide(&head, &known.context(&namespace), &known.policies).unwrap();
        let Verdict::Inject(injection) = decision.verdict else { panic!("nothing is injected") };
        self.pod = injection.patch.applied(&self.pod).unwrap();
        self
    }

    fn owned_by(mut self, annotations: &Value, of_template: &Value) -> Case {
        self.owners =
            vec![json!({"kind": "Deployment", "metadata": {"name": "web", "annotations": annotations},
            "spec": {"template": {"metadata": {"annotations": of_template}}}})];
        self
    }
}

/// Sets a field of the policy's `spec` instead of what it had.
fn ruled_by(annotations: &Value, more: &Value) -> Case {
    Case { policies: vec![policy(annotations, more)], ..Case::usual() }
}

#[test]
fn each_cause_is_found_by_what_the_api_server_keeps() {
    let asks = |case: Case| case.with("pod/metadata/annotations", ambassador(80));
    let condition =
        |expression: &str| json!({"match": {"matchConditions": [{"name": "one", "expression": expression}]}});
    let changed = |mut case: Case, changed: &'static str| {
        (case.policies, case.changed) = (vec![policy(&ambassador(81), &json!({}))], changed);
        case
    };
    let of_version = |mut case: Case| {
        let status = case.pod["metadata"]["annotations"]["multipod/status"].as_str().unwrap();
        let older = status.replace(env!("CARGO_PKG_VERSION"), "0.0.1");
        case.pod["metadata"]["annotations"]["multipod/status"] = json!(older);
        case
    };
    let not_in = json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["shop"]}]});
    let app_is_other = json!({"matchLabels": {"app": "other"}});
    let set_annotation = json!({"f:metadata": {"f:annotations": {"f:multipod/ambassador": {}}}});
    let set_label = json!({"f:metadata": {"f:labels": {"f:multipod/injection": {}}}});
    let excluded = || Settings { excluded_namespaces: vec!["shop".to_owned()], ..Settings::default() };
    // The name, what is said, and whether a restart is all that is needed.
    for (slug, words, is_cured, case) in [
        ("covered", "", false, Case::usual().injected()),
        ("older_policy", "web", true, changed(Case::usual().injected(), LATER)),
        ("older_version", "0.0.1", true, changed(of_version(Case::usual().injected()), EARLIER)),
        ("drift", "", true, changed(Case::usual().injected(), EARLIER)),
        ("surplus", "", true, Case { policies: Vec::new(), ..Case::usual().injected() }),
        (
            "refused",
            "",
            false,
            Case::usual().with("pod/metadata/annotations", json!({"multipod/ambassador": "x"})),
        ),
        ("no_webhook", "", false, Case::usual().with("configuration/webhooks", json!([]))),
        ("namespace_not_opted_in", "shop", false, Case::usual().with("namespace/metadata/labels", json!({}))),
        (
            "excluded_namespace",
            "shop",
            false,
            asks(Case::usual()).with("configuration/webhooks/0/namespaceSelector", not_in),
        ),
        ("excluded_namespace", "shop", false, Case { settings: excluded(), ..asks(Case::usual()) }),
        (
            "not_selected",
            "label app of the pod must be \"other\"",
            false,
            asks(Case::usual()).with("configuration/webhooks/0/objectSelector", app_is_other.clone()),
        ),
        (
            "not_selected",
            "label app of its namespace must be \"other\"",
            false,
            asks(Case::usual()).with("configuration/webhooks/0/namespaceSelector", app_is_other),
        ),
        (
            "before_webhook",
            LATER,
            true,
            Case::usual().with("configuration/metadata/creationTimestamp", json!(LATER)),
        ),
        (
            "before_opt_in",
            LATER,
            true,
            Case::usual().with("namespace/metadata/managedFields", set(LATER, &set_label)),
        ),
        (
            "before_annotation",
            LATER,
            true,
            asks(Case::nobody_asks()).with("pod/metadata/managedFields", set(LATER, &set_annotation)),
        ),
        (
            "before_namespace_annotation",
            LATER,
            true,
            Case::nobody_asks()
                .with("namespace/metadata/annotations", ambassador(80))
                .with("namespace/metadata/managedFields", set(LATER, &set_annotation)),
        ),
        ("before_policy", "the policy web as it is now", true, Case { changed: LATER, ..Case::usual() }),
        ("webhook_not_asked", "failurePolicy: Ignore", true, Case::usual()),
        (
            "webhook_not_asked",
            "decided otherwise then",
            true,
            Case::usual().with("configuration/webhooks/1/failurePolicy", json!("Fail")),
        ),
        ("misplaced", "Deployment web", false, Case::nobody_asks().owned_by(&ambassador(80), &json!({}))),
        (
            "older_template",
            "Deployment web",
            false,
            Case::nobody_asks().owned_by(&json!({}), &ambassador(80)),
        ),
        (
            "label_not_annotation",
            "multipod/ambassador",
            false,
            Case::nobody_asks().with("pod/metadata/labels", ambassador(80)),
        ),
        (
            "not_rolled_out",
            "policy web",
            false,
            ruled_by(&ambassador(80), &json!({"rollout": {"percent": 0}})),
        ),
        (
            "condition",
            "policy web leaves it out",
            false,
            ruled_by(&ambassador(80), &condition("object.metadata.name == 'x'")),
        ),
        ("audit_only", "web", false, ruled_by(&ambassador(80), &json!({"mode": "audit"}))),
        (
            "opted_out",
            "",
            false,
            Case::usual().with("pod/metadata/annotations", json!({"multipod/opt-out": "all"})),
        ),
        ("not_requested", "", false, Case::nobody_asks()),
    ] {
        let (known, namespace) = (case.known(), Namespace::of(&case.namespace));
        let assessed = assess(&case.pod, &known, &namespace);
        let cause = cause(&case.pod, &assessed, &known, &namespace, &case.owners);
        assert_eq!(cause.slug(), slug, "{words}: {cause}, {assessed:?}");
        assert!(cause.to_string().contains(words), "{slug}: {cause}");
        assert_eq!(cause.is_cured_by_a_restart(), is_cured, "{slug}");
    }
}

#[test]
fn pods_of_one_workload_are_one_finding() {
    let case = Case::usual();
    let (known, namespace) = (case.known(), Namespace::of(&case.namespace));
    let mut coverage = Coverage::default();
    let pod = |name: &str, owner: &Value| {
        let mut pod = case.pod.clone();
        (pod["metadata"]["name"], pod["metadata"]["ownerReferences"]) = (json!(name), owner.clone());
        pod["metadata"]["labels"]["pod-template-hash"] = json!("5d7c8");
        pod
    };
    let of = |kind: &str, name: &str| json!([{"kind": kind, "name": name, "controller": true}]);
    for (name, owner) in [
        ("web-5d7c8-a", of("ReplicaSet", "web-5d7c8")),
        ("web-5d7c8-b", of("ReplicaSet", "web-5d7c8")),
        ("db-0", of("StatefulSet", "db")),
        ("alone", json!([])),
    ] {
        coverage.see(&pod(name, &owner), &known, &namespace);
    }
    coverage.see(&Case::usual().injected().pod, &known, &namespace);
    coverage.unconcerned("other");
    let found: Vec<String> = coverage
        .found()
        .map(|found| {
            format!("{} {} {} {} such as {}", found.kind, found.name, found.state, found.pods, found.such_as)
        })
        .collect();
    assert_eq!(
        found,
        [
            "Deployment web missing 2 such as web-5d7c8-a",
            "Pod alone missing 1 such as alone",
            "StatefulSet db missing 1 such as db-0"
        ]
    );
    let total = State::ALL.map(|state| coverage.total(state));
    assert_eq!(total, [1, 4, 0, 0, 1]);
    let names: Vec<&str> = coverage.namespaces().map(|(name, _)| name).collect();
    assert_eq!(names, ["other", "shop"]);
}

#[test]
fn a_workload_changes_where_its_pods_would_be_made_otherwise() {
    let (now, none) = (Case::usual(), Case::nobody_asks());
    let other = ruled_by(&ambassador(81), &json!({}));
    let namespace = Namespace::of(&now.namespace);
    // It was injected before: what is compared is what would be made of it as it was.
    let injected = Case::usual().injected().pod;
    let workload = json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"metadata": {"annotations": injected["metadata"]["annotations"]}, "spec": injected["spec"]}}});
    let object = &objects(&workload)[0];
    let changed = |now: &Case, then: &Case| change(object, &namespace, &now.known(), &then.known());
    assert!(changed(&now, &now).is_none());
    let found = changed(&now, &other).unwrap();
    assert_eq!(found.title, "Deployment web");
    assert!(found.now.contains("bind 0.0.0.0:80\n") && found.then.contains("bind 0.0.0.0:81\n"), "{found:?}");
    let found = changed(&now, &none).unwrap();
    assert!(!found.then.contains("multipod"), "{found:?}");
    let refusing = ruled_by(
        &ambassador(80),
        &json!({"mode": "enforce", "match": {"matchConditions": [
        {"name": "one", "expression": "object.metadata.labels.absent == 'x'"}]}}),
    );
    let found = changed(&none, &refusing).unwrap();
    assert!(found.then.starts_with("refused: "), "{found:?}");
}
