//! Policies that disagree, told when one of them is written, before they meet on a pod.

use super::object::{Mode, Policies, Policy};

/// Something that two policies of one strength say differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Disagreement<'p> {
    pub(crate) other: &'p str,
    /// A key, or a name behind `@`.
    pub(crate) what: &'p str,
    pub(crate) own_value: &'p str,
    pub(crate) other_value: &'p str,
    /// Whether it is for every pod of one of the two, and not only where both happen to be for a pod.
    pub(crate) is_certain: bool,
}

/// Where a policy disagrees with those in force, or may; by their names. One with its own name is an older version of it.
pub(crate) fn disagreements<'p>(policy: &'p Policy, others: &'p Policies) -> Vec<Disagreement<'p>> {
    let same_strength = |other: &&Policy| {
        other.name != policy.name && other.mode == policy.mode && policy.mode != Mode::Audit
    };
    let mut found = Vec::new();
    for other in others.iter().filter(same_strength) {
        if policy.matches.is_apart_from(&other.matches) {
            continue;
        }
        let complete = policy.rollout.is_complete() && other.rollout.is_complete();
        let nested = complete
            && (policy.matches.is_within(&other.matches) || other.matches.is_within(&policy.matches));
        let mut tell = |what: &'p str, own_value: &'p str, other_value: &'p str, is_certain: bool| {
            if own_value != other_value {
                found.push(Disagreement { other: &other.name, what, own_value, other_value, is_certain });
            }
        };
        for (key, value) in &policy.annotations {
            if let Some(theirs) = other.value(*key) {
                tell(key.full(), &value.text, &theirs.text, nested);
            }
        }
        // Names only matter to pods that use them.
        for own in &policy.upstreams {
            for theirs in other.upstreams.iter().filter(|theirs| theirs.name == own.name) {
                tell(&own.name, &own.text, &theirs.text, false);
            }
        }
        for own in &policy.destinations {
            for theirs in other.destinations.iter().filter(|theirs| theirs.name == own.name) {
                tell(&own.name, &own.text, &theirs.text, false);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::load;

    /// Whether a policy `a` with this match certainly disagrees with one `b` of that match, or only may.
    fn found(a: &str, b: &str) -> Option<bool> {
        let policy = |name: &str, matches: &str| {
            format!(
                "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\nspec:\n  \
                 match: {{{matches}}}\n  annotations: {{multipod/init: \"wait-for {name}:1\"}}\n---\n"
            )
        };
        let loaded = load(&[("a.yaml".to_owned(), policy("a", a) + &policy("b", b))]);
        assert_eq!(loaded.problems, []);
        let told = |name: &str| {
            let found = disagreements(loaded.policies.find(name).unwrap(), &loaded.policies);
            assert!(found.len() <= 1);
            found.first().map(|one| one.is_certain)
        };
        assert_eq!(told("a"), told("b"), "it does not matter who comes second");
        told("a")
    }

    #[test]
    fn equal_and_nested_selectors_certainly_disagree_and_those_apart_never() {
        let pods = |labels: &str| format!("podSelector: {{matchLabels: {{{labels}}}}}");
        let expression = |text: &str| format!("podSelector: {{matchExpressions: [{{key: app, {text}}}]}}");
        for (a, b, expected) in [
            (String::new(), String::new(), Some(true)),
            (String::new(), pods("app: web"), Some(true)),
            (pods("app: web"), pods("app: web"), Some(true)),
            (pods("app: web, tier: x"), pods("app: web"), Some(true)),
            (pods("app: web"), pods("app: db"), None),
            (pods("app: web"), pods("tier: x"), Some(false)),
            (pods("app: web"), expression("operator: Exists"), Some(true)),
            (pods("app: web"), expression("operator: DoesNotExist"), None),
            (pods("app: web"), expression("operator: NotIn, values: [db]"), Some(true)),
            (pods("app: web"), expression("operator: NotIn, values: [web, db]"), None),
            (
                expression("operator: In, values: [a, b]"),
                expression("operator: In, values: [b, c]"),
                Some(false),
            ),
            (expression("operator: In, values: [a]"), expression("operator: In, values: [b, a]"), Some(true)),
            (
                expression("operator: NotIn, values: [a]"),
                expression("operator: NotIn, values: [b, a]"),
                Some(true),
            ),
            (
                expression("operator: NotIn, values: [a]"),
                expression("operator: NotIn, values: [b]"),
                Some(false),
            ),
            (expression("operator: DoesNotExist"), expression("operator: NotIn, values: [b]"), Some(true)),
            (expression("operator: DoesNotExist"), expression("operator: Exists"), None),
            (expression("operator: Exists"), expression("operator: NotIn, values: [b]"), Some(false)),
            ("ownerKinds: [Deployment]".to_owned(), "ownerKinds: [ReplicaSet, Job]".to_owned(), Some(true)),
            ("ownerKinds: [Deployment, Job]".to_owned(), "ownerKinds: [Job, Pod]".to_owned(), Some(false)),
            ("ownerKinds: [Deployment]".to_owned(), "ownerKinds: [Job]".to_owned(), None),
            (
                "namespaceSelector: {matchLabels: {s: dev}}".to_owned(),
                "namespaceSelector: {matchLabels: {s: prod}}".to_owned(),
                None,
            ),
            ("namespaceSelector: {matchLabels: {s: dev}}".to_owned(), pods("app: web"), Some(false)),
        ] {
            assert_eq!(found(&a, &b), expected, "{a} | {b}");
        }
    }
}
