//! Which pods a policy is for.

use std::fmt;

use multipod_cel::Fault;

use crate::pattern::Context;
use crate::pod::{Scalar, Text};

use super::condition::{Condition, NAMESPACE_NAME, given};
use super::owner::OwnerKind;
use super::rollout::{Rollout, Workload};
use super::selector::{Requirement, Selector};

/// The pods that a policy is for: everything that is given must fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    pub(super) namespaces: Selector,
    pub(super) pods: Selector,
    pub(super) owners: Vec<OwnerKind>,
    pub(super) conditions: Vec<Condition>,
}

/// Why a policy is not for a pod.
#[derive(Clone, Debug, PartialEq)]
pub enum Mismatch<'a> {
    /// A label of the namespace is not as required.
    Namespace(&'a Requirement, Option<&'a str>),
    /// A label of the pod is not as required.
    Pod(&'a Requirement, Option<&'a str>),
    /// Something else makes the pod.
    Owner(&'a [OwnerKind], Option<&'a str>),
    /// A condition does not hold.
    Condition(&'a Condition),
    /// It fits, and the policy does not reach its workload yet.
    Rollout(Rollout, Workload<'a>),
}

/// Why it cannot be told whether a policy is for a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// Nobody knows the namespace's labels.
    NamespaceUnknown {
        namespace: String,
        /// The label that is asked for.
        label: String,
    },
    /// The value of a label is a number or the like, which no API server accepts.
    LabelIsNoText { label: String },
    /// A condition has no answer for the pod.
    Condition { name: String, why: Fault },
}

impl Undecided {
    /// Whether a condition is to blame, and so whoever wrote the policy.
    pub(crate) fn is_a_condition(&self) -> bool {
        matches!(self, Undecided::Condition { .. })
    }

    /// Whether it will be known in a moment.
    pub(crate) fn is_not_yet(&self) -> bool {
        matches!(self, Undecided::Condition { why, .. } if why.is_not_yet())
    }

    /// Of two reasons, the one to tell: as long as a condition will have an answer, it may turn out not to hold, and then
    /// nothing else matters.
    fn or(self, other: Undecided) -> Undecided {
        if other.is_not_yet() && !self.is_not_yet() { other } else { self }
    }
}

impl Match {
    /// The selectors of namespaces and pods, and the owners. Whatever else there will be, `guard` and `export` have to write
    /// it for the API server too, or refuse it: a policy must never be for more pods there.
    pub fn parts(&self) -> (&Selector, &Selector, &[OwnerKind]) {
        // The guard writes what `conditions` says, and the export refuses policies with any.
        let Match { namespaces, pods, owners, conditions: _ } = self;
        (namespaces, pods, owners)
    }

    /// What must hold besides.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether every pod that this is for is one that `other` is for, as far as that can be proved.
    pub(super) fn is_within(&self, other: &Match) -> bool {
        let owners = other.owners.is_empty()
            || !self.owners.is_empty()
                && self.owners.iter().all(|own| other.owners.iter().any(|owner| owner.is_like(own)));
        let same =
            |wanted: &Condition| self.conditions.iter().any(|own| own.expression() == wanted.expression());
        owners
            && other.conditions.iter().all(same)
            && self.namespaces.implies(&other.namespaces)
            && self.pods.implies(&other.pods)
    }

    /// Whether no pod can be one that both are for, as far as that can be proved.
    pub fn is_apart_from(&self, other: &Match) -> bool {
        let owners = !self.owners.is_empty()
            && !other.owners.is_empty()
            && !self.owners.iter().any(|own| other.owners.iter().any(|owner| owner.is_like(own)));
        owners || self.namespaces.excludes(&other.namespaces) || self.pods.excludes(&other.pods)
    }

