//! `multipod policies` as people run it, over a folder.

use crate::support::run::Files;
use serde_json::{Value, json};

const TAP: &str = "\
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: tap}
spec:
  description: Sends what the app does to the auditors
  containers: [{name: tap, image: 'audit/tap:1'}]
";
const QUEUE: &str = "\
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: queue}
spec:
  kind: metrics
  containers: [{name: queue, image: 'audit/queue:1', ports: [{name: metrics, containerPort: 9000}]}]
  scrape: {port: 9000}
";
const POLICIES: &str = "\
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: audited}
spec: {annotations: {multipod/patterns: tap}}
---
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
metadata: {name: shop}
spec: {mode: enforce, annotations: {multipod/patterns: tap}}
";

#[test]
fn patterns_are_listed_with_the_policies_that_use_them() {
    let files = Files::new(&[("p/tap.yaml", TAP), ("p/queue.yaml", QUEUE), ("p/policies.yaml", POLICIES)]);
    let told = files.multipod(&["policies", "--policy-dir", "p"]);
    assert_eq!(told.code, 0, "{}{}", told.out, told.err);
    let expected = "\
\nqueue  pattern of multipod/metrics, in force  p/queue.yaml:3
  used by       no policy; pods may name it

tap  pattern of multipod/patterns, in force  p/tap.yaml:3
  for           Sends what the app does to the auditors
  used by       audited
                shop
";
    assert!(told.out.ends_with(expected), "{}", told.out);
    let told = files.multipod(&["policies", "--policy-dir", "p", "-o", "json"]);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told["policies"].as_array().unwrap().len(), 2);
    assert_eq!(
        told["patterns"][1],
        json!({"name": "tap", "layer": "folder", "place": "p/tap.yaml:3", "standing": "in_force", "problems": [],
               "key": "multipod/patterns", "description": "Sends what the app does to the auditors",
               "usedBy": ["audited", "shop"]})
    );
}

#[test]
fn a_pattern_with_a_mistake_is_told_as_such() {
    let files = Files::new(&[("p/tap.yaml", &TAP.replace("image:", "imgae:"))]);
    let told = files.multipod(&["policies", "--policy-dir", "p"]);
    assert_eq!(told.code, 1, "{}{}", told.out, told.err);
    assert!(
        told.out.starts_with("there are no policies\n\ntap  pattern, counts for nothing  p/tap.yaml:1\n"),
        "{}",
        told.out
    );
}
