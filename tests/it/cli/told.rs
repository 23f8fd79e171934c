//! What people are told about their files: in their words, in an order that helps, and never a thousand times.

use std::fmt::Write as _;

use crate::support::run::{Files, Ran, multipod, ours, pod, program, values};

const ASKS: &str = "metadata: {name: w, annotations: {multipod/ambassador: '80:1'}}";

#[test]
fn what_does_not_fit_is_said_where_it_stands_and_without_the_words_of_a_parser() {
    let app = "spec: {containers: [{name: a}]}";
    for (text, expected) in [
        (
            "spec: {containers: hello}",
            "spec.containers: \"hello\" is a string, and Kubernetes takes a list here\n  --> <stdin>:3:20 ",
        ),
        (
            "spec: {containers: [hello]}",
            "spec.containers[0]: \"hello\" is a string, and Kubernetes takes a map here\n  --> <stdin>:3:21 ",
        ),
        (
            "spec: {containers: [{name: a, ports: [{containerPort: \"8080\"}]}]}",
            "ports[0].containerPort: \"8080\" is a string, and Kubernetes takes an integer here\n  --> <stdin>:3:55 ",
        ),
        ("spec: hello", "spec: \"hello\" is a string, and Kubernetes takes a map here\n  --> <stdin>:3:7 "),
    ] {
        let ran = multipod(&["inject"], &format!("kind: Pod\n{ASKS}\n{text}\n"));
        ran.is_refused();
        ran.reports(&["error[unreadable_pod]: ", expected]);
        assert!(!ran.err.contains("expected") && !ran.err.contains("struct"), "{}", ran.err);
    }
    let ran = multipod(&["inject"], &format!("kind: Pod\nmetadata: hello\n{app}\n"));
    ran.reports(&[
        "error[unreadable_pod]: ",
        "metadata: \"hello\" is a string, and Kubernetes takes a map here",
    ]);
    let ran = multipod(&["inject"], &format!("apiVersion: apps/v1\nkind: Pod\n{ASKS}\n{app}\n"));
    ran.reports(&[
        "warning: there is no Pod in apps/v1, and kubectl will refuse Pod w",
        "Write apiVersion: v1",
    ]);
    let status = |text: &str| {
        let pod =
            format!("kind: Pod\nmetadata: {{name: w, annotations: {{multipod/status: '{text}'}}}}\n{app}\n");
        multipod(&["uninject"], &pod)
    };
    status("{").reports(&["error[bad_status]: ", "is no record that multipod writes", "by hand"]);
    let newer = status(r#"{"version":"9.1","zebras":["a"]}"#);
    newer.is_refused();
    newer.reports(&[
        "error[bad_status]: ",
        "was written by multipod 9.1",
        "zebras",
        "Take it out with that version",
    ]);
}

#[test]
fn errors_stand_last_and_notes_are_summed_up() {
    let mut text =
        pod("").replace("80:8775", "80:99999") + "---\n" + &pod("").replace("ambassador", "amassador");
    for index in 0..500 {
        let _ = write!(text, "---\nkind: ConfigMap\nmetadata: {{name: c{index}}}\n");
    }
    assert!(!multipod(&["inject"], &text).err.contains("note: "));
    let ran = multipod(&["inject", "--verbose"], &text);
    ran.is_refused();
    let of = |level: &str| ran.err.lines().filter(|line| line.starts_with(level)).count();
    assert!(of("note") < 10 && of("error") == 2, "{}", ran.err);
    ran.reports(&["ConfigMap c0 is left as it is", "note: 497 more like these (no_pod_template)"]);
    let last_note = ran.err.rfind("note: ").unwrap();
    assert!(last_note < ran.err.find("error[").unwrap(), "{}", ran.err);
}

#[test]
fn annotate_leaves_out_the_pods_that_opt_out_and_says_how_others_do() {
    let named = |name: &str, more: &str| {
        format!(
            "kind: Pod\nmetadata: {{name: {name}, annotations: {{a: b{more}}}}}\nspec: {{containers: [{{name: app}}]}}\n"
        )
    };
    let text =
        [named("a", ""), named("b", ", multipod/opt-out: ambassador"), named("c", ", multipod/opt-out: all")];
    let text = text.join("---\n");
    let set = "multipod/ambassador=80:8775";
    let ran = multipod(&["inject", "--annotate", set], &text);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found: Vec<bool> = values(&ran.out).iter().map(|pod| !ours(pod).is_empty()).collect();
    assert_eq!(found, [true, false, false]);
    assert_eq!(ran.out.matches("multipod/ambassador: ").count(), 1);
    ran.reports(&["Pod b does not get multipod/ambassador: it opts out (opted_out)"]);

    let taken = named("d", "").replace("name: app", "name: app, ports: [{containerPort: 80}]");
    let ran = multipod(&["inject", "--annotate", set], &taken);
    ran.is_refused();
    ran.reports(&[", set by --annotate)", "To leave this pod out, give it multipod/opt-out: ambassador"]);
}

#[test]
fn what_is_said_twice_or_says_nothing_is_an_error() {
    for (args, expected) in [
        (
            &["-a", "multipod/ambassador=80:1", "-a", "multipod/ambassador=80:2"][..],
            "--annotate sets multipod/ambassador twice",
        ),
        (&["--namespace-labels", "a=b,,c=d"][..], "expected KEY=VALUE, found \"\""),
        (&["--namespace-labels", "a=b,a=c"][..], "a stands twice"),
        (&["--namespace-labels", "a b=c"][..], "\"a b\" is no key of a label"),
        (&["--namespace-labels", "a=b c"][..], "\"b c\" is no value of a label"),
    ] {
        let ran = multipod(&[&["inject"], args].concat(), &pod(""));
        ran.is_refused();
        ran.reports(&[expected]);
    }
    assert_eq!(multipod(&["inject", "--namespace-labels", ""], &pod("")).code, 0);
}

#[test]
fn annotations_inside_of_kinds_that_nobody_knows_are_warned_of() {
    let template =
        "template: {metadata: {annotations: {multipod/ambassador: '80:1'}}, spec: {containers: [{name: a}]}}";
    for (kind, body) in [
        ("ScaledJob", format!("jobTargetRef: {{{template}}}")),
        ("JobSet", format!("replicatedJobs: [{{name: a, template: {{spec: {{{template}}}}}}}]")),
        ("Rollout", template.to_owned()),
    ] {
        let text =
            format!("apiVersion: x.example/v1\nkind: {kind}\nmetadata: {{name: k}}\nspec: {{{body}}}\n");
        let ran = multipod(&["inject"], &text);
        assert_eq!((ran.code, &ran.out), (0, &text));
        ran.reports(&["warning: multipod/ambassador has no effect here", "--> <stdin>:4:"]);
        assert!(!ran.err.contains("note: "), "{}", ran.err);
    }
}

#[test]
fn prose_breaks_at_words_at_the_width_and_what_is_copied_or_read_by_programs_stays_whole() {
    let long = "80:8775, 5432:db.production.svc.cluster.local, 6379:cache.production.svc.cluster.local, 8o:1";
    let web = pod("").replace("80:8775", long);
    let logs = pod("").replace("multipod/ambassador: \"80:8775\"", "multipod/logging: \"/var/log/app\"");
    let files = Files::new(&[("web.yaml", &web), ("logs.yaml", &logs)]);
    let at = |columns: &str, command: &str| {
        let mut command_line = program();
        let ran = Ran::of(command_line.env("COLUMNS", columns).current_dir(files.path()).args([
            command,
            "-f",
            "web.yaml",
            "logs.yaml",
        ]));
        ran.out + &ran.err
    };
    for command in ["check", "inject", "diff", "explain"] {
        let (narrow, piped) = (at("60", command), at("", command));
        let mut wide = narrow.lines().filter(|line| line.chars().count() > 60);
        assert!(
            wide.all(|line| line.contains("8o:1") || line.contains("safe-to-evict") || line.contains("^^")),
            "{command}:\n{narrow}"
        );
        assert!(narrow.contains("expected a port between 1 and 65535"), "{command}:\n{narrow}");
        let joined = |text: &str| text.replace([' ', '\n', '|'], "");
        assert_eq!(joined(&narrow).matches("followedasonefile").count(), 1, "{command}:\n{narrow}");
        if command != "explain" {
            assert!(
                piped
                    .lines()
                    .any(|line| line
                        .contains("is followed as one file: if it is a folder, nothing is printed")),
                "{command}:\n{piped}"
            );
        }
    }
}

#[test]
fn every_field_of_the_wrong_type_is_told_in_its_own_line_with_what_to_write() {
    let text = format!(
        "kind: Pod\n{ASKS}\nspec:\n  hostNetwork: \"false\"\n  containers:\n  - name: 5\n    ports:\n    - containerPort: \"8080\"\n    \
         - containerPort: “8081”\n    env: [{{name: A, value: 1}}]\n"
    );
    let ran = multipod(&["check"], &text);
    let told: Vec<&str> = ran.out.lines().filter(|line| line.contains(": error: ")).collect();
    assert_eq!(
        told,
        [
            "<stdin>:4:16: error: spec.hostNetwork: \"false\" is a string, and Kubernetes takes true or false here [unreadable_pod]",
            "<stdin>:6:11: error: spec.containers[0].name: 5 is a number, and Kubernetes takes a string here [unreadable_pod]",
            "<stdin>:8:22: error: spec.containers[0].ports[0].containerPort: \"8080\" is a string, and Kubernetes takes an integer here [unreadable_pod]",
            "<stdin>:9:22: error: “ is a typographic quote [unreadable_pod]",
            "<stdin>:10:28: error: spec.containers[0].env[0].value: 1 is a number, and Kubernetes takes a string here [unreadable_pod]",
        ]
    );
    let shown = "\n 8 |     - containerPort: \"8080\"\n   |                      ^^^^^^\n   |\n   | Example: containerPort: 8080\n";
    assert!(ran.out.contains(shown), "{}", ran.out);
}

/// What is missing is missing for all pods alike.
#[test]
fn a_policy_that_cannot_be_weighed_is_told_once_with_the_number_of_pods() {
    let policy = |name: &str, more: &str| {
        format!(
            "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\nspec:\n  {more}\n  \
             match: {{namespaceSelector: {{matchLabels: {{tier: web}}}}}}\n  upstreams: {{db: \"db:1\"}}\n"
        )
    };
    let named = |n: usize| pod("").replace("name: web", &format!("name: web-{n}\n  namespace: ns-{n}"));
    let pods = (0..5).map(named).collect::<Vec<_>>().join("---\n");
    let policies = policy("strict", "mode: enforce") + &policy("soft", "mode: default");
    let files = Files::new(&[("p.yaml", &policies), ("pods.yaml", &pods)]);
    for command in ["check", "inject", "diff"] {
        let ran = files.multipod(&[command, "-f", "pods.yaml", "--policy-dir", "p.yaml"]);
        let told = ran.out + &ran.err;
        for policy in ["strict", "soft"] {
            let whether = format!("it cannot be told whether policy {policy} is for this pod");
            assert_eq!(told.matches(&whether).count(), 1, "{command}: {told}");
        }
        assert_eq!(told.matches("The same is so for 4 more pods\n").count(), 2, "{command}: {told}");
    }
}

#[test]
fn a_warning_stands_at_the_annotation_that_it_is_about() {
    let pod = "kind: Pod\nmetadata:\n  name: web\n  annotations:\n    multipod/logging: /var/log/app/*.log\n    \
               multipod/ambassador: \"80:8775\"\nspec: {containers: [{name: app, ports: [{containerPort: 5}]}]}\n";
    let ran = multipod(&["check"], pod);
    assert!(
        ran.out.contains("<stdin>:6:5: warning: multipod-ambassador passes connections on to port 8775"),
        "{}",
        ran.out
    );
}
