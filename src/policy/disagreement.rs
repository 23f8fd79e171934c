//! Policies that surely disagree, whatever pods there are: what people are told before the first pod is refused.

use std::collections::BTreeMap;

use crate::annotation::Key;

use super::matching::Match;
use super::object::{Mode, Policies, Policy};
use super::selector::Selector;

/// Two policies of the same strength that want different things for the same pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement<'p> {
    pub key: Key,
    /// By name.
    pub policies: [&'p str; 2],
}

impl Policies {
    /// Where the pods of one policy are among those of another; others may disagree as well, for some pods.
    pub fn disagreements(&self) -> Vec<Disagreement<'_>> {
        let mut by_key: BTreeMap<(&str, Key), Vec<&Policy>> = BTreeMap::new();
        for policy in self.iter().filter(|policy| policy.mode != Mode::Audit) {
            for (key, _) in &policy.annotations {
                by_key.entry((policy.mode.name(), *key)).or_default().push(policy);
            }
        }
        let mut found = Vec::new();
        for ((_, key), policies) in by_key {
            for (at, first) in policies.iter().enumerate() {
                let differ = policies.iter().skip(at + 1).filter(|second| {
                    first.value(key).map(|value| &value.text) != second.value(key).map(|value| &value.text)
                });
                let nested = differ.filter(|second| {
                    is_within(&first.matches, &second.matches) || is_within(&second.matches, &first.matches)
                });
                found.extend(
                    nested.map(|second| Disagreement { key, policies: [&*first.name, &*second.name] }),
                );
            }
        }
        found
    }
}

/// Whether every pod of the first is one of the second: what the second requires, the first requires too.
fn is_within(inner: &Match, outer: &Match) -> bool {
    let requires = |inner: &Selector, outer: &Selector| {
        outer.requirements().iter().all(|of| inner.requirements().contains(of))
    };
    requires(&inner.namespaces, &outer.namespaces)
        && requires(&inner.pods, &outer.pods)
        && (outer.owners.is_empty()
            || !inner.owners.is_empty() && inner.owners.iter().all(|owner| outer.owners.contains(owner)))
}

#[cfg(test)]
mod tests {
    use crate::policy::load;

    fn found(policies: &[(&str, &str)]) -> Vec<String> {
        let texts = policies.iter().enumerate().map(|(at, (mode, matches))| {
            format!(
                "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: p{at}}}\n\
                 spec: {{mode: {mode}, match: {{{matches}}}, annotations: {{multipod/ambassador: \"{at}0:1\"}}}}\n"
            )
        });
        let text: String = texts.collect();
        let loaded = load(&[("a.yaml".to_owned(), text.replace("\"00:1\"", "\"80:1\""))]);
        assert_eq!(loaded.problems, []);
        let disagreements = loaded.policies.disagreements();
        disagreements.iter().map(|found| found.policies.join(" ")).collect()
    }

    #[test]
    fn equal_and_nested_selectors_disagree() {
        let web = "podSelector: {matchLabels: {app: web}}";
        let web_in_prod =
            "podSelector: {matchLabels: {app: web}}, namespaceSelector: {matchLabels: {stage: prod}}";
        let database = "podSelector: {matchLabels: {app: db}}";
        assert_eq!(found(&[("default", web), ("default", web)]), ["p0 p1"]);
        assert_eq!(found(&[("enforce", web_in_prod), ("enforce", web)]), ["p0 p1"]);
        assert_eq!(found(&[("default", ""), ("default", database), ("default", web)]), ["p0 p1", "p0 p2"]);
        assert_eq!(found(&[("default", database), ("default", web)]), Vec::<String>::new());
        let jobs = "ownerKinds: [Job]";
        assert_eq!(found(&[("default", "ownerKinds: [Job, StatefulSet]"), ("default", jobs)]), ["p0 p1"]);
        assert_eq!(
            found(&[("default", jobs), ("default", "ownerKinds: [StatefulSet]")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn those_of_another_strength_give_way() {
        for (one, other) in [("default", "enforce"), ("audit", "default"), ("audit", "audit")] {
            assert_eq!(found(&[(one, ""), (other, "")]), Vec::<String>::new());
        }
    }
}
