//! Which parts of a policy an API server cannot carry out by itself.

use std::fmt;

use multipod_engine::annotation::Key;
use multipod_engine::policy::{Mode, OnObstacle, Policies, Policy};

/// One thing that would be lost, where it stands, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub policy: String,
    /// The field of the policy, or of the pattern that it names.
    pub field: String,
    pub what: String,
    pub cure: String,
}

const LEAVE_IT: &str =
    "Leave this policy to the webhook, or define a Pattern whose text is fixed, and set multipod/patterns";

impl Lost {
    pub(super) fn new(
        policy: &Policy,
        field: impl Into<String>,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) -> Lost {
        Lost { policy: policy.name.clone(), field: field.into(), what: what.into(), cure: cure.into() }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lost { policy, field, what, cure } = self;
        write!(f, "policy {policy}: {field}: {what}\n  {cure}")
    }
}

/// What the policy itself says that needs more than an API server, beside all others.
pub(super) fn of_policy(policy: &Policy, all: &Policies) -> Vec<Lost> {
    let mut lost = Vec::new();
    let mut tell = |field: &str, what: &str, cure: &str| lost.push(Lost::new(policy, field, what, cure));
    if policy.mode == Mode::Audit {
        tell(
            "spec.mode",
            "an audit only tells and counts what it would do, and a MutatingAdmissionPolicy can do neither",
            "Leave it to the webhook, or name the policies that you want to export",
        );
    }
    if policy.mode == Mode::Default && policy.on_obstacle == OnObstacle::Deny {
        tell(
            "spec.onObstacle",
            "a MutatingAdmissionPolicy cannot refuse a pod that has something in the way, and say what",
            "Write onObstacle: skip, or mode: enforce, which is exported with a second policy that refuses",
        );
    }
    if !policy.rollout.is_complete() {
        tell(
            "spec.rollout",
            "a share of the workloads is drawn from their names by a hash, which CEL does not have",
            "Complete the roll-out first",
        );
    }
    if !policy.matches.conditions().is_empty() {
        tell(
            "spec.match.matchConditions",
            "one that has no answer for a pod is told by the webhook alone, and only the webhook knows the namespace there",
            "Select by labels, or leave this policy to the webhook",
        );
    }
    if !policy.bounds.is_free() {
        tell(
            "spec.bounds",
            "bounds are for what pods ask for, which only the webhook reads",
            "Put them into a policy of their own, and leave that to the webhook",
        );
    }
    for (field, given) in [
        ("spec.upstreams", !policy.upstreams.is_empty()),
        ("spec.destinations", !policy.destinations.is_empty()),
    ] {
        if given {
            tell(
                field,
                "names stand for something in what pods ask for, which only the webhook reads",
                "Put them into a policy of their own, and leave that to the webhook",
            );
        }
    }
    if policy.annotations.is_empty() && lost.is_empty() {
        lost.push(Lost::new(
            policy,
            "spec.annotations",
            "nothing is set, so there is nothing to export",
            LEAVE_IT,
        ));
    }
    for (key, _) in &policy.annotations {
        lost.extend(
            reads(*key)
                .map(|what| Lost::new(policy, format!("spec.annotations[{}]", key.full()), what, LEAVE_IT)),
        );
    }
    lost.extend(all.iter().filter(|other| meet(policy, other)).map(|other| {
        Lost::new(
            policy,
            "spec.match",
            format!(
                "policy {} can be for the same pods; the webhook decides whose value counts, puts the containers of both in \
                 one order, and keeps one record",
                other.name
            ),
            "Let their selectors exclude each other, or leave both to the webhook",
        )
    }));
    lost
}

/// Whether another one may add something to the same pod.
fn meet(policy: &Policy, other: &Policy) -> bool {
    let adds = other.mode != Mode::Audit && !other.annotations.is_empty();
    other.name != policy.name && adds && !policy.matches.is_apart_from(&other.matches)
}

/// What the webhook reads in a pod for a key, beyond what can be told of every pod alike.
fn reads(key: Key) -> Option<&'static str> {
    match key {
        Key::Ambassador => Some(
            "it reads the ports of the pod and its namespace: conflict analysis, and a configuration that is rendered \
             for each namespace, would be lost",
        ),
        Key::Logging => Some(
            "it finds the volume that holds the logs among the mounts of the app: defaults taken from the pod, and \
             conflict analysis of mounts, would be lost",
        ),
        Key::Metrics => Some(
            "it reads the ports of the app and what the pod says of scraping already: ports found in the pod, and \
             conflict analysis, would be lost",
        ),
        Key::Sync => Some(
            "it mounts a folder in the app: finding the container that is meant, and conflict analysis of mounts, \
             would be lost",
        ),
        Key::Init => Some(
            "it reads the pod to know whom its steps wait for: addresses within the namespace, the order beside \
             sidecars, and conflict analysis would be lost",
        ),
        Key::ShareProcessNamespace => Some(
            "it compares with what the pod says of processes (hostPID, shareProcessNamespace: false): conflict \
             analysis would be lost",
        ),
        Key::OptOut => Some("it is for pods and namespaces"),
        Key::Patterns => None,
    }
}
