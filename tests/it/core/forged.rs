//! Copies of what multipod would add that are not quite that, made by whoever wrote the pod before we see it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, EnvVar, Volume, VolumeMount};
use multipod_engine::inject::{SkipReason, Verdict, decide};
use multipod_engine::pattern::{Context, Settings};
use multipod_engine::pod::Head;
use multipod_engine::policy::{self, Loaded};
use serde_json::{Value, json};

use super::schema;
use crate::support::sound;

const ASKED: [(&str, &str); 4] = [
    ("ambassador", "80:8775, 5432:db"),
    ("logging", "/var/log/app/*.log to=otlp://collector.logs:4317"),
    ("metrics", "nginx"),
    ("patterns", "tap"),
];

const TAP: &str = r#"
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: tap}
spec:
  containers:
    - name: tap
      image: team/tap:2.1
      args: ["--pod=$(POD_NAME)"]
      env: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
      livenessProbe: {httpGet: {path: /healthz, port: 9650}}
      ports: [{containerPort: 9650}]
      volumeMounts: [{name: tap, mountPath: /spool}, {name: rules, mountPath: /etc/tap, readOnly: true}]
  volumes: [{name: tap, emptyDir: {sizeLimit: 1Gi}}, {name: rules, configMap: {name: rules}}]
  app:
    mounts: [{name: tap, mountPath: /var/tap}]
    env: [{name: TAP, value: /var/tap}]
"#;

/// Who asks for everything.
#[derive(Clone, Copy, PartialEq, Debug)]
enum By {
    Policy,
    Pod,
}

struct Scene {
    loaded: Loaded,
    settings: Settings,
    pod: Value,
    /// The same with all that multipod adds.
    injected: Value,
    warnings: BTreeSet<String>,
}

impl Scene {
    fn new(by: By, settings: &Value) -> Scene {
        let annotations: serde_json::Map<String, Value> =
            ASKED.iter().map(|(key, value)| (format!("multipod/{key}"), json!(value))).collect();
        let mut files = vec![("tap.yaml".to_owned(), TAP.to_owned())];
        let mut pod = json!({"metadata": {"name": "web"}, "spec": {
            "containers": [{"name": "app", "image": "app:1"}, {"name": "other", "image": "other:1"}]}});
        if by == By::Policy {
            let policy = json!({"apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy",
                "metadata": {"name": "all"}, "spec": {"mode": "enforce", "annotations": annotations}});
            files.push(("policy.yaml".to_owned(), policy.to_string()));
        } else {
            pod["metadata"]["annotations"] = Value::Object(annotations);
        }
        let loaded = policy::load(&files);
        assert_eq!(loaded.problems, []);
        let settings = serde_json::from_str(&settings.to_string()).unwrap();
        let mut scene =
            Scene { loaded, settings, pod: pod.clone(), injected: Value::Null, warnings: BTreeSet::new() };
        let (ended, _) = scene.decide(&pod);
        let Ended::Injected(result) = ended else { panic!("{ended:?}") };
        scene.injected = *result;
        let (ended, warnings) = scene.decide(&scene.injected);
        assert_eq!(ended, Ended::Skipped(SkipReason::AlreadyInjected));
        scene.warnings = warnings;
        scene
    }

