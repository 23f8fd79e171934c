//! `multipod test`.

use std::fs;
use std::path::Path;

use crate::support::run::{Files, Ran, program};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    multipod/patterns: \"tap\"\n\
                   spec:\n  containers:\n  - name: app\n    image: app:1\n";
const TAP: &str = "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: tap}\n\
                   spec: {annotations: {example.com/tap: \"<on>\"}}\n";

#[track_caller]
fn in_repository(folder: &str, least: usize) {
    let ran = Ran::of(program().current_dir(env!("CARGO_MANIFEST_DIR")).args(["test", folder]));
    assert_eq!((ran.code, &*ran.err), (0, ""), "{}", ran.out);
    assert!(ran.out.lines().count() > least, "{}", ran.out);
}

#[test]
fn the_golden_cases_are_cases_like_those_of_everybody() {
    in_repository("tests/cases", 100);
}

#[test]
fn every_pattern_of_the_examples_does_what_its_cases_say() {
    in_repository("examples/patterns", 18);
    let patterns = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/patterns")).unwrap();
    for pattern in patterns.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let outcome = |name: &str| {
            let cases = fs::read_dir(&pattern).unwrap().map(|entry| entry.unwrap().path());
            cases.filter(|case| case.join(name).is_file()).count()
        };
        assert!(outcome("expected.yaml") > 0 && outcome("pattern.yaml") == 0, "{}", pattern.display());
    }
}

#[test]
fn a_case_is_written_down_compared_and_told() {
    let files = Files::new(&[("all/pattern.yaml", TAP), ("all/topic/taps/input.yaml", POD)]);
    let ran = files.multipod(&["test", "all"]);
    assert_eq!((ran.code, &*ran.err), (1, ""));
    for part in [
        "FAILED  topic/taps\n--- expected.yaml\n",
        "\n+    example.com/tap: \"<on>\"\n",
        "1 tested, 1 failed",
    ] {
        assert!(ran.out.contains(part), "{part}:\n{}", ran.out);
    }
    let blessed = files.multipod(&["test", "all", "--bless"]);
    assert_eq!((blessed.code, blessed.out.lines().next()), (0, Some("written topic/taps")));
    let same = files.multipod(&["test", "all"]);
    assert_eq!((same.code, same.out.lines().next()), (0, Some("ok      topic/taps")));

    // Of what surrounds the pod, the nearest counts.
    fs::write(files.join("all/topic/pattern.yaml"), TAP.replace("<on>", "plain")).unwrap();
    let ran = files.multipod(&["test", "all"]);
    assert!(
        ran.code == 1 && ran.out.contains("\n-    example.com/tap: \"<on>\"\n+    example.com/tap: plain\n"),
        "{}",
        ran.out
    );
    fs::write(files.join("all/topic/pattern.yaml"), TAP.replace("name: tap", "name: other")).unwrap();
    let ran = files.multipod(&["test", "all", "--bless"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(
        files.join("all/topic/taps/denied.txt").is_file()
            && !files.join("all/topic/taps/expected.yaml").exists()
    );
}

#[test]
fn pipelines_get_a_report() {
    let files = Files::new(&[
        ("all/pattern.yaml", TAP),
        ("all/topic/taps/input.yaml", POD),
        ("all/broken/input.yaml", "kind: Service\n"),
        ("all/skipped/input.yaml", &POD.replace("multipod/patterns: \"tap\"", "a: b")),
        ("all/skipped/skipped.txt", "nothing asks for a pattern here (not_requested)\n"),
    ]);
    let ran = files.multipod(&["test", "all", "-o", "junit"]);
    assert_eq!((ran.code, &*ran.err), (2, ""), "{}", ran.out);
    for part in [
        "<testsuite name=\"multipod\" tests=\"3\" failures=\"1\" errors=\"1\">",
        "<testcase classname=\"topic\" name=\"taps\"><failure",
        "example.com/tap: &quot;&lt;on&gt;&quot;\n",
        "<testcase classname=\"cases\" name=\"broken\"><error message=\"the case cannot be read\">input.yaml: expected a Pod",
        "<testcase classname=\"cases\" name=\"skipped\"/>",
    ] {
        assert!(ran.out.contains(part), "{part}:\n{}", ran.out);
    }
}

#[test]
fn what_cannot_be_a_case_is_told() {
    let files = Files::new(&[
        ("empty/README.md", "nothing"),
        ("typo/input.yaml", POD),
        ("typo/expeced.yaml", ""),
        ("policy/input.yaml", POD),
        (
            "policy/policy.yaml",
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: a}\nspec: {mdoe: audit}\n",
        ),
    ]);
    let policy = fs::read_to_string(files.join("policy/policy.yaml")).unwrap();
    for case in ["known", "unknown"] {
        fs::create_dir_all(files.join(&format!("mistake/{case}"))).unwrap();
        fs::write(files.join(&format!("mistake/{case}/input.yaml")), POD).unwrap();
        fs::write(files.join(&format!("mistake/{case}/policy.yaml")), &policy).unwrap();
    }
    // A case that is about a mistake says so by having the file.
    fs::write(files.join("mistake/known/mistakes.txt"), "").unwrap();
    let ran = files.multipod(&["test", "mistake/known"]);
    assert!(ran.code == 1 && ran.out.contains("+policy.yaml:4: unknown field mdoe"), "{}", ran.out);
    for (folder, told) in [
        ("empty", "empty: there is no case here: a folder with an input.yaml"),
        ("nowhere", "nowhere: "),
        ("typo", "expeced.yaml is no file of a case"),
        ("policy", "policy.yaml:4: unknown field mdoe"),
        ("mistake/unknown", "policy.yaml:4: unknown field mdoe"),
    ] {
        let ran = files.multipod(&["test", folder]);
        assert_eq!(ran.code, 2, "{folder}: {}", ran.out);
        assert!((ran.out + &ran.err).contains(told), "{folder}: {told}");
    }
}
