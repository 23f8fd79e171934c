//! The context of a pod: namespaces, settings, policies, versions.

use multipod_engine::pattern::{Context, Label, Settings};
use multipod_engine::pod::Version;
use multipod_engine::policy::{self, Loaded};
use serde_json::{Value, json};

use super::asked;
use super::dice::Dice;

/// Patterns of an administrator: one with text of the pod in every place that takes some, and one for every container.
pub const PATTERNS: &str = r#"
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: audit-tap}
spec:
  params:
    text: {type: string, default: plain}
    second: {type: string, optional: true}
    port: {type: port, default: 7000}
  containers:
    - name: audit-tap
      image: team/audit-tap:2.1
      args: ["--text=$(params.text)", "--both=$(params.text)$(params.second)", "--pod=$(POD_NAME)"]
      env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: TEXT, value: "$(params.text)"}
      ports: [{name: tap, containerPort: $(params.port)}]
      resources: {requests: {cpu: 5m, memory: 16Mi}, limits: {memory: 64Mi}}
      volumeMounts: [{name: audit, mountPath: /spool}]
  volumes: [{name: audit, emptyDir: {}}]
  app:
    mounts: [{name: audit, mountPath: /var/audit}]
    env: [{name: TAP, value: "$(params.text)"}]
  annotations: {audit.example/text: "text: $(params.text)"}
---
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: taster}
spec:
  app: {container: all, env: [{name: TASTE, value: salt}]}
"#;

/// The context of one pod, as written.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub namespace: String,
    pub labels: Option<Vec<Label>>,
    pub annotations: Vec<(String, String)>,
    pub owner_kind: Option<&'static str>,
    pub settings: Value,
    pub files: Vec<(String, String)>,
    pub version: Version,
}

/// The same, read.
pub struct Read {
    pub cluster: Cluster,
    pub settings: Settings,
    pub loaded: Loaded,
}

impl Cluster {
    /// A cluster where nobody has set anything.
    pub fn bare() -> Self {
        Cluster {
            namespace: "prod".to_owned(),
            labels: Some(Vec::new()),
            annotations: Vec::new(),
            owner_kind: None,
            settings: others(),
            files: Vec::new(),
            version: Version::ASSUMED,
        }
    }

    pub fn of(dice: &mut Dice<'_>) -> Self {
        let pairs =
            |of: &[(&str, &str)]| of.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let labels = dice.pick(&[
            Some(pairs(&[("env", "prod")])),
            Some(Vec::new()),
            None,
            Some(pairs(&[("team", "a")])),
        ]);
        let minor = dice.pick(&[34, 34, 29, 28]);
        Cluster {
            namespace: dice.pick(&["prod", "dev", "", "kube-system"]).to_owned(),
            labels,
            annotations: if dice.chance(20) { annotations(dice) } else { Vec::new() },
            owner_kind: dice.pick(&[None, None, None, Some("Job"), Some("Deployment")]),
            settings: if dice.chance(50) { settings(dice) } else { others() },
            files: files(dice),
            version: Version { major: 1, minor },
        }
    }

    pub fn read(self) -> Read {
        let settings = serde_json::from_str(&self.settings.to_string()).expect("settings that can be read");
        let loaded = policy::load(&self.files);
        Read { cluster: self, settings, loaded }
    }
}

impl Read {
    pub fn context(&self) -> Context<'_> {
        Context {
            namespace: &self.cluster.namespace,
            namespace_labels: self.cluster.labels.as_deref(),
            namespace_annotations: &self.cluster.annotations,
            owner_kind: self.cluster.owner_kind,
            version: self.cluster.version,
            ..Context::new(&self.settings, &self.loaded.catalogue)
        }
    }
}

fn annotations(dice: &mut Dice<'_>) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for key in dice.some(&asked::KEYS, 20) {
        out.push((format!("multipod/{key}"), asked::value(key, dice)));
    }
    for (key, value) in [
        ("openshift.io/sa.scc.uid-range", "1000/10"),
        ("multipod/logs", "\u{7}\n"),
        ("multipod/status", "{}"),
        ("other", "x"),
    ] {
        if dice.chance(15) {
            out.push((key.to_owned(), value.to_owned()));
        }
    }
    out
}

/// What other webhooks do there.
fn others() -> Value {
    json!({"imageRewrites": ["rewritten.example/*"],
        "injectors": {"environment": ["OTHER_"], "mounts": ["/var/run/secrets/other.example"]}})
}

fn settings(dice: &mut Dice<'_>) -> Value {
    let mut settings = others();
    for (field, value) in [
        ("registry", json!("mirror.example/")),
        ("image", json!("mirror.example/multipod:1")),
        ("pullSecrets", json!(["mirror", "second"])),
        ("clusterDomain", json!("corp.example")),
        ("ipFamilies", json!("IPv6")),
        ("ipFamilies", json!("Dual")),
        ("sidecar", json!("native")),
        ("sidecar", json!("classic")),
        ("onMistake", json!("warn")),
        ("excludedNamespaces", json!(["kube-system"])),
        ("assignedUsers", json!(true)),
        (
            "patterns",
            json!({"ambassador": {"image": "own/haproxy:2.8", "cpu": "0.02"}, "clone": {"memory": "1Gi"}}),
        ),
    ] {
        if dice.chance(15) {
            settings[field] = value;
        }
    }
    settings
}

fn files(dice: &mut Dice<'_>) -> Vec<(String, String)> {
    let mut files = vec![("patterns.yaml".to_owned(), PATTERNS.to_owned())];
    if dice.chance(35) {
        let count = dice.pick(&[1, 1, 2, 3]);
        files.extend((0..count).map(|at| (format!("{at}.yaml"), policy(at, dice))));
    }
    files
}

/// JSON is YAML too.
fn policy(at: usize, dice: &mut Dice<'_>) -> String {
    let mut spec = json!({"mode": dice.pick(&["default", "enforce", "audit", "default", "enforce"])});
    // A policy that says nothing is a mistake.
    spec["destinations"] = json!({"spare": "otlp://spare:4317"});
    let mut set = json!({});
    for key in dice.some(&asked::KEYS[..7], 20) {
        set[format!("multipod/{key}")] = json!(asked::value(key, dice));
    }
    spec["annotations"] = set;
    for (field, value) in [
        ("match", json!({"namespaceSelector": {"matchLabels": {"env": "prod"}}})),
        ("match", json!({"ownerKinds": ["Job", "Deployment"]})),
        ("match", json!({"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}})),
        ("upstreams", json!({"orders": "orders.shop:8080"})),
        ("upstreams", json!({"orders": "orders.example.com:443"})),
        ("destinations", json!({"central": "otlp://collector.logs:4317"})),
        ("bounds", json!({"images": ["haproxy:*"], "memory": {"max": "512Mi"}})),
    ] {
        if dice.chance(20) {
            spec[field] = value;
        }
    }
    json!({
        "apiVersion": "multipod.dev/v1alpha1",
        "kind": "InjectionPolicy",
        "metadata": {"name": format!("policy-{at}")},
        "spec": spec,
    })
    .to_string()
}
