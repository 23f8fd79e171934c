//! `multipod export` as people run it. What it writes is tried on real API servers in `tests/e2e/controlplane`, pod by pod
//! against the webhook.

use serde_json::Value;

use crate::support::run::{Files, Ran};

const TAP: &str = "\
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: tap}
spec: {containers: [{name: tap, image: 'team/tap:1'}]}
";

fn policy(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

fn ran(objects: &str, args: &[&str]) -> Ran {
    let files = Files::new(&[("p.yaml", objects), ("settings.yaml", "pullSecrets: [mirror]\n")]);
    files.multipod(&[&["export", "--as", "mutating-admission-policy", "-f", "p.yaml"], args].concat())
}

#[track_caller]
fn written(objects: &str, args: &[&str]) -> Vec<Value> {
    let ran = ran(objects, &[&["-o", "json"], args].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let list: Value = serde_json::from_str(&ran.out).unwrap();
    list["items"].as_array().unwrap().clone()
}

fn kinds(objects: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    objects.iter().map(|object| text(&object["kind"]) + " " + &text(&object["metadata"]["name"])).collect()
}

#[test]
fn each_policy_becomes_one_of_the_api_server_with_its_binding() {
    let one = |name: &str, mode: &str| {
        policy(
            name,
            &format!(
                "mode: {mode}, match: {{podSelector: {{matchLabels: {{app: {name}}}}}}}, annotations: {{multipod/patterns: tap}}"
            ),
        )
    };
    let objects = TAP.to_owned() + &one("web", "default") + &one("db", "enforce");
    let both = written(&objects, &[]);
    assert_eq!(
        kinds(&both),
        [
            "MutatingAdmissionPolicy multipod-db",
            "MutatingAdmissionPolicyBinding multipod-db",
            "ValidatingAdmissionPolicy multipod-enforce-db",
            "ValidatingAdmissionPolicyBinding multipod-enforce-db",
            "MutatingAdmissionPolicy multipod-web",
            "MutatingAdmissionPolicyBinding multipod-web",
        ]
    );
    let matched = &both[4]["spec"]["matchConstraints"];
    assert_eq!(
        matched["objectSelector"].to_string(),
        r#"{"matchExpressions":[{"key":"app","operator":"In","values":["web"]}]}"#
    );
    assert!(matched["namespaceSelector"].to_string().contains("multipod/injection"));
    assert_eq!(both[4]["apiVersion"], "admissionregistration.k8s.io/v1");

    let web = written(&objects, &["web", "web", "--all-namespaces", "--kubernetes-version", "1.35"]);
    assert_eq!(
        kinds(&web),
        ["MutatingAdmissionPolicy multipod-web", "MutatingAdmissionPolicyBinding multipod-web"]
    );
    assert_eq!(web[0]["apiVersion"], "admissionregistration.k8s.io/v1beta1");
    assert!(!web[0]["spec"]["matchConstraints"].to_string().contains("multipod/injection"));

    let settings = written(&objects, &["web", "--config", "settings.yaml"]);
    assert!(
        settings[0].to_string().contains("imagePullSecrets")
            && !web[0].to_string().contains("imagePullSecrets")
    );

    let text = ran(&objects, &["web"]).out;
    assert!(text.starts_with("# Written by multipod export. What differs from the webhook:\n# - "), "{text}");
}

/// What would be lost, and where that stands.
#[track_caller]
fn loses(objects: &str, expected: &[&str]) {
    let ran = ran(objects, &["x"]);
    assert_eq!((ran.code, &*ran.out), (2, ""), "{}", ran.err);
    let said: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(said.len(), expected.len(), "{}", ran.err);
    for (said, expected) in said.iter().zip(expected) {
        let line = objects.lines().position(|line| line == "metadata: {name: x}").unwrap() + 1;
        let begins = format!("error: p.yaml:{line}: policy x: {expected}");
        assert!(said.starts_with(&begins), "{begins}\n{said}");
    }
    // Each with a cure.
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("  ")).count(), expected.len(), "{}", ran.err);
}

