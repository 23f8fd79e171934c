//! What `diff` shows, and how it ends.

use std::fs;
use std::process::Command;

use crate::support::run::{Files, multipod, pod};

#[test]
fn nothing_to_do_is_no_difference() {
    let text = "kind: Service\n# no newline";
    let ran = multipod(&["diff", "-q"], text);
    assert_eq!((ran.code, &*ran.out, &*ran.err), (0, "", ""));
}

#[test]
fn a_difference_is_a_patch_that_can_be_applied() {
    let before = pod("  # the end");
    let files = Files::new(&[
        ("a.yaml", &before),
        ("b.yaml", "kind: Service\n"),
        ("crlf.yaml", &pod("").replace('\n', "\r\n")),
    ]);
    let ran = files.multipod(&["diff", "-f", "a.yaml", "b.yaml", "crlf.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.starts_with("--- a.yaml\n+++ a.yaml\n@@ "), "{}", ran.out);
    assert!(!ran.out.contains("b.yaml") && ran.out.contains("+++ crlf.yaml\n"), "{}", ran.out);
    let injected = files.multipod(&["inject", "-f", "a.yaml"]).out;
    let crlf = files.multipod(&["inject", "-f", "crlf.yaml"]).out;

    fs::write(files.join("all.diff"), &ran.out).unwrap();
    let patched = Command::new("git").current_dir(files.path()).args(["apply", "-p0", "all.diff"]).output();
    let patched = patched.unwrap();
    assert!(patched.status.success(), "{}", String::from_utf8_lossy(&patched.stderr));
    assert_eq!(fs::read_to_string(files.join("a.yaml")).unwrap(), injected);
    assert_eq!(fs::read_to_string(files.join("crlf.yaml")).unwrap(), crlf);
}

#[test]
fn colours_are_shown_only_where_they_are_wanted() {
    let colored = multipod(&["diff", "--color=always"], &pod("")).out;
    assert!(colored.contains("\u{1b}[32m+"), "{colored:?}");
    let plain = multipod(&["diff"], &pod("")).out;
    assert!(!plain.contains('\u{1b}'));
}

#[test]
fn a_refusal_is_no_difference() {
    multipod(&["diff"], &pod("").replace("80:", "x:")).is_refused();
}
