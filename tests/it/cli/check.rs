//! `multipod check` as people run it.

use crate::support::run::{Files, multipod, pod};
use serde_json::{Value, json};

/// The lines that name a place.
fn places(out: &str) -> Vec<&str> {
    out.lines().filter(|line| line.contains(": error: ") || line.contains(": warning: ")).collect()
}

#[test]
fn a_good_file_has_no_findings() {
    let ran = multipod(&["check"], &pod(""));
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "✓ 0 errors, 0 warnings in 1 pod\n", ""));
}

#[test]
fn every_mistake_is_told_with_its_place_in_the_order_of_the_file() {
    let deployment = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    multipod/logging: /var/log/app/*.log
spec:
  template:
    metadata:
      labels:
        multipod/metrics: nginx
      annotations:
        multipod/ambassador: 80:53
        multi-pod/sync: x
        multipod/loging: x
        multipod/init: wait-for db
    spec:
      containers: [{name: app, image: 'app:1'}]
";
    let files = Files::new(&[("web.yaml", deployment)]);
    let ran = files.multipod(&["check", "-f", "web.yaml"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        places(&ran.out),
        [
            "web.yaml:6:5: warning: multipod/logging stands on the Deployment itself and never reaches its pods [misplaced]",
            "web.yaml:11:9: warning: multipod/metrics is a label here, and multipod reads annotations [label]",
            "web.yaml:13:9: warning: multipod/ambassador: 80:53 without quotes is the number 4853 to readers of YAML 1.1 [unquoted]",
            "web.yaml:14:9: warning: multi-pod/sync means nothing to multipod, did you mean multipod/sync? [misspelt_key]",
            "web.yaml:15:9: error: multipod/loging: there is no such key, did you mean multipod/logging? [unknown_key]",
            "web.yaml:16:9: error: multipod/init: this cannot be waited for [bad_value]",
        ]
    );
    assert!(ran.out.ends_with("\n2 errors, 4 warnings in 1 pod\n"), "{}", ran.out);
    assert!(ran.out.contains("\n   | Put it under spec.template.metadata.annotations\n"), "{}", ran.out);
}

#[test]
fn annotations_where_nobody_reads_them_are_found_anywhere() {
    let text = "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  annotations:
    multipod/loging: /var/log/*.log
    multipod/metrics: nginx
---
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {multipod/ambassador: '80:8775', Multipod/logging: x}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: StatefulSet
  metadata: {name: db}
  spec: {template: {metadata: {annotations: {multipod.dev/init: x}}, spec: {containers: [{name: a, image: b}]}}}
";
    let ran = multipod(&["check"], text);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_eq!(
        places(&ran.out),
        [
            "<stdin>:6:5: warning: multipod/loging: there is no such key, did you mean multipod/logging? [unknown_key]",
            "<stdin>:13:17: warning: multipod/ambassador has no effect on a Service [no_effect]",
            "<stdin>:13:49: warning: Multipod/logging means nothing to multipod, did you mean multipod/logging? [misspelt_key]",
            "<stdin>:21:46: warning: multipod.dev/init means nothing to multipod, did you mean multipod/init? [misspelt_key]",
        ]
    );
}

#[test]
fn a_namespace_that_does_not_opt_in_as_it_seems_to_is_found() {
    let text = "\
kind: Namespace
metadata: {name: a, labels: {multipod/injection: 'true'}}
---
kind: Namespace
metadata: {name: b, annotations: {multipod/injection: enabled}}
---
kind: Pod
metadata: {name: c, labels: {multipod/injection: enabled}}
spec: {containers: [{name: a, image: b}]}
---
kind: Namespace
metadata: {name: d, labels: {multipod/injection: enabled}}
---
kind: Namespace
metadata: {name: e, labels: {multipod/injection: disabled}}
";
    let ran = multipod(&["check"], text);
    assert_eq!(
        places(&ran.out),
        [
            "<stdin>:2:30: warning: multipod/injection: \"true\" does not opt this namespace in [label]",
            "<stdin>:5:35: warning: multipod/injection is an annotation here, and the webhook looks for a label [label]",
            "<stdin>:8:30: warning: multipod/injection is a label of namespaces, and means nothing on a Pod [label]",
        ]
    );
    assert!(
        ran.out.contains(" | A Namespace opts in with the label multipod/injection: enabled\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_configuration_that_haproxy_refuses_for_its_last_line_is_found() {
    let web = pod("").replace("80:8775", "80, config=mine");
    for (name, scalar, expected) in [("mine", "|-", 1), ("mine", "|", 0), ("other", "|-", 0)] {
        let map = format!(
            "kind: ConfigMap\napiVersion: v1\nmetadata: {{name: {name}}}\ndata:\n  haproxy.cfg: {scalar}\n    global\n"
        );
        let files = Files::new(&[("map.yaml", &map), ("web.yaml", &web)]);
        let ran = files.multipod(&["check", "-f", "."]);
        let found = ran.out.matches("haproxy.cfg ends without a line break").count();
        assert_eq!(
            (ran.code, found),
            (expected, usize::try_from(expected).unwrap()),
            "{name} {scalar}: {}{}",
            ran.out,
            ran.err
        );
    }
}

#[test]
fn a_service_that_leads_past_the_ambassador_is_found_in_another_file() {
    let web = pod("").replace("name: web\n", "name: web\n  labels: {app: web}\n");
    let service = |target: &str, namespace: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: front, namespace: {namespace}}}\nspec:\n  selector: {{app: web}}\n  \
             ports:\n  - port: 80\n    targetPort: {target}\n"
        )
    };
    for (target, namespace, expected) in [
        (
            "8775",
            "default",
            vec![
                "service.yaml:7:5: warning: Service front leads to port 8775 of Pod web, past its ambassador [past_the_ambassador]",
            ],
        ),
        ("80", "default", vec![]),
        ("8775", "other", vec![]),
    ] {
        let files = Files::new(&[("service.yaml", &service(target, namespace)), ("web.yaml", &web)]);
        let ran = files.multipod(&["check", "-f", "service.yaml", "web.yaml"]);
        assert_eq!(
            (places(&ran.out), ran.code),
            (expected.clone(), i32::from(!expected.is_empty())),
            "{target}"
        );
    }
}

#[test]
fn what_depends_on_the_cluster_is_asked_of_the_command_line() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  template:\n    metadata:\n      annotations:\n        \
               multipod/ambassador: '5432:db'\n    spec:\n      restartPolicy: Never\n      containers: [{name: a, image: b}]\n";
    assert_eq!(multipod(&["check"], job).code, 0);
    let old = multipod(&["check", "--kubernetes-version", "1.28"], job);
    assert_eq!(old.code, 1);
    assert!(old.out.contains("<stdin>:8:9: error: ") && old.out.contains("[job_never_ends]"), "{}", old.out);
    let asked = multipod(&["check", "-a", "multipod/logging=relative/*.log"], job);
    assert!(asked.out.contains("[bad_value]") && asked.code == 1, "{}", asked.out);
}

#[test]
fn machines_get_the_findings_as_json() {
    let text = pod("").replace("80:8775", "8o:8775");
    let ran = multipod(&["check", "-o", "json"], &text);
    assert_eq!(ran.code, 1);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    let counts = ["schema", "errors", "warnings", "pods"].map(|field| answer[field].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 0, 1]);
    let finding = &answer["findings"][0];
    let place =
        json!([finding["file"], finding["line"], finding["column"], finding["level"], finding["reason"]]);
    assert_eq!(place, json!(["<stdin>", 6, 5, "error", "bad_value"]));
    assert_eq!(finding["subject"], "document 1, Pod web");
    assert!(finding["message"].as_str().unwrap().starts_with("multipod/ambassador: 8o:8775 is not"));
}

#[test]
fn the_image_of_multipod_that_no_registry_has_is_a_note_for_all_pods_together() {
    let waits = pod("").replace("multipod/ambassador: \"80:8775\"", "multipod/init: wait-for db:5432");
    let ran = multipod(&["check"], &format!("{waits}---\n{waits}"));
    let (note, rest) = ran.out.split_once('\n').unwrap();
    assert!(note.starts_with("note: pods get the image multipod/multipod:"), "{}", ran.out);
    assert_eq!((ran.code, rest), (0, "✓ 0 errors, 0 warnings in 2 pods\n"));
    let ran = multipod(&["check", "-o", "json"], &waits);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["notes"].as_array().map(Vec::len), Some(1), "{answer}");

    for settings in ["image: mirror.example/multipod:1", "registry: mirror.example"] {
        let files = Files::new(&[("pod.yaml", &waits), ("settings.yaml", settings)]);
        let ran = files.multipod(&["check", "-f", "pod.yaml", "--config", "settings.yaml"]);
        assert_eq!((ran.code, &*ran.out), (0, "✓ 0 errors, 0 warnings in 1 pod\n"));
    }
}

#[test]
fn a_directory_of_policies_in_which_there_is_none_is_a_failure() {
    let looks_like_one = "name: strict\nmode: enforce\nannotations: {multipod/metrics: nginx}\n";
    let files = Files::new(&[("web.yaml", &pod("")), ("policies/strict.yaml", looks_like_one)]);
    for command in [&["check", "-f", "web.yaml"][..], &["policies"], &["guard"]] {
        let ran = files.multipod(&[command, &["--policy-dir", "policies"]].concat());
        assert_eq!((ran.code, &*ran.out), (2, ""), "{command:?}: {}", ran.err);
        ran.reports(&["error: policies: there is no InjectionPolicy and no Pattern in this directory\n"]);
    }
}

#[test]
fn what_cannot_be_read_is_a_failure_and_hides_no_other_finding() {
    let files = Files::new(&[("bad.yaml", "a: ["), ("web.yaml", &pod("").replace("80:8775", "8o:8775"))]);
    let ran = files.multipod(&["check", "-f", "bad.yaml", "web.yaml"]);
    assert_eq!(ran.code, 2);
    let found = places(&ran.out);
    assert!(found[0].starts_with("bad.yaml:1:") && found[0].ends_with("[unreadable_yaml]"), "{found:?}");
    assert!(found[1].starts_with("web.yaml:6:5: error: multipod/ambassador: 8o:8775"), "{found:?}");
}

#[test]
fn colours_are_for_terminals() {
    let text = pod("").replace("80:8775", "8o:8775");
    assert!(!multipod(&["check"], &text).out.contains('\u{1b}'));
    assert!(multipod(&["check", "--color", "always"], &text).out.contains('\u{1b}'));
}

#[test]
fn a_key_that_stands_nearly_where_it_belongs_is_told_with_its_place() {
    let deployment = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  anotations:
    multipod/logging: /var/log/app/*.log
spec:
  template:
    annotations:
      multipod/ambassador: 80:8080
    spec:
      annotations:
        multipod/ambassador: 80:8080
      containers: [{name: app, image: 'app:1'}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, anotations: {multipod/metrics: nginx}}
spec: {containers: [{name: app, image: 'app:1'}]}
";
    let files = Files::new(&[("web.yaml", deployment)]);
    for command in ["check", "inject"] {
        let ran = files.multipod(&[command, "-f", "web.yaml"]);
        let told = format!("{}{}", ran.out, ran.err);
        for (place, at, right) in [
            (
                "web.yaml:6:5",
                "multipod/logging stands in metadata.anotations",
                "spec.template.metadata.annotations",
            ),
            (
                "web.yaml:10:7",
                "multipod/ambassador stands in spec.template.annotations",
                "spec.template.metadata.",
            ),
            (
                "web.yaml:13:9",
                "multipod/ambassador stands in spec.template.spec.annotations",
                "spec.template.metadata.",
            ),
            (
                "web.yaml:18:36",
                "multipod/metrics stands in metadata.anotations",
                "Put it under metadata.annotations",
            ),
        ] {
            assert!([place, at, right].iter().all(|part| told.contains(part)), "{command}: {at}: {told}");
        }
    }
}

#[test]
fn a_file_in_which_there_is_no_object_is_told() {
    let files = Files::new(&[
        ("empty.yaml", "# nothing\n"),
        ("hosts.yaml", "127.0.0.1 localhost\n"),
        ("pod.yaml", &pod("")),
    ]);
    let ran = files.multipod(&["check", "-f", "empty.yaml", "-f", "hosts.yaml", "-f", "pod.yaml"]);
    assert_eq!(ran.code, 1);
    let expected = [
        "empty.yaml:1:1: warning: there is no Kubernetes object in this file [no_object]",
        "hosts.yaml:1:1: warning: there is no Kubernetes object in this file [no_object]",
    ];
    assert_eq!(places(&ran.out), expected);
}

#[test]
fn settings_that_the_server_refuses_are_told_by_every_command_that_takes_them() {
    for (settings, expected) in [
        (
            "registry: a.example\n\tx: 1\n",
            "error: a tab stands before the content of this line; YAML is indented by blanks alone\n  --> settings.yaml:2:1\n   |\n 2 | →x: 1\n   | ^\n",
        ),
        (
            "serve: {logLevel: verbose}\n",
            "error: unknown level verbose; expected off, error, warn, info, debug or trace, or a filter such as multipod=debug\n  --> settings.yaml:1:19\n   |\n 1 | serve: {logLevel: verbose}\n   |                   ^^^^^^^\n",
        ),
        (
            "registry: a.example\nserve:\n  listne: x\n",
            "error: unknown field listne, did you mean listen?\n  --> settings.yaml:3:3\n",
        ),
        (
            "serve: {listen: nowhere}\n",
            "error: expected an address with its port, such as 0.0.0.0:8443\n  --> settings.yaml:1:17\n",
        ),
    ] {
        let files = Files::new(&[("settings.yaml", settings), ("pod.yaml", &pod(""))]);
        for command in ["check", "inject", "explain"] {
            let ran = files.multipod(&[command, "-f", "pod.yaml", "--config", "settings.yaml"]);
            assert_eq!(ran.code, 2, "{command}: {settings}");
            assert!(ran.err.contains(expected), "{command}: {}", ran.err);
        }
    }
}

#[test]
fn a_bare_list_of_objects_is_one_mistake() {
    let files = Files::new(&[("list.yaml", "- {apiVersion: v1, kind: Pod}\n")]);
    let ran = files.multipod(&["check", "list.yaml"]);
    assert_eq!(places(&ran.out).len(), 1, "{}", ran.out);
    assert!(ran.out.contains("[list_of_objects]"), "{}", ran.out);
}

#[test]
fn characters_that_look_like_others_are_named_with_the_caret_below_them() {
    for (line, told, marked) in [
        ("    multipod/ambassador: “80:8775”", "“ is a typographic quote [bad_value]", "^ write \""),
        (
            "    multipod/ambassador: \"80:8775\u{a0}mode=http\"",
            "U+00A0 is a no-break space [bad_value]",
            "^ write an ordinary space",
        ),
        (
            "    multipod/ambassador: \"80:8775\u{200b}\"",
            "U+200B is an invisible character [bad_value]",
            "^ delete it",
        ),
        (
            "    “multipod/ambassador”: \"80:8775\"",
            "“ is a typographic quote, and part of this key [misspelt_key]",
            "^ write \"",
        ),
        (
            "    multipod/ambassador: \"80:8775\" ‘x’",
            "‘ is a typographic quote [unreadable_yaml]",
            "^ write '",
        ),
    ] {
        let ran = multipod(&["check"], &pod("").replace("    multipod/ambassador: \"80:8775\"", line));
        assert_eq!((ran.code > 0, places(&ran.out).len()), (true, 1), "{}", ran.out);
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
        let lines: Vec<&str> = ran.out.lines().collect();
        let caret =
            lines.iter().position(|line| line.ends_with(marked)).unwrap_or_else(|| panic!("{}", ran.out));
        let column = lines[caret].chars().position(|c| c == '^').unwrap();
        let above = lines[caret - 1].chars().nth(column).unwrap();
        assert!("“‘\u{a0}\u{fffd}".contains(above), "{above:?}: {}", ran.out);
    }
}
