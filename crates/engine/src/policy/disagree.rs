//! Policies that disagree, told when one of them is written, before they meet on a pod.

use crate::annotation::Key;
use multipod_values::short;

use super::object::{Mode, Named, Policies, Policy};

/// Something that two policies of one strength say differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disagreement<'p> {
    pub other: &'p str,
    /// A key, or a name behind `@`.
    pub what: &'p str,
    pub own_value: &'p str,
    pub other_value: &'p str,
    /// Whether it is for every pod of one of the two, and not only where both happen to be for a pod.
    pub is_certain: bool,
}

impl Disagreement<'_> {
    /// Why the two cannot stand beside each other, where that is certain.
    pub fn told(&self, policy: &str) -> String {
        let Disagreement { other, what, .. } = self;
        let (own, theirs) = (short(self.own_value), short(self.other_value));
        format!(
            "policies {policy} and {other} disagree on {what}, and one of them is only for pods that the other is for as well\n  \
             {policy}: \"{own}\"\n  {other}: \"{theirs}\"\nGive both the same value, or pods that only one of them is for."
        )
    }
}

/// Where a policy disagrees with those in force, or may; by their names. One with its own name is an older version of it.
pub fn disagreements<'p>(policy: &'p Policy, others: &'p Policies) -> Vec<Disagreement<'p>> {
    let same_strength = |other: &&Policy| {
        other.name != policy.name && other.mode == policy.mode && policy.mode != Mode::Audit
    };
    let mut found = Vec::new();
    for other in others.iter().filter(same_strength) {
        let differences = differences(policy, other);
        // What each is for is only compared where they differ: most do not.
        if differences.is_empty() || policy.matches.is_apart_from(&other.matches) {
            continue;
        }
        let complete = policy.rollout.is_complete() && other.rollout.is_complete();
        let nested = complete
            && (policy.matches.is_within(&other.matches) || other.matches.is_within(&policy.matches));
        found.extend(
            differences.into_iter().map(|one| Disagreement { is_certain: one.is_certain && nested, ..one }),
        );
    }
    found
}

/// The enforced policies to which one that is not gives way where both are for a pod, with the keys.
pub fn stronger<'p>(policy: &'p Policy, others: &'p Policies) -> Vec<(&'p str, Key)> {
    if policy.mode == Mode::Enforce {
        return Vec::new();
    }
    let stronger = others.iter().filter(|other| {
        other.mode == Mode::Enforce
            && other.name != policy.name
            && !policy.matches.is_apart_from(&other.matches)
    });
    let keys = stronger.flat_map(|other| {
        let both = policy.annotations.iter().filter(|(key, _)| other.value(*key).is_some());
        both.map(|(key, _)| (&*other.name, *key))
    });
    keys.collect()
}

/// What they say differently, whoever they are for; certain is what matters to every pod.
fn differences<'p>(policy: &'p Policy, other: &'p Policy) -> Vec<Disagreement<'p>> {
    let keys = policy.annotations.iter().filter_map(|(key, own)| {
        other.value(*key).map(|theirs| (key.full(), &*own.text, &*theirs.text, true))
    });
    // Names only matter to pods that use them.
    let upstreams = names(&policy.upstreams, &other.upstreams);
    let destinations = names(&policy.destinations, &other.destinations);
    let both = keys.chain(upstreams).chain(destinations).filter(|(_, own, theirs, _)| own != theirs);
    let of = |(what, own_value, other_value, is_certain)| Disagreement {
        other: &other.name,
        what,
        own_value,
        other_value,
        is_certain,
    };
    both.map(of).collect()
}

fn names<'p, T>(
    own: &'p [Named<T>],
    others: &'p [Named<T>],
) -> impl Iterator<Item = (&'p str, &'p str, &'p str, bool)> {
    own.iter().flat_map(|own| {
        let same = others.iter().filter(|theirs| theirs.name == own.name);
        same.map(|theirs| (&*own.name, &*own.text, &*theirs.text, false))
    })
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
            (
                format!("namespaceSelector: {{matchLabels: {{s: dev}}}}, {}", pods("app: web")),
                pods("app: web"),
                Some(true),
            ),
        ] {
            assert_eq!(found(&a, &b), expected, "{a} | {b}");
        }
    }

    #[test]
    fn those_of_another_strength_and_those_that_are_rolled_out_give_way() {
        let policy = |name: &str, spec: &str| {
            format!(
                "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\n\
                 spec: {{{spec}, annotations: {{multipod/init: \"wait-for {name}:1\"}}}}\n---\n"
            )
        };
        for (a, b, expected) in [
            ("mode: default", "mode: default", Some(true)),
            ("mode: enforce", "mode: enforce", Some(true)),
            ("mode: default", "mode: enforce", None),
            ("mode: audit", "mode: default", None),
            ("mode: audit", "mode: audit", None),
            ("mode: default", "rollout: {percent: 50}", Some(false)),
        ] {
            let loaded = load(&[("a.yaml".to_owned(), policy("a", a) + &policy("b", b))]);
            assert_eq!(loaded.problems, []);
            let found = disagreements(loaded.policies.find("a").unwrap(), &loaded.policies);
            assert_eq!(found.first().map(|one| one.is_certain), expected, "{a} | {b}");
        }
    }
}
