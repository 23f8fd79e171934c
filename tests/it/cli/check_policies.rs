//! `multipod check` of manifests among which policies and patterns stand.

use serde_json::{Value, json};

use crate::support::run::{Files, multipod, pod};

const NOTE: &str = "note: policies and patterns among the manifests are checked, and not in force here: give their directory with \
                    --policy-dir\n";

/// A policy as one document.
fn policy(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

const GOOD: &str = "upstreams: {db: 'db.shop:5432'}";

/// The lines that name a place, without what is behind it.
fn errors(out: &str) -> Vec<&str> {
    out.lines().filter(|line| line.contains(": error: ")).collect()
}

#[test]
fn a_good_policy_among_manifests_is_no_finding_and_not_in_force() {
    let enforced = policy("web", "mode: enforce, annotations: {multipod/metrics: nginx}");
    let files = Files::new(&[("m/pod.yaml", &pod("")), ("m/p/web.yaml", &enforced)]);
    let ran = files.multipod(&["check", "-f", "m", "-R"]);
    assert_eq!((ran.code, &*ran.out), (0, &*format!("{NOTE}✓ 0 errors, 0 warnings in 1 pod\n")));
    // In force, it needs no note; and the same file is read twice, and not two of one name.
    let ran = files.multipod(&["check", "-f", "m", "-R", "--policy-dir", "m/p"]);
    assert_eq!((ran.code, &*ran.out), (0, "✓ 0 errors, 0 warnings in 1 pod\n"));
    let ran = files.multipod(&["check", "-f", "m/p/web.yaml", "m/p"]);
    assert_eq!((ran.code, &*ran.out), (0, &*format!("{NOTE}✓ 0 errors, 0 warnings in 0 pods\n")));
}

#[test]
fn mistakes_in_policies_and_patterns_are_errors_with_their_lines() {
    let pattern = "---\napiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: tap}\nspec: {contaners: []}\n";
    let text = format!("{}---\n{}{pattern}", policy("web", "mdoe: audit"), pod(""));
    let files = Files::new(&[("all.yaml", &text)]);
    let ran = files.multipod(&["check", "-f", "all.yaml"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let first = "all.yaml:5:8: error: unknown field mdoe, did you mean mode? [policy_invalid]\n   |\n 5 | spec: {mdoe: audit}\n   |        ^^^^\n";
    assert!(ran.out.starts_with(first), "{}", ran.out);
    assert_eq!(errors(&ran.out).len(), 2, "{}", ran.out);
    assert!(ran.out.contains("unknown field contaners"), "{}", ran.out);
    assert_eq!(ran.out.matches("note: ").count(), 1, "{}", ran.out);
    assert!(ran.out.ends_with("2 errors, 0 warnings in 1 pod\n"), "{}", ran.out);

    let ran = files.multipod(&["check", "-f", "all.yaml", "-o", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (ran.code, &report["errors"], &report["findings"][0]["level"]),
        (1, &json!(2), &json!("error"))
    );
    let place = ["file", "line", "column", "reason", "subject"].map(|field| &report["findings"][0][field]);
    assert_eq!(json!(place), json!(["all.yaml", 5, 8, "policy_invalid", "document 1, InjectionPolicy web"]));
    assert_eq!(report["findings"][1]["subject"], "document 3, Pattern tap");
}

#[test]
fn a_kind_or_a_version_that_multipod_has_not_is_an_error() {
    for (head, expected) in [
        (
            "apiVersion: multipod.dev/v1\nkind: InjectionPolicy",
            "expected apiVersion: multipod.dev/v1alpha1, not \"multipod.dev/v1\"",
        ),
        ("apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolice", "did you mean InjectionPolicy?"),
        (
            "apiVersion: multipod.dev/v1alpha1\nkind: Deployment",
            "expected kind: Pattern or InjectionPolicy, not \"Deployment\"",
        ),
        ("apiVersion: multipod.dev/v1alpha1", "expected kind: Pattern or InjectionPolicy"),
        (
            "apiVersion: multipod.io/v1alpha1\nkind: InjectionPolicy",
            "expected apiVersion: multipod.dev/v1alpha1 beside",
        ),
        ("kind: Pattern", "expected apiVersion: multipod.dev/v1alpha1 beside"),
    ] {
        for name in ["", "metadata: {name: x}\n"] {
            let ran = multipod(&["check"], &format!("{head}\n{name}"));
            let errors = errors(&ran.out);
            assert!(
                ran.code == 1 && errors.len() == 1 && errors[0].contains(expected),
                "{head}: {}",
                ran.out
            );
        }
    }
    // Others have a kind of this name.
    let foreign = "apiVersion: gitops.example.com/v1\nkind: Pattern\nmetadata: {name: x}\n";
    let ran = multipod(&["check"], foreign);
    assert_eq!((ran.code, &*ran.out), (0, "✓ 0 errors, 0 warnings in 0 pods\n"));
}

#[test]
fn objects_in_lists_and_in_json_are_read_where_they_stand() {
    let list = "\
apiVersion: v1
kind: List
items:
- apiVersion: multipod.dev/v1alpha1
  kind: InjectionPolicy
  metadata: {name: a}
  spec:
    mdoe: audit
- {apiVersion: multipod.dev/v1alpha1, kind: InjectionPolicy, metadata: {name: b},
   spec: {mdoe: audit}}
";
    let in_json = r#"{"apiVersion": "v1", "kind": "List", "items": [
  {
    "apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy", "metadata": {"name": "c"},
    "spec": {
      "mdoe": "audit"
    }
  }
]}
"#;
    let files = Files::new(&[("a.yaml", list), ("b.json", in_json)]);
    let ran = files.multipod(&["check", "-f", "a.yaml", "b.json"]);
    let typo = "error: unknown field mdoe, did you mean mode? [policy_invalid]";
    let expected = ["a.yaml:8:5", "a.yaml:10:11", "b.json:5:7"].map(|place| format!("{place}: {typo}"));
    assert_eq!(errors(&ran.out), expected, "{}", ran.out);
    assert!(ran.out.contains("\n 8 |     mdoe: audit\n   |     ^^^^\n"), "{}", ran.out);
}

#[test]
fn an_item_that_needs_its_list_to_be_read_is_told_at_its_head() {
    let list = "\
kind: List
items:
- &a
  apiVersion: multipod.dev/v1alpha1
  kind: InjectionPolicy
  metadata: {name: a}
  spec: {upstreams: &u {db: 'db.shop:5432'}}
- apiVersion: multipod.dev/v1alpha1
  kind: InjectionPolicy
  metadata: {name: b}
  spec: {upstreams: *u, mode: wrong}
";
    let ran = multipod(&["check"], list);
    let expected =
        ["<stdin>:8:3: error: policy b: spec.mode: expected default, enforce or audit [policy_invalid]"];
    assert_eq!(errors(&ran.out), expected, "{}", ran.out);
    assert!(ran.out.contains("\n 8 | - apiVersion: multipod.dev/v1alpha1\n"), "{}", ran.out);
}

#[test]
fn two_of_one_name_and_what_certainly_contradicts_each_other_are_errors() {
    let at = |port: u16| format!("mode: enforce, annotations: {{multipod/ambassador: '{port}:8775'}}");
    let a = policy("a", GOOD);
    let files = Files::new(&[
        ("a.yaml", &a),
        ("b.yaml", &policy("a", "mdoe: audit")),
        ("c.yaml", &policy("c", &at(80))),
        ("d.yaml", &policy("d", &at(81))),
    ]);
    let ran = files.multipod(&["check", "-f", "."]);
    let errors = errors(&ran.out);
    assert_eq!(ran.code, 1);
    assert_eq!(errors.len(), 3, "{}", ran.out);
    let own = "b.yaml:5:8: error: unknown field mdoe";
    assert!(errors.iter().any(|error| error.contains(own)), "{}", ran.out);
    let name = "there is another policy with this name: a (./a.yaml:4) [policy_invalid]";
    assert!(errors.iter().any(|error| error.contains(name)), "{}", ran.out);
    assert!(errors[2].contains("d.yaml:4:"), "{}", ran.out);
    assert!(errors[2].contains("policies d and c disagree on multipod/ambassador"), "{}", ran.out);
    assert!(errors[2].ends_with("[policy_conflict]"), "{}", ran.out);
    assert!(ran.out.contains("c.yaml:4"), "{}", ran.out);
}

#[test]
fn other_commands_pass_policies_through() {
    let text = policy("web", "mdoe: audit");
    let ran = multipod(&["inject"], &text);
    assert_eq!((ran.code, &*ran.out), (0, &*text));
    assert_eq!(multipod(&["diff"], &text).code, 0);
}
