//! `multipod guard` as people run it. What it writes is tried on a real API server in `tests/e2e/controlplane`.

use crate::support::run::Files;
use serde_json::Value;

const ENFORCED: &str = "\
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: web}
spec:
  mode: enforce
  match:
    namespaceSelector: {matchLabels: {stage: prod}}
    podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}
    ownerKinds: [Deployment]
  annotations: {multipod/ambassador: '5432:db'}
---
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: nicety}
spec: {annotations: {multipod/metrics: nginx}}
";

const FILE: (&str, &str) = ("policies.yaml", ENFORCED);

#[track_caller]
fn written(files: &[(&str, &str)], args: &[&str]) -> Vec<Value> {
    let ran = Files::new(files).multipod(&[&["guard", "-o", "json"], args].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let list: Value = serde_json::from_str(&ran.out).unwrap();
    list["items"].as_array().unwrap().clone()
}

fn names(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(|object| object["metadata"]["name"].as_str().unwrap()).collect()
}

#[test]
fn enforced_policies_are_guarded_where_they_select_and_others_are_not() {
    let objects = written(&[FILE], &["--policy-dir", "policies.yaml"]);
    let expected = ["multipod-asks", "multipod-asks", "multipod-live", "multipod-live"];
    assert_eq!(names(&objects), [&expected[..], &["multipod-enforce-web", "multipod-enforce-web"]].concat());
    let matched = &objects[4]["spec"]["matchConstraints"];
    let selected = matched["namespaceSelector"]["matchExpressions"].to_string();
    assert!(selected.contains(r#"{"key":"stage","operator":"In","values":["prod"]}"#), "{selected}");
    assert!(selected.contains(r#""multipod/injection""#), "{selected}");
    let pods = matched["objectSelector"]["matchExpressions"].to_string();
    assert_eq!(pods, r#"[{"key":"app","operator":"NotIn","values":["db"]}]"#);

    let everywhere = written(&[FILE], &["--policy-dir", "policies.yaml", "--all-namespaces"]);
    assert!(!everywhere[4].to_string().contains("multipod/injection"));
}

#[test]
fn what_depends_on_the_namespace_is_not_compared() {
    let objects = written(&[FILE], &["--policy-dir", "policies.yaml"]);
    let validations = objects[4]["spec"]["validations"].to_string();
    assert!(validations.contains("multipod-ambassador"), "{validations}");
    assert!(
        !validations.contains("default.svc"),
        "the address of db differs between namespaces: {validations}"
    );
}

#[test]
fn names_and_actions_are_as_the_options_and_the_settings_say() {
    for object in written(&[], &["--static"]) {
        assert!(object["metadata"]["name"].as_str().unwrap().ends_with(".static.k8s.io"), "{object}");
    }
    // API servers that read it from files want an object in each document, also in the one with the comments.
    let text = Files::new(&[]).multipod(&["guard", "--static"]).out;
    assert!(text.starts_with("# Written by multipod guard."), "{text}");
    assert!(text.split("---\n").all(|document| document.contains("\nkind: ")), "{text}");
    let settings = [("settings.yaml", "onMistake: warn\n")];
    let actions = |args: &[&str]| {
        let bindings = written(&settings, args)
            .into_iter()
            .filter(|object| object["kind"] == "ValidatingAdmissionPolicyBinding");
        bindings.map(|binding| binding["spec"]["validationActions"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(actions(&[]), [r#"["Deny"]"#, r#"["Deny"]"#]);
    assert_eq!(actions(&["--action", "warn"]), [r#"["Warn","Audit"]"#, r#"["Warn","Audit"]"#]);
    assert_eq!(actions(&["--config", "settings.yaml"]), [r#"["Warn","Audit"]"#, r#"["Deny"]"#]);
}

#[test]
fn namespaces_that_multipod_never_sees_are_never_guarded() {
    let excluded = |object: &Value| {
        object.pointer("/spec/matchConstraints/namespaceSelector/matchExpressions/0/values").cloned()
    };
    let registered = include_str!("../../../deploy/webhook.yaml");
    let settings = [("settings.yaml", "excludedNamespaces: [mine]\n")];
    let objects = written(&settings, &["--config", "settings.yaml"]);
    let found: Vec<Value> = objects.iter().filter_map(excluded).collect();
    assert_eq!(found.len(), 2);
    for values in found {
        let mut names: Vec<String> = serde_json::from_value(values).unwrap();
        assert_eq!(names.pop().as_deref(), Some("mine"));
        assert!(registered.contains(&format!("values: [{}]", names.join(", "))), "{names:?}");
    }
}

#[test]
fn what_the_settings_let_other_webhooks_do_passes_the_guard_too() {
    let settings = "imageRewrites: [mirror.example/*]\ninjectors: {environment: [OTEL_], mounts: [/var/run/secrets/mesh]}\n";
    let args = ["--policy-dir", "policies.yaml", "--config", "settings.yaml"];
    let text = written(&[FILE, ("settings.yaml", settings)], &args)[4].to_string();
    for part in
        ["mirror.example/haproxy:", "mirror.example/library/haproxy:", "OTEL_", "/var/run/secrets/mesh/"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
}