    fn decide(&self, pod: &Value) -> (Ended, BTreeSet<String>) {
        let text = pod.to_string();
        let head = Head::read(&text).unwrap();
        let context = Context::new(&self.settings, &self.loaded.catalogue);
        let decision = decide(&head, &context, &self.loaded.policies).unwrap();
        let ended = match decision.verdict {
            Verdict::Skip(reason) => Ended::Skipped(reason),
            Verdict::Deny(refusals) => {
                Ended::Denied(refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
            }
            Verdict::Inject(injection) => Ended::Injected(Box::new(sound::apply(pod, &injection.patch))),
        };
        (ended, decision.warnings.into_iter().collect())
    }

    /// Everything in the injected pod that is ours: its place, and the fields that the API has there.
    fn ours(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        let mut list = |place: String, name: &str, before: &Value, full: &Value| {
            let was_there = |item: &Value| {
                before.as_array().is_some_and(|items| items.iter().any(|i| i[name] == item[name]))
            };
            let items = self.injected.pointer(&place).and_then(Value::as_array).into_iter().flatten();
            let ours = items.enumerate().filter(|(_, item)| !was_there(item));
            all.extend(ours.map(|(at, _)| (format!("{place}/{at}"), full.clone())));
        };
        let annotations = self.injected["metadata"]["annotations"].as_object().unwrap();
        let rendered = annotations.keys().filter(|key| key.starts_with("rendered."));
        let mut rendered: Vec<(String, Value)> = rendered
            .map(|key| (format!("/metadata/annotations/{}", key.replace('/', "~1")), Value::Null))
            .collect();
        assert_eq!(rendered.len(), 2, "{rendered:?}");
        let before = &self.pod["spec"];
        for containers in ["initContainers", "containers"] {
            list(format!("/spec/{containers}"), "name", &before[containers], &schema::full::<Container>());
        }
        list("/spec/volumes".to_owned(), "name", &before["volumes"], &schema::full::<Volume>());
        for at in 0..2 {
            let (place, app) = (format!("/spec/containers/{at}"), &before["containers"][at]);
            let mount = schema::full::<VolumeMount>();
            list(format!("{place}/volumeMounts"), "mountPath", &app["volumeMounts"], &mount);
            list(format!("{place}/env"), "name", &app["env"], &schema::full::<EnvVar>());
        }
        all.append(&mut rendered);
        all
    }
}

#[derive(Debug, PartialEq)]
enum Ended {
    Skipped(SkipReason),
    Denied(String),
    Injected(Box<Value>),
}

/// Everything that one could add to a value or change in it, once each, with its place.
fn forgeries(ours: &Value, full: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    match (ours, full) {
        (Value::Object(map), Value::Object(fields)) => {
            for (key, sample) in fields {
                let with = |value: Value| {
                    let mut forged = map.clone();
                    forged.insert(key.clone(), value);
                    Value::Object(forged)
                };
                match map.get(key) {
                    None => all.extend(
                        each_leaf(sample).map(|(at, leaf)| (format!("/{key}{at} added"), with(leaf))),
                    ),
                    Some(inner) => {
                        let inside = forgeries(inner, sample).into_iter();
                        all.extend(inside.map(|(place, value)| (format!("/{key}{place}"), with(value))));
                    }
                }
            }
            // What a map holds under names of its own.
            for (key, inner) in map.iter().filter(|(key, _)| !fields.contains_key(*key)) {
                for (place, value) in forgeries(inner, &Value::Null) {
                    let mut forged = map.clone();
                    forged.insert(key.clone(), value);
                    all.push((format!("/{key}{place}"), Value::Object(forged)));
                }
            }
        }
        (Value::Array(items), Value::Array(sample)) => {
            for (at, item) in items.iter().enumerate() {
                for (place, value) in forgeries(item, &sample[0]) {
                    let mut forged = items.clone();
                    forged[at] = value;
                    all.push((format!("/{at}{place}"), Value::Array(forged)));
                }
            }
            let (mut first, mut last) = (sample.clone(), items.clone());
            first.extend(items.iter().cloned());
            last.extend(sample.iter().cloned());
            all.push((" with one before".to_owned(), Value::Array(first)));
            all.push((" with one more".to_owned(), Value::Array(last)));
        }
        (Value::String(text), _) => all.push((" changed".to_owned(), json!(format!("{text}x")))),
        (Value::Number(number), _) => {
            all.push((" changed".to_owned(), json!(number.as_i64().unwrap() + 1)));
        }
        (Value::Bool(value), _) => all.push((" changed".to_owned(), json!(!value))),
        _ => {}
    }
    all
}

/// A value with each of its leaves alone.
fn each_leaf(full: &Value) -> Box<dyn Iterator<Item = (String, Value)> + '_> {
    match full {
        Value::Object(map) if !map.is_empty() => Box::new(map.iter().flat_map(|(key, value)| {
            each_leaf(value).map(move |(at, leaf)| (format!("/{key}{at}"), json!({ key.clone(): leaf })))
        })),
        Value::Array(items) if !items.is_empty() => {
            Box::new(each_leaf(&items[0]).map(|(at, leaf)| (format!("/0{at}"), json!([leaf]))))
        }
        leaf => Box::new(std::iter::once((String::new(), leaf.clone()))),
    }
}

/// Of each forgery: where it was, and how the pod fared.
fn outcomes(scene: &Scene) -> Vec<(String, Ended, Vec<String>)> {
    let mut all = Vec::new();
    for (place, full) in scene.ours() {
        for (inside, value) in forgeries(scene.injected.pointer(&place).unwrap(), &full) {
            let mut forged = scene.injected.clone();
            *forged.pointer_mut(&place).unwrap() = value;
            let (ended, warnings) = scene.decide(&forged);
            let told = warnings.difference(&scene.warnings).cloned().collect();
            all.push((format!("{place}{inside}"), ended, told));
        }
    }
    all
}

/// A thing under another name is not there, and is added beside.
fn is_left_to_the_pod(ended: &Ended) -> bool {
    matches!(ended, Ended::Skipped(_))
}

#[test]
fn nothing_that_the_api_knows_can_be_added_to_what_is_enforced() {
    let scene = Scene::new(By::Policy, &json!({}));
    let outcomes = outcomes(&scene);
    let passed: Vec<&String> =
        outcomes.iter().filter(|(_, ended, _)| is_left_to_the_pod(ended)).map(|(place, ..)| place).collect();
    assert!(outcomes.len() > 1500, "{}", outcomes.len());
    assert_eq!(passed.len(), 0, "{} of {} pass: {passed:#?}", passed.len(), outcomes.len());
}

#[test]
fn whatever_is_added_to_what_the_pod_asks_for_is_refused_or_named() {
    let scene = Scene::new(By::Pod, &json!({}));
    let outcomes = outcomes(&scene);
    let silent: Vec<&String> = outcomes
        .iter()
        .filter(|(_, ended, told)| is_left_to_the_pod(ended) && told.is_empty())
        .map(|(place, ..)| place)
        .collect();
    assert_eq!(silent.len(), 0, "{} of {} pass in silence: {silent:#?}", silent.len(), outcomes.len());
}

#[test]
fn a_second_mount_or_value_in_the_place_of_ours_is_refused() {
    let scene = Scene::new(By::Policy, &json!({}));
    let places = [
        ("/volumeMounts", json!({"name": "mine", "mountPath": "/var/log/../log/app/"})),
        ("/env", json!({"name": "TAP", "value": "/elsewhere"})),
    ];
    for (list, more) in places {
        let mut forged = scene.injected.clone();
        let list = forged.pointer_mut(&format!("/spec/containers/0{list}")).and_then(Value::as_array_mut);
        list.unwrap().push(more.clone());
        let (ended, _) = scene.decide(&forged);
        assert!(matches!(ended, Ended::Denied(_)), "{more}: {ended:?}");
    }
}
