//! Whether a pod is for Windows nodes.

use serde::Deserialize;

use multipod_json::Raw;

use super::view::Pod;
use super::{Field, Text};

/// The label's name before Kubernetes 1.14 still stands in many manifests, and on every node.
pub const OS: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];
/// Only nodes with Windows have it.
pub const BUILD: &str = "node.kubernetes.io/windows-build";
pub const WINDOWS: &str = "windows";

impl Pod<'_> {
    /// Whether it says that it can run on no other nodes.
    pub(crate) fn is_for_windows(&self) -> bool {
        let selector = &self.spec.node_selector;
        self.spec.os.value().is_some_and(|os| &*os.name == WINDOWS)
            || OS.iter().any(|label| selector.text(label) == Some(WINDOWS))
            || selector.has(BUILD)
            || self.spec.affinity.value().is_some_and(|raw| demands_windows(raw.text()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Affinity<'a> {
    #[serde(borrow, default)]
    node_affinity: Field<NodeAffinity<'a>>,
}

#[derive(Deserialize)]
struct NodeAffinity<'a> {
    #[serde(borrow, default, rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    required: Field<Required<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Required<'a> {
    #[serde(borrow, default)]
    node_selector_terms: Field<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term<'a> {
    #[serde(borrow, default)]
    match_expressions: Field<Raw<'a>>,
}

#[derive(Deserialize)]
struct Expression<'a> {
    #[serde(borrow, default)]
    key: Text<'a>,
    #[serde(borrow, default)]
    operator: Text<'a>,
    #[serde(borrow, default)]
    values: Field<Raw<'a>>,
}

/// One term is enough for a node to fit, and all that it says must hold. What cannot be read the API server refuses.
fn demands_windows(affinity: &str) -> bool {
    let Ok(affinity) = multipod_json::read::<Affinity<'_>>(affinity) else { return false };
    let required = affinity.node_affinity.value().and_then(|node| node.required.value());
    required.is_some_and(|required| all(&required.node_selector_terms, Term::is_windows))
}

impl Term<'_> {
    fn is_windows(&self) -> bool {
        any(&self.match_expressions, Expression::is_windows)
    }
}

impl Expression<'_> {
    fn is_windows(&self) -> bool {
        match &*self.operator {
            "In" if OS.contains(&&*self.key) => all(&self.values, |value: &Text<'_>| &**value == WINDOWS),
            "In" | "Exists" => &*self.key == BUILD,
            _ => false,
        }
    }
}

/// Whether there are items, and this holds for each.
fn all<'a, T: Deserialize<'a>>(list: &Field<Raw<'a>>, holds: impl Fn(&T) -> bool) -> bool {
    !any(list, |item| !holds(item)) && any(list, |_: &T| true)
}

/// Whether this holds for one item. There may be any number of them, so none is kept.
fn any<'a, T: Deserialize<'a>>(list: &Field<Raw<'a>>, holds: impl Fn(&T) -> bool) -> bool {
    let mut found = false;
    let read =
        list.value().map(|raw| multipod_json::each(None, raw.text(), |item: T, _| found |= holds(&item)));
    found && read.is_some_and(|read| read.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_other_node_can_fulfil_is_for_windows() {
        let windows = r#"{"key":"kubernetes.io/os","operator":"In","values":["windows"]}"#;
        let build = r#"{"key":"node.kubernetes.io/windows-build","operator":"Exists"}"#;
        let either = r#"{"key":"kubernetes.io/os","operator":"In","values":["linux","windows"]}"#;
        let not = r#"{"key":"kubernetes.io/os","operator":"NotIn","values":["windows"]}"#;
        let zone = r#"{"key":"zone","operator":"In","values":["windows"]}"#;
        let term = |expressions: &[&str]| format!(r#"{{"matchExpressions":[{}]}}"#, expressions.join(","));
        for (terms, expected) in [
            (vec![term(&[windows])], true),
            (vec![term(&[zone, windows])], true),
            (vec![term(&[build]), term(&[windows])], true),
            (vec![term(&[windows]), term(&[zone])], false),
            (vec![term(&[either])], false),
            (vec![term(&[not])], false),
            (vec![term(&[])], false),
            (vec!["{}".to_owned()], false),
            (vec![], false),
        ] {
            let terms = terms.join(",");
            for (when, counts) in [("required", true), ("preferred", false)] {
                let field = format!("{when}DuringSchedulingIgnoredDuringExecution");
                let affinity = format!(
                    r#"{{"podAffinity":{{}},"nodeAffinity":{{"{field}":{{"nodeSelectorTerms":[{terms}]}}}}}}"#
                );
                assert_eq!(demands_windows(&affinity), expected && counts, "{affinity}");
            }
        }
        for other in [
            "{}",
            r#"{"nodeAffinity":null}"#,
            "7",
            r#"{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[]}}"#,
        ] {
            assert!(!demands_windows(other), "{other}");
        }
    }
}