    /// Nothing where the policy is for the pod, else why it is not.
    ///
    /// What is known to differ decides, whatever else is unknown; only then does the unknown make an error, because
    /// an enforced policy must not be lost with it.
    pub(super) fn mismatch<'a>(
        &'a self,
        context: &Context<'a>,
        pod_labels: Labels<'a>,
    ) -> Result<Option<Mismatch<'a>>, Undecided> {
        if !self.owners.is_empty() && !self.owners.iter().any(|owner| owner.owns(context.owner_kind)) {
            return Ok(Some(Mismatch::Owner(&self.owners, context.owner_kind)));
        }
        let mut undecided = None;
        let pods = self.pods.requirements().iter();
        let namespaces = self.namespaces.requirements().iter();
        let labels = pods
            .map(|wanted| (wanted, pod_label(pod_labels, wanted.key()), Mismatch::Pod as Reason<'a>))
            .chain(namespaces.map(|wanted| {
                (wanted, namespace_label(context, wanted.key()), Mismatch::Namespace as Reason<'a>)
            }));
        for (wanted, label, reason) in labels {
            match label {
                Ok(label) if wanted.holds(label) => {}
                Ok(label) => return Ok(Some(reason(wanted, label))),
                Err(unknown) => undecided = undecided.or(Some(unknown)),
            }
        }
        match (self.unmet(context), undecided) {
            (Ok(Some(unmet)), _) => Ok(Some(unmet)),
            (Err(by_condition), Some(undecided)) => Err(undecided.or(by_condition)),
            (Ok(None), Some(undecided)) | (Err(undecided), None) => Err(undecided),
            (Ok(None), None) => Ok(None),
        }
    }

    /// A condition that does not hold. One is enough, whatever has no answer.
    fn unmet<'a>(&'a self, context: &Context<'a>) -> Result<Option<Mismatch<'a>>, Undecided> {
        let Some(first) = self.conditions.first() else { return Ok(None) };
        let undecided =
            |condition: &Condition, why: Fault| Undecided::Condition { name: condition.name.clone(), why };
        let Some(pod) = context.pod else { return Err(undecided(first, Fault::new("there is no pod"))) };
        let given = given(context, pod, &self.conditions).map_err(|fault| undecided(first, fault))?;
        let mut without_answer: Option<Undecided> = None;
        for condition in &self.conditions {
            match condition.holds(&given) {
                Ok(true) => {}
                Ok(false) => return Ok(Some(Mismatch::Condition(condition))),
                Err(fault) => {
                    let this = undecided(condition, fault);
                    without_answer = Some(match without_answer {
                        Some(first) => first.or(this),
                        None => this,
                    });
                }
            }
        }
        without_answer.map_or(Ok(None), Err)
    }
}

type Reason<'a> = fn(&'a Requirement, Option<&'a str>) -> Mismatch<'a>;

/// The labels of a pod.
pub(crate) type Labels<'a> = &'a [(Text<'a>, Scalar<'a>)];

fn pod_label<'a>(labels: Labels<'a>, key: &str) -> Result<Option<&'a str>, Undecided> {
    match labels.iter().find(|(name, _)| &**name == key) {
        None => Ok(None),
        Some((_, Scalar::Text(text))) => Ok(Some(text)),
        Some((_, Scalar::Null)) => Ok(Some("")),
        Some(_) => Err(Undecided::LabelIsNoText { label: key.to_owned() }),
    }
}

