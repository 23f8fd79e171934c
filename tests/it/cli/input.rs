//! Where manifests come from.

use std::fs;

use crate::support::run::{Files, Ran, multipod, ours, pod, program, values};

fn named(name: &str) -> String {
    pod("").replace("name: web", &format!("name: {name}"))
}

/// The names of the injected pods, in their order.
#[track_caller]
fn names(ran: &Ran) -> Vec<String> {
    assert_eq!(ran.code, 0, "{}", ran.err);
    let pods = values(&ran.out).into_iter().filter(|value| ours(value) == ["multipod-ambassador"]);
    pods.map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

fn folder() -> Files {
    let json = r#"{"kind": "Pod", "metadata": {"name": "j", "annotations": {"multipod/ambassador": "80:1"}},
        "spec": {"containers": [{"name": "a"}]}}"#;
    Files::new(&[
        ("m/b.yaml", &named("b")),
        ("m/a.yml", &named("a")),
        ("m/j.json", json),
        ("m/c/c.yaml", &named("c")),
        ("m/c/.git/h.yaml", &named("h")),
        ("m/.h.yaml", &named("h")),
        ("m/notes.txt", "no: [yaml"),
        ("d.yaml", &named("d")),
        ("e", &named("e")),
    ])
}

#[test]
fn files_folders_and_the_standard_input_are_read_in_their_order() {
    let files = folder();
    assert_eq!(names(&files.multipod(&["inject", "-f", "d.yaml", "-f", "m"])), ["d", "a", "b", "j"]);
    assert_eq!(names(&files.multipod(&["inject", "-f", "m", "e", "-R"])), ["a", "b", "c", "j", "e"]);
    assert_eq!(names(&files.multipod(&["inject", "--filename=e", "--filename=d.yaml"])), ["e", "d"]);
    let mut both = program();
    both.current_dir(files.path()).args(["inject", "-f", "e", "-f", "-", "-f", "d.yaml"]);
    assert_eq!(names(&Ran::fed(&mut both, named("i"))), ["e", "i", "d"]);
    assert_eq!(names(&multipod(&["inject"], &named("i"))), ["i"]);
    assert_eq!(names(&multipod(&["inject", "-f", "-"], &named("i"))), ["i"]);
}

#[test]
fn links_to_files_are_read_and_links_to_folders_are_not_walked() {
    let files = folder();
    std::os::unix::fs::symlink(files.join("d.yaml"), files.join("m/z.yaml")).unwrap();
    std::os::unix::fs::symlink(files.join("m"), files.join("m/c/loop")).unwrap();
    assert_eq!(names(&files.multipod(&["inject", "-R", "-f", "m"])), ["a", "b", "c", "j", "d"]);
}

#[test]
fn several_files_make_one_stream() {
    let files = Files::new(&[
        ("a.yaml", "kind: A"),
        ("b.yaml", "# b\nkind: B\r\n"),
        ("c.yaml", "# c\n---\nkind: C\n"),
    ]);
    let ran = files.multipod(&["inject", "-f", "a.yaml", "b.yaml", "c.yaml"]);
    assert_eq!(ran.out, "kind: A\n---\n# b\nkind: B\r\n# c\n---\nkind: C\n");
    assert_eq!(values(&ran.out).len(), 3);
}

#[test]
fn what_cannot_be_read_is_told_all_at_once() {
    let files = folder();
    fs::write(files.join("latin.yaml"), b"a: 1\nb: \xe9\n").unwrap();
    fs::create_dir(files.join("empty")).unwrap();
    let ran = files.multipod(&["inject", "-f", "nowhere.yaml", "d.yaml", "latin.yaml", "empty"]);
    ran.is_refused();
    ran.reports(&["error: nowhere.yaml: No such file", "error: latin.yaml:2: not UTF-8 text\n"]);
    ran.reports(&["error: empty: no *.yaml, *.yml or *.json in this folder"]);
    assert_eq!(ran.err.lines().count(), 3, "{}", ran.err);
    let fetched = multipod(&["inject", "-f", "https://example.com/a.yaml"], "");
    fetched.is_refused();
    fetched.reports(&["curl -fsSL https://example.com/a.yaml | multipod inject -f -"]);
    let twice = multipod(&["inject", "-f", "-", "-f", "-"], "");
    twice.is_refused();
    twice.reports(&["can be read only once"]);
}
