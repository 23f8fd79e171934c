//! Which policies a pod has to be compared with. Each stands under the rarest thing that it requires, a label of the pod or of
//! its namespace, or what makes the pod, and is only looked at where a pod has that. So a thousand policies for a thousand
//! teams cost a review what one costs.

use std::collections::BTreeMap;

use crate::pattern::Context;
use crate::pod::Scalar;

use super::condition::NAMESPACE_NAME;
use super::matching::{Labels, Match};
use super::owner::{OwnerKind, controller_of};

/// The places of policies in their list, by what each requires.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    /// Those that require nothing of the kind.
    always: Vec<usize>,
    by_label: BTreeMap<Whose, BTreeMap<String, Values>>,
    by_owner: BTreeMap<String, Vec<usize>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Values {
    /// Where the label is there.
    any: Vec<usize>,
    by_value: BTreeMap<String, Vec<usize>>,
}

/// Whose label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Namespace,
    Pod,
}

/// Something that a pod must have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Term<'p> {
    /// A label, with this value or with any.
    Label(Whose, &'p str, Option<&'p str>),
    Owner(&'p str),
}

impl Index {
    /// Of policies for these pods.
    pub(super) fn of<'p>(policies: impl IntoIterator<Item = &'p Match>) -> Index {
        let required: Vec<_> = policies.into_iter().map(required).collect();
        let mut count: BTreeMap<Term<'_>, usize> = BTreeMap::new();
        for term in required.iter().flatten().flatten() {
            *count.entry(*term).or_default() += 1;
        }
        let mut index = Index::default();
        for (at, alternatives) in required.iter().enumerate() {
            let crowd = |terms: &&Vec<Term<'_>>| terms.iter().map(|term| count[term]).max();
            match alternatives.iter().min_by_key(crowd) {
                Some(terms) => terms.iter().for_each(|term| index.place(*term).push(at)),
                None => index.always.push(at),
            }
        }
        index
    }

    fn place(&mut self, term: Term<'_>) -> &mut Vec<usize> {
        match term {
            Term::Owner(kind) => self.by_owner.entry(kind.to_owned()).or_default(),
            Term::Label(whose, key, value) => {
                let values = self.by_label.entry(whose).or_default().entry(key.to_owned()).or_default();
                match value {
                    Some(value) => values.by_value.entry(value.to_owned()).or_default(),
                    None => &mut values.any,
                }
            }
        }
    }

    /// The places of all policies that may be for a pod, in their order; nothing where each has to be asked, because labels
    /// cannot be told.
    pub(super) fn candidates(&self, context: &Context<'_>, pod_labels: Labels<'_>) -> Option<Vec<usize>> {
        let mut found = self.always.clone();
        let namespace = context.namespace_labels?;
        let of_namespace = namespace.iter().map(|(key, value)| (&**key, &**value));
        let of_namespace = of_namespace.filter(|(key, _)| *key != NAMESPACE_NAME);
        self.labels(Whose::Namespace, of_namespace.chain([(NAMESPACE_NAME, context.namespace)]), &mut found);
        let texts = pod_labels.iter().map(|(key, value)| match value {
            Scalar::Text(text) => Some((&**key, &**text)),
            Scalar::Null => Some((&**key, "")),
            _ => None,
        });
        self.labels(Whose::Pod, texts.collect::<Option<Vec<_>>>()?.into_iter(), &mut found);
        let owner = controller_of(context.owner_kind.unwrap_or("Pod"));
        found.extend(self.by_owner.get(owner).into_iter().flatten());
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    fn labels<'l>(
        &self,
        whose: Whose,
        labels: impl Iterator<Item = (&'l str, &'l str)>,
        found: &mut Vec<usize>,
    ) {
        let Some(by_key) = self.by_label.get(&whose) else { return };
        for (key, value) in labels {
            let Some(values) = by_key.get(key) else { continue };
            found.extend(&values.any);
            found.extend(values.by_value.get(value).into_iter().flatten());
        }
    }
}