fn namespace_label<'a>(context: &Context<'a>, key: &str) -> Result<Option<&'a str>, Undecided> {
    if key == NAMESPACE_NAME {
        return Ok(Some(context.namespace));
    }
    match context.namespace_labels {
        Some(labels) => Ok(labels.iter().find(|(name, _)| **name == *key).map(|(_, value)| &**value)),
        None => Err(Undecided::NamespaceUnknown {
            namespace: context.namespace.to_owned(),
            label: key.to_owned(),
        }),
    }
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whose, wanted, found) = match self {
            Mismatch::Rollout(rollout, workload) => {
                return write!(
                    f,
                    "it is rolled out to {rollout} of workloads, and {workload} is not among them"
                );
            }
            Mismatch::Condition(condition) => {
                return write!(f, "its condition does not hold: {condition}");
            }
            Mismatch::Namespace(wanted, found) => ("namespace", wanted, found),
            Mismatch::Pod(wanted, found) => ("pod", wanted, found),
            Mismatch::Owner(wanted, found) => {
                f.write_str("the pod's owner must be ")?;
                for (index, kind) in wanted.iter().enumerate() {
                    write!(f, "{}{kind}", if index == 0 { "" } else { " or " })?;
                }
                return write!(f, ": {}", found.unwrap_or("none"));
            }
        };
        write!(f, "the {whose}'s label {} must {wanted}: ", wanted.key())?;
        match found {
            Some(value) => write!(f, "{value:?}"),
            None => f.write_str("not there"),
        }
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undecided::NamespaceUnknown { namespace, label } => {
                write!(
                    f,
                    "it asks for the label {label} of namespace {namespace}, whose labels are not known"
                )
            }
            Undecided::LabelIsNoText { label } => {
                write!(f, "the pod's label {label} is not text: write its value in quotes")
            }
            Undecided::Condition { name, why } => {
                write!(f, "its condition {name} has no answer for this pod: {why}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::pattern::Label;

    fn requirement(key: &str, operator: &str, values: &[&str]) -> Requirement {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        Requirement::expression(key, operator, &values).unwrap()
    }

    fn selector(requirements: &[Requirement]) -> Selector {
        let mut selector = Selector::default();
        for one in requirements {
            selector.require(one.clone());
        }
        selector
    }

    fn text(text: &str) -> Text<'_> {
        Text(Cow::Borrowed(text))
    }

    fn verdict(wanted: &Match, namespace_labels: Option<&[Label]>) -> String {
        let labels = [
            (text("app"), Scalar::Text(text("shop"))),
            (text("version"), Scalar::Number("1".into())),
            (text("empty"), Scalar::Null),
        ];
        let (settings, catalogue) = Default::default();
        let context = Context {
            namespace: "dev",
            namespace_labels,
            owner_kind: Some("ReplicaSet"),
            ..Context::new(&settings, &catalogue)
        };
        match wanted.mismatch(&context, &labels) {
            Ok(None) => "matches".to_owned(),
            Ok(Some(mismatch)) => mismatch.to_string(),
            Err(undecided) => format!("undecided: {undecided}"),
        }
    }

    #[test]
    fn everything_given_must_fit_and_the_unknown_is_an_error() {
        let pods = |key: &str, operator: &str, values: &[&str]| Match {
            pods: selector(&[requirement(key, operator, values)]),
            ..Match::default()
        };
        let namespaces = |key: &str, operator: &str, values: &[&str]| Match {
            namespaces: selector(&[requirement(key, operator, values)]),
            ..Match::default()
        };
        let owners = |kind: &str| Match { owners: vec![OwnerKind::parse(kind).unwrap()], ..Match::default() };
        let both = |pod: &str, namespace: &str| Match {
            pods: selector(&[requirement("app", "In", &[pod])]),
            namespaces: selector(&[requirement("team", "In", &[namespace])]),
            owners: vec![OwnerKind::parse("Job").unwrap(), OwnerKind::parse("Deployment").unwrap()],
            ..Match::default()
        };
        let known = [("team".into(), "a".into())];
        let (known, unknown) = (Some(&known[..]), None);
        for (wanted, labels, expected) in [
            (Match::default(), unknown, "matches"),
            (pods("app", "In", &["shop"]), known, "matches"),
            (pods("app", "In", &["web"]), known, r#"the pod's label app must be "web": "shop""#),
            (pods("absent", "Exists", &[]), known, "the pod's label absent must be there: not there"),
            (pods("absent", "NotIn", &["x"]), known, "matches"),
            (pods("empty", "In", &[""]), known, "matches"),
            (pods("version", "Exists", &[]), known, "undecided: the pod's label version is not text"),
            (pods("version", "DoesNotExist", &[]), known, "undecided: the pod's label version is not text"),
            (namespaces("team", "In", &["a"]), known, "matches"),
            (namespaces("team", "In", &["b"]), known, r#"the namespace's label team must be "b": "a""#),
            (namespaces("stage", "DoesNotExist", &[]), known, "matches"),
            (
                namespaces("team", "In", &["a"]),
                unknown,
                "undecided: it asks for the label team of namespace dev",
            ),
            (namespaces("team", "DoesNotExist", &[]), unknown, "undecided: it asks for the label team"),
            (namespaces(NAMESPACE_NAME, "In", &["dev"]), unknown, "matches"),
            (namespaces(NAMESPACE_NAME, "NotIn", &["dev"]), unknown, "the namespace's label"),
            (owners("Deployment"), unknown, "matches"),
            (owners("Job"), unknown, "the pod's owner must be Job: ReplicaSet"),
            (both("shop", "a"), known, "matches"),
            (both("web", "a"), known, "the pod's label app"),
            (both("shop", "b"), known, "the namespace's label team"),
            (both("web", "a"), unknown, "the pod's label app"),
            (both("shop", "a"), unknown, "undecided"),
        ] {
            let found = verdict(&wanted, labels);
            assert!(found.starts_with(expected), "{wanted:?}: {found}");
        }
    }
}
