//! `multipod explain` as people run it.

use std::process::Command;

use crate::support::run::{Files, Ran, multipod, program};
use serde_json::{Value, json};

const SHOP: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations:
    multipod/logging: /var/log/app/*.log
spec:
  template:
    metadata:
      annotations:
        multipod/ambassador: \"80:8775, 5432:db\"
    spec:
      initContainers:
      - {name: migrate, image: 'shop/migrate:7', volumeMounts: [{name: data, mountPath: /data}]}
      containers:
      - name: app
        image: shop/web:7
        ports: [{containerPort: 8775, name: http}]
        volumeMounts: [{name: data, mountPath: /srv/data, readOnly: true}]
      volumes:
      - {name: data, emptyDir: {}}
";

fn explained(args: &[&str], text: &str) -> Ran {
    let args: Vec<&str> = ["explain"].iter().chain(args).copied().collect();
    multipod(&args, text)
}

#[track_caller]
fn assert_holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn a_workload_that_a_policy_does_not_reach_yet_is_told_so() {
    let policy = |percent: u8| {
        format!(
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: trial}}\nspec:\n  \
             rollout: {{percent: {percent}}}\n  annotations: {{multipod/init: \"wait-for gate:1\"}}\n"
        )
    };
    // The same workload as a manifest, and as the pod that a cluster makes of it.
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: web-5d4f8c7b9d-\n  namespace: shop\n  labels: {pod-template-hash: 5d4f8c7b9d}\n  \
        ownerReferences:\n  - {apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4f8c7b9d, uid: a, controller: true}\nspec:\n  containers:\n  - {name: app, image: a}\n";
    let reached = |percent: u8, text: &str| {
        let files = Files::new(&[("app.yaml", text), ("trial.yaml", &policy(percent))]);
        let ran = files.multipod(&["explain", "-f", "app.yaml", "--policy-dir", "trial.yaml"]);
        let told = format!(
            "it is rolled out to {percent} % of workloads, and ReplicaSet web in namespace shop is not among them"
        );
        assert_eq!(ran.out.contains(&told), !ran.out.contains("wait-for gate:1"), "{}", ran.out);
        ran.out.contains("wait-for gate:1")
    };
    let percents: Vec<u8> = (0..=100).step_by(10).collect();
    let of = |text: &str| percents.iter().map(|percent| reached(*percent, text)).collect::<Vec<_>>();
    let found = of(SHOP);
    assert!(!found[0] && found[10] && found.is_sorted(), "{found:?}");
    assert_eq!(found, of(pod));
}

#[test]
fn a_deployment_is_explained_from_its_annotations_to_its_drawing() {
    let settings = ("settings.yaml", "patterns: {ambassador: {image: 'haproxy:3.2'}}\n");
    let files = Files::new(&[("shop.yaml", SHOP), settings]);
    let args = ["explain", "-f", "shop.yaml", "--width", "80", "--config", "settings.yaml"];
    let ran = files.multipod(&args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_holds(
        &ran.out,
        &[
            "Deployment web in namespace shop  shop.yaml:1\n",
            "  multipod/ambassador: \"80:8775, 5432:db\"  from the pod (shop.yaml:12)\n",
            "  injected: 1 native sidecar, 2 volumes",
            "  1 + multipod-ambassador  native sidecar: Kubernetes 1.34 knows native sidecars\n",
            "  ! multipod/logging stands on the Deployment itself and never reaches its pods\n",
            "nothing that the pod declares clashes; ports 80, 5432 are taken",
        ],
    );
    let drawing = &ran.out[ran.out.find('┌').unwrap()..];
    assert_eq!(
        drawing,
        "\
┌ the pod, + is new ───────────────────────────────────────────┐
│ start one after the other                                    │
│ ┌ 1 + multipod-ambassador ────────────────────────┐          │
│ │ sidecar, keeps running                          │          │
│ │ haproxy:3.2                                     │          │
│ │ :80 → app:8775                                  │          │
│ │ 127.0.0.1:5432 → db.shop.svc.cluster.local:5432 │          │
│ │ has [b]                                         │          │
│ └─────────────────────────────────────────────────┘          │
│ ┌ 2 migrate ─────────────────┐                               │
│ │ step, ends before the next │                               │
│ │ shop/migrate:7             │                               │
│ │ has [a]                    │                               │
│ └────────────────────────────┘                               │
│                                                              │
│ then runs, beside the sidecars above                         │
│ ┌ app ───────┐                                               │
│ │ shop/web:7 │                                               │
│ │ :8775 http │                                               │
│ │ has [a]    │                                               │
│ └────────────┘                                               │
│                                                              │
│ volumes                                                      │
│ [a] data  emptyDir                                           │
│   ├ migrate    /data                                         │
│   └ app        /srv/data  read-only                          │
│ [b] + multipod-ambassador  downwardAPI                       │
│   └ + multipod-ambassador  /usr/local/etc/haproxy  read-only │
└──────────────────────────────────────────────────────────────┘
"
    );
}

#[test]
fn a_refused_pod_ends_with_1_and_tells_every_reason() {
    let wrong = SHOP.replace("80:8775, 5432:db", "8o:8775, 5432:DB");
    let ran = explained(&[], &wrong);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_holds(
        &ran.out,
        &["refused, for 2 reasons", "^^ expected a port", "lower", "(bad_value)", "the pod as it is"],
    );
}

#[test]
fn a_password_that_should_not_stand_in_a_value_is_not_repeated() {
    let wrong = SHOP.replace("80:8775, 5432:db", "5432:postgres://shop:hunter2@db");
    for format in ["text", "json"] {
        let ran = explained(&["-o", format], &wrong);
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert_holds(&ran.out, &["5432:postgres://shop:*******@db"]);
        assert!(!(ran.out + &ran.err).contains("hunter2"));
    }
}

#[test]
fn annotations_of_the_command_line_are_explained_too() {
    let ran = explained(&["-a", "multipod/metrics=nginx", "--kubernetes-version", "1.28"], SHOP);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_holds(
        &ran.out,
        &[
            "multipod/metrics: \"nginx\"  from --annotate\n",
            "+ multipod-metrics-nginx  classic sidecar: Kubernetes 1.28 does not know native sidecars",
            "│ then run together ",
        ],
    );
}

#[test]
fn policies_are_told_apart_by_whether_they_are_for_the_pod() {
    let policy = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: base}\nspec:\n  mode: enforce\n  \
                  match: {namespaceSelector: {matchLabels: {stage: prod}}}\n  \
                  annotations: {multipod/init: 'wait-for gate:1'}\n";
    let files = Files::new(&[("shop.yaml", SHOP), ("policies/base.yaml", policy)]);
    let with = |labels: &str| {
        let args = ["explain", "-f", "shop.yaml", "--policy-dir", "policies", "--namespace-labels", labels];
        files.multipod(&args).out
    };
    assert_holds(
        &with("stage=prod"),
        &[
            "multipod/init: \"wait-for gate:1\"  from policy base, enforced: nothing overrides it",
            "  base (enforce) is for this pod\n",
            "+ multipod-wait-for-1  step: steps run once, in the order written",
        ],
    );
    assert_holds(
        &with("stage=dev"),
        &["  base (enforce) is not for this pod: the namespace's label stage must be \"prod\": \"dev\"\n"],
    );
}

#[test]
fn machines_get_all_of_it_as_json() {
    let files = Files::new(&[("shop.yaml", SHOP)]);
    let ran = files.multipod(&["explain", "-f", "shop.yaml", "-o", "json"]);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["schema"], 1);
    let pod = &answer["pods"][0];
    let origin =
        json!({"kind": "Deployment", "name": "web", "namespace": "shop", "file": "shop.yaml", "line": 1});
    assert_eq!(pod["origin"], origin);
    assert_eq!(
        pod["asked"],
        json!([{"key": "multipod/ambassador", "value": "80:8775, 5432:db", "by": {"kind": "pod"}, "standing": "counts", "line": 12}])
    );
    assert_eq!(pod["verdict"], json!({"action": "inject"}));
    let sidecar = &pod["added"]["containers"][0];
    assert_eq!(
        (&sidecar["name"], &sidecar["runs"]),
        (&json!("multipod-ambassador"), &json!("nativeSidecar"))
    );
    assert_eq!(sidecar["ports"], json!([80]));
    let listens = &pod["pod"]["containers"][0]["listens"][1];
    let expected = json!({"port": 5432, "loopback": true, "to": "db.shop.svc.cluster.local:5432"});
    assert_eq!(*listens, expected);
    assert!(pod["added"]["rendered"][0]["value"].as_str().unwrap().contains("listen inbound-80"));

    let refused = explained(&["-o", "json"], &SHOP.replace("80:8775", "8o:1"));
    let answer: Value = serde_json::from_str(&refused.out).unwrap();
    let verdict = &answer["pods"][0]["verdict"];
    assert_eq!(
        (&verdict["action"], &verdict["refusals"][0]["reason"]),
        (&json!("deny"), &json!("bad_value"))
    );
    assert!(answer["pods"][0].get("added").is_none());
}

#[test]
fn rendered_configuration_is_shown_where_it_is_asked_for() {
    let without = explained(&[], SHOP).out;
    let with = explained(&["--show-config"], SHOP).out;
    assert!(with.contains("      listen inbound-80\n") && !without.contains("listen inbound-80"));
    assert_holds(&without, &["rendered.multipod/haproxy.cfg, ", "(--show-config shows them)"]);
}

#[test]
fn the_drawing_is_ascii_where_the_locale_or_the_user_says_so() {
    let drawn = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = program();
        command.env_remove("LC_ALL").env_remove("LC_CTYPE").env_remove("LANG").env_remove("TERM");
        command.envs(variables.iter().copied()).arg("explain").args(args);
        Ran::fed(&mut command, SHOP).out
    };
    for (variables, args, ascii) in [
        (&[("LANG", "en_US.UTF-8")][..], &[][..], false),
        (&[], &[], false),
        (&[("LANG", "C")], &[], true),
        (&[("LANG", "en_US.UTF-8"), ("TERM", "dumb")], &[], true),
        (&[("LANG", "en_US.UTF-8")], &["--ascii"], true),
    ] {
        assert_eq!(drawn(variables, args).is_ascii(), ascii, "{variables:?} {args:?}");
    }
}

#[test]
fn colours_are_for_terminals_and_say_nothing_that_the_words_do_not() {
    let plain = explained(&[], SHOP).out;
    assert!(!plain.contains('\u{1b}'));
    let coloured = explained(&["--color", "always"], SHOP).out;
    assert!(coloured.contains("\u{1b}[32m"));
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        stripped.push_str(&rest[..at]);
        rest = &rest[at + rest[at..].find('m').unwrap() + 1..];
    }
    assert_eq!(stripped + rest, plain);
}

#[test]
fn the_drawing_is_as_wide_as_it_needs_and_never_wider_than_the_terminal() {
    let widest = |mut command: Command| {
        let ran = Ran::fed(command.arg("explain"), SHOP);
        let drawing = ran.out.lines().skip_while(|line| !line.starts_with('┌'));
        drawing.map(|line| line.chars().count()).max().unwrap()
    };
    let mut narrow = program();
    narrow.env("COLUMNS", "50");
    assert_eq!(widest(narrow), 50);
    let mut unknown = program();
    unknown.env_remove("COLUMNS");
    assert_eq!(widest(unknown), 88);
}

#[test]
fn what_holds_no_pod_is_told_and_what_cannot_be_read_fails() {
    let ran = explained(&[], "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    ran.reports(&["ConfigMap a is left as it is: it has no pod template"]);

    let ran = explained(&[], "a: [");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    ran.reports(&["error[unreadable_yaml]", "<stdin>:1:"]);
    let ran = explained(&["-f", "no-such-file.yaml"], "");
    assert_eq!(ran.code, 2);
    ran.reports(&["no-such-file.yaml"]);
}

#[test]
fn every_pod_of_a_stream_has_its_own_page() {
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: a, image: b}}]}}\n"
        )
    };
    let ran = explained(&[], &format!("{}---\n{}", pod("one"), pod("two")));
    assert_holds(
        &ran.out,
        &["Pod one in namespace default  <stdin>:1\n", "\n\nPod two in namespace default  <stdin>:6\n"],
    );
    assert_eq!(ran.out.matches("left as it is: nothing asks for a pattern here (not_requested)").count(), 2);
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_it_quietly() {
    use std::process::{Command, Stdio};
    let files = Files::new(&[("shop.yaml", &format!("{SHOP}---\n").repeat(60))]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_multipod"))
        .args(["explain", "-f", "shop.yaml"])
        .current_dir(files.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}