#[test]
fn what_needs_the_webhook_is_refused_field_by_field() {
    const TAPS: &str = "annotations: {multipod/patterns: tap}";
    for (spec, field) in [
        ("mode: audit", "spec.mode: an audit only tells"),
        ("onObstacle: deny", "spec.onObstacle: a MutatingAdmissionPolicy cannot refuse"),
        ("rollout: {percent: 5}", "spec.rollout: a share of the workloads"),
        ("bounds: {images: []}", "spec.bounds: bounds are for what pods ask for"),
        ("upstreams: {db: 'db:1'}", "spec.upstreams: names stand for something"),
        ("destinations: {logs: 'otlp://logs:4317'}", "spec.destinations: names stand for something"),
    ] {
        loses(&(TAP.to_owned() + &policy("x", &format!("{TAPS}, {spec}"))), &[field]);
    }
    let several = "mode: audit, rollout: {percent: 5}, annotations: {multipod/metrics: nginx}";
    let expected = [
        "spec.mode: ",
        "spec.rollout: ",
        "spec.annotations[multipod/metrics]: it reads the ports of the app",
    ];
    loses(&policy("x", several), &expected);
    loses(&policy("x", "bounds: {images: []}"), &["spec.bounds: "]);
}

#[test]
fn a_key_that_reads_the_pod_is_refused_with_what_it_reads() {
    for (key, value) in [
        ("ambassador", "80:8775"),
        ("logging", "/var/log/app.log"),
        ("metrics", "nginx"),
        ("sync", "https://git.example/site into=/usr/share/nginx/html"),
        ("init", "wait-for db:5432"),
        ("share-process-namespace", "true"),
    ] {
        let expected = format!("spec.annotations[multipod/{key}]: it ");
        loses(&policy("x", &format!("annotations: {{multipod/{key}: '{value}'}}")), &[&expected]);
    }
}

#[test]
fn a_pattern_that_reads_the_pod_is_refused_by_its_own_field() {
    let pattern = |spec: &str| TAP.replace("spec: {", &format!("spec: {{{spec}, "));
    for (spec, value, field) in [
        ("app: {env: [{name: A, value: b}]}", "tap", "spec.app.env of patterns tap"),
        (
            "app: {mounts: [{name: v, mountPath: /v}]}, volumes: [{name: v, emptyDir: {}}]",
            "tap",
            "spec.app.mounts of patterns tap",
        ),
        ("sysctls: [{name: net.ipv4.tcp_syncookies, value: '1'}]", "tap", "spec.sysctls of patterns tap"),
        ("shareProcessNamespace: true", "tap", "spec.shareProcessNamespace of patterns tap"),
        ("description: x", "tap, sidecar=classic", "sidecar=classic of patterns tap"),
    ] {
        let objects = pattern(spec) + &policy("x", &format!("annotations: {{multipod/patterns: '{value}'}}"));
        loses(&objects, &[&format!("spec.annotations[multipod/patterns]: {field}: ")]);
    }
}

#[test]
fn policies_that_may_meet_in_one_pod_are_refused_also_where_the_other_stays() {
    let other = |spec: &str| {
        TAP.to_owned()
            + &policy(
                "x",
                "match: {podSelector: {matchLabels: {app: web}}}, annotations: {multipod/patterns: tap}",
            )
            + &policy("other", spec)
    };
    let adds = "annotations: {multipod/metrics: nginx}";
    loses(&other(adds), &["spec.match: policy other can be for the same pods"]);
    for apart in [
        format!("match: {{podSelector: {{matchLabels: {{app: db}}}}}}, {adds}"),
        format!("mode: audit, {adds}"),
        "bounds: {images: []}".to_owned(),
    ] {
        assert_eq!(written(&other(&apart), &["x"]).len(), 2, "{apart}");
    }
}

#[test]
fn what_cannot_be_asked_for_is_told() {
    let objects = TAP.to_owned() + &policy("x", "annotations: {multipod/patterns: tap}");
    for (objects, args, expected) in [
        (&*objects, &["y"][..], "p.yaml: there is no policy y, there are: x"),
        (TAP, &[], "p.yaml: there are no policies"),
        (
            &objects,
            &["--kubernetes-version", "1.33"],
            "Kubernetes 1.33 has no MutatingAdmissionPolicy that one can rely on",
        ),
        ("kind: Pod", &[], "p.yaml:1"),
    ] {
        let ran = ran(objects, args);
        assert_eq!((ran.code, &*ran.out), (2, ""), "{}", ran.err);
        ran.reports(&["error: ", expected]);
    }
}
