//! `multipod draw` as people run it.

use crate::docs::page::{rewrite, root};
use crate::support::run::{Ran, multipod, program};

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    multipod/ambassador: \"80:8775, 5432:db.prod\"
    multipod/logging: \"/var/log/app/*.log to=otlp://logs.example:4317\"
    multipod/init: \"wait-for db.prod:5432, clone https://git.example/seed into=/data/seed\"
    multipod/sync: \"https://git.example/site into=/srv/site\"
    multipod/metrics: \"redis\"
spec:
  containers:
  - {name: app, image: 'shop/web:7', ports: [{containerPort: 8775, name: http}]}
";

fn drawn(args: &[&str], text: &str) -> Ran {
    let args: Vec<&str> = ["draw"].iter().chain(args).copied().collect();
    multipod(&args, text)
}

#[test]
fn every_pattern_says_what_it_does_and_to_whom() {
    let ran = drawn(&["--width", "140"], POD);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for told in [
        ":80 → app:8775",
        "127.0.0.1:5432 → db.prod.svc.cluster.local:5432",
        "follows /var/log/app/*.log ← app → otlp://logs.example:4317",
        "waits for → db.prod:5432",
        "clones into /data/seed ← https://git.example/seed → app",
        "syncs into /srv/site every 30s ← https://git.example/site → app",
        "← Prometheus, /metrics",
        "reads → app:6379",
    ] {
        assert!(ran.out.contains(told), "{told:?} is not in\n{}", ran.out);
    }
    let plain = drawn(&["--width", "140", "--ascii"], POD);
    assert!(
        plain.out.is_ascii() && plain.out.contains("<- https://git.example/site -> app"),
        "{}",
        plain.out
    );
}

#[test]
fn before_and_after_stand_side_by_side_where_there_is_room() {
    let frames = |width: &str| {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {multipod/ambassador: '80:8775'}}\n\
            spec: {containers: [{name: app, image: a}]}\n";
        let ran = drawn(&["--width", width], pod);
        assert!(ran.out.lines().all(|line| line.chars().count() <= width.parse().unwrap()), "{}", ran.out);
        ran.out
            .lines()
            .filter(|line| line.contains("┌ before"))
            .map(|line| line.contains("┌ after"))
            .collect::<Vec<_>>()
    };
    assert_eq!((frames("120"), frames("64")), (vec![true], vec![false]));
}

#[test]
fn a_picture_says_in_words_what_it_shows() {
    let ran = drawn(&["-o", "svg"], POD);
    assert!(ran.out.starts_with("<svg ") && ran.out.contains("role=\"img\""), "{}", ran.out);
    for told in [
        "<title>The pod of Pod web, before and after injection</title>",
        "multipod-ambassador, new native sidecar, image ",
        "127.0.0.1:5432 to db.prod.svc.cluster.local:5432",
        "waits for to db.prod:5432",
        "prefers-color-scheme:dark",
    ] {
        assert!(ran.out.contains(told), "{told:?} is not in\n{}", ran.out);
    }
}

#[test]
fn a_page_holds_a_picture_of_every_pod_and_its_words() {
    let ran = drawn(&["-o", "html"], &format!("{POD}---\n{}", POD.replace("name: web", "name: other")));
    assert_eq!((ran.out.matches("<svg ").count(), ran.out.matches("<style>").count()), (2, 1));
    assert!(ran.out.contains("<li>Before, the pod has app.</li>"), "{}", ran.out);
}

#[test]
fn a_pod_that_is_refused_is_drawn_as_it_is_with_the_reason() {
    let pod = POD.replace("80:8775, ", "8o:8775, ");
    for format in ["text", "svg", "html"] {
        let ran = drawn(&["-o", format], &pod);
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.out.contains("bad_value") && ran.out.contains("shop/web:7"), "{}", ran.out);
        assert!(!ran.out.contains("+ new"), "{}", ran.out);
    }
}

/// Names, images and paths come from manifests of strangers.
#[test]
fn nothing_in_a_manifest_becomes_markup() {
    let hostile = "</text></svg><script>alert(1)</script>\\u001b[31m\\\"'&\\u202e\\ufffe";
    let pod = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"{hostile}\", \"annotations\": \
         {{\"multipod/ambassador\": \"80:8775\", \"multipod/logging\": \"{hostile}\"}}}}, \"spec\": {{\"containers\": [{{\"name\": \
         \"{hostile}\", \"image\": \"{hostile}\", \"ports\": [{{\"containerPort\": 1, \"name\": \"{hostile}\", \"protocol\": \
         \"{hostile}\"}}], \"volumeMounts\": [{{\"name\": \"{hostile}\", \"mountPath\": \"{hostile}\"}}]}}], \"volumes\": \
         [{{\"name\": \"{hostile}\", \"{hostile}\": {{}}}}]}}}}"
    );
    let bare = pod.replace(&format!(", \"multipod/logging\": \"{hostile}\""), "");
    for (pod, format) in [(&pod, "svg"), (&pod, "html"), (&bare, "svg"), (&bare, "html")] {
        let ran = drawn(&["-o", format], pod);
        assert!(ran.out.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", ran.out);
        for broken in ["<script", "\u{1b}", "\u{202e}", "\u{fffe}"] {
            assert!(!ran.out.contains(broken), "{broken:?} is in\n{}", ran.out);
        }
        let ends = |tag: &str| {
            ran.out.matches(&format!("<{tag}")).count() == ran.out.matches(&format!("</{tag}>")).count()
        };
        assert!(ends("svg") && ends("text") && ends("desc"), "{}", ran.out);
    }
}

#[test]
fn where_there_is_no_pod_nothing_is_drawn() {
    let ran = drawn(&["-o", "svg"], "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    ran.reports(&["ConfigMap a is left as it is: it has no pod template"]);
}

/// Whoever changes what is drawn looks at all of it: in `tests/data/drawings`.
#[test]
fn the_drawings_of_the_examples_are_those_that_were_looked_at() {
    for example in ["fruit", "init", "logging", "metrics", "sync"] {
        let folder = format!("examples/{example}");
        let ran =
            Ran::of(program().current_dir(root()).args(["draw", "-R", "--width", "100", "-f", &folder]));
        assert_eq!((ran.code, &*ran.err), (0, ""), "{example}");
        rewrite(&format!("tests/data/drawings/{example}.txt"), |_| ran.out);
    }
    let ran = drawn(&["--width", "120"], POD);
    rewrite("tests/data/drawings/every-pattern.txt", |_| ran.out);
    let ran = drawn(&["--width", "60", "--ascii"], POD);
    rewrite("tests/data/drawings/narrow.txt", |_| ran.out);
}