/// What a pod must have to be one that a policy is for: of each of these, one.
fn required(matches: &Match) -> Vec<Vec<Term<'_>>> {
    let (namespaces, pods, owners) = matches.parts();
    let selectors = [(Whose::Pod, pods), (Whose::Namespace, namespaces)];
    let labels = selectors.into_iter().flat_map(|(whose, selector)| {
        selector.requirements().iter().filter_map(move |requirement| match requirement.operator() {
            ("In", values) => {
                Some(values.iter().map(|value| Term::Label(whose, requirement.key(), Some(value))).collect())
            }
            ("Exists", _) => Some(vec![Term::Label(whose, requirement.key(), None)]),
            _ => None,
        })
    });
    let owners: Vec<Term<'_>> = owners.iter().map(OwnerKind::controller).map(Term::Owner).collect();
    labels.chain((!owners.is_empty()).then_some(owners)).collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::pattern::{Catalogue, Settings};
    use crate::pod::Text;
    use crate::policy::{Policies, Policy, load};

    fn policies(matches: impl Iterator<Item = String>) -> Policies {
        let policy = |(at, matches): (usize, String)| {
            format!(
                "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: p-{at}}}\n\
                 spec: {{match: {{{matches}}}, upstreams: {{x: \"y:1\"}}}}\n"
            )
        };
        let text = matches.enumerate().map(policy).collect::<Vec<_>>().concat();
        let loaded = load(&[("all.yaml".to_owned(), text)]);
        assert_eq!(loaded.problems, []);
        loaded.policies
    }

    fn labels(pairs: &[(&'static str, &'static str)]) -> Vec<(Text<'static>, Scalar<'static>)> {
        let text = |text: &'static str| Text(Cow::Borrowed(text));
        pairs.iter().map(|(key, value)| (text(key), Scalar::Text(text(value)))).collect()
    }

    #[test]
    fn a_thousand_policies_are_as_few_to_look_at_as_ten() {
        let (settings, catalogue) = (Settings::default(), Catalogue::default());
        let team = [("team".into(), "7".into()), ("stage".into(), "prod".into())];
        let context = Context {
            namespace_labels: Some(&team),
            owner_kind: Some("ReplicaSet"),
            ..Context::new(&settings, &catalogue)
        };
        let pod = labels(&[("app", "web"), ("tier", "7")]);
        for all in [10, 1000] {
            for (matches, looked_at) in [
                ("namespaceSelector: {matchLabels: {team: \"N\"}}", 1),
                ("podSelector: {matchLabels: {tier: \"N\"}}", 1),
                // What all of them require helps nobody.
                (
                    "namespaceSelector: {matchLabels: {stage: prod, team: \"N\"}}, podSelector: {matchLabels: {app: web}}, ownerKinds: [Deployment]",
                    1,
                ),
                ("podSelector: {matchExpressions: [{key: tier, operator: In, values: [\"N\", \"N0\"]}]}", 1),
                ("podSelector: {matchExpressions: [{key: label-N, operator: Exists}]}", 0),
                ("ownerKinds: [KindN]", 0),
                ("namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: space-N}}", 0),
            ] {
                let policies = policies((0..all).map(|at| matches.replace('N', &at.to_string())));
                assert_eq!(policies.candidates(&context, &pod).count(), looked_at, "{all}: {matches}");
            }
        }
    }

    #[test]
    fn where_labels_cannot_be_told_every_policy_is_asked() {
        let (settings, catalogue) = (Settings::default(), Catalogue::default());
        let policies =
            policies((0..10).map(|at| format!("podSelector: {{matchLabels: {{tier: \"{at}\"}}}}")));
        let known = Context::new(&settings, &catalogue);
        let unknown = Context { namespace_labels: None, ..known };
        let number = [(Text(Cow::Borrowed("tier")), Scalar::Number("7".into()))];
        assert_eq!(policies.candidates(&known, &[]).count(), 0);
        assert_eq!(policies.candidates(&unknown, &[]).count(), 10);
        assert_eq!(policies.candidates(&known, &number).count(), 10);
    }

    const KEYS: [&str; 3] = ["a", "b", "c"];
    const VALUES: [&str; 3] = ["", "x", "y"];

    fn any_labels() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
        let one = (prop::sample::select(&KEYS[..]), prop::sample::select(&VALUES[..]));
        prop::collection::vec(one, 0..4)
    }

    fn any_selector() -> impl Strategy<Value = String> {
        let one = (
            prop::sample::select(&KEYS[..]),
            0usize..4,
            prop::collection::vec(prop::sample::select(&VALUES[..]), 1..3),
        );
        let one = one.prop_map(|(key, operator, values)| {
            let operator = ["In", "NotIn", "Exists", "DoesNotExist"][operator];
            let values =
                if operator.ends_with("In") { format!(", values: {values:?}") } else { String::new() };
            format!("{{key: {key}, operator: {operator}{values}}}")
        });
        prop::collection::vec(one, 0..3).prop_map(|all| format!("{{matchExpressions: [{}]}}", all.join(", ")))
    }

    fn any_match() -> impl Strategy<Value = String> {
        (any_selector(), any_selector(), 0usize..3).prop_map(|(namespace, pod, owner)| {
            let owner = ["", ", ownerKinds: [Deployment, Job]", ", ownerKinds: [Pod]"][owner];
            format!("namespaceSelector: {namespace}, podSelector: {pod}{owner}")
        })
    }

    proptest! {
        #[test]
        fn no_policy_is_overlooked(
            matches in prop::collection::vec(any_match(), 1..8),
            pod in any_labels(),
            namespace in any_labels(),
            owner in prop::sample::select(vec![None, Some("ReplicaSet"), Some("Job"), Some("Other")]),
        ) {
            let (settings, catalogue) = (Settings::default(), Catalogue::default());
            let namespace: Vec<_> = namespace.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
            let context =
                Context { namespace_labels: Some(&namespace), owner_kind: owner, ..Context::new(&settings, &catalogue) };
            let (policies, pod) = (policies(matches.into_iter()), labels(&pod));
            let concerned = |policy: &&Policy| !matches!(policy.mismatch(&context, &pod), Ok(Some(_)));
            let name = |policy: &Policy| policy.name.clone();
            let all: Vec<String> = policies.iter().filter(concerned).map(name).collect();
            let looked_at: Vec<String> = policies.candidates(&context, &pod).filter(concerned).map(name).collect();
            prop_assert_eq!(all, looked_at);
        }
    }
}
