//! Who makes pods, as far as a pod can tell.

use std::fmt;

use multipod_values::{Parsed, suggest};

/// The kinds that Kubernetes itself makes pods by; other kinds may, too.
const KNOWN: [&str; 7] =
    ["Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "ReplicationController", "Pod"];

pub(super) const NO_CRON_JOB: &str =
    "the pods of a CronJob belong to a Job and know nothing of the CronJob: write Job";

/// A kind that `ownerKinds` names.
///
/// A pod knows its controller alone, not who is behind it. A Deployment makes `ReplicaSet`s and those make the pods,
/// so `Deployment` and `ReplicaSet` mean the same pods. `CronJob` is refused: its pods cannot be told from those of
/// any other Job, so a policy for it would reach further than it says. `Pod` is a pod that nobody controls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerKind(String);

impl OwnerKind {
    /// Reads a kind; one that is almost a known one is a mistake.
    pub(super) fn parse(text: &str) -> Parsed<Self> {
        if KNOWN.contains(&text) {
            return Ok(OwnerKind(text.to_owned()));
        }
        if text == "CronJob" {
            return Err(NO_CRON_JOB.to_owned());
        }
        if let Some(near) = suggest::nearest(text, KNOWN) {
            return Err(format!("unknown kind {text}, did you mean {near}?"));
        }
        let is_kind = text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.len() <= 63
            && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_kind {
            Ok(OwnerKind(text.to_owned()))
        } else {
            Err("expected a kind such as Deployment".to_owned())
        }
    }

    /// Whether a pod of this controller is meant; nobody controls a bare pod.
    ///
    /// Pod templates read from files say who will stand behind the controller; they count as the pods they become.
    /// The kind of the controller that its pods name; `Pod` where they name none.
    pub fn controller(&self) -> &str {
        controller_of(&self.0)
    }

    /// Whether both mean the same pods.
    pub(super) fn is_like(&self, other: &OwnerKind) -> bool {
        self.controller() == other.controller()
    }

    pub(crate) fn owns(&self, controller: Option<&str>) -> bool {
        controller_of(&self.0) == controller_of(controller.unwrap_or("Pod"))
    }
}

/// The kind that the pods of `kind` name as their controller.
pub(super) fn controller_of(kind: &str) -> &str {
    match kind {
        "Deployment" => "ReplicaSet",
        "CronJob" => "Job",
        other => other,
    }
}

impl fmt::Display for OwnerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_owns_the_pods_that_name_its_controller() {
        for (kind, controller, expected) in [
            ("Deployment", Some("ReplicaSet"), true),
            ("Deployment", Some("Deployment"), true),
            ("ReplicaSet", Some("ReplicaSet"), true),
            ("Deployment", Some("StatefulSet"), false),
            ("Job", Some("Job"), true),
            ("Job", Some("CronJob"), true),
            ("Pod", None, true),
            ("Pod", Some("Job"), false),
            ("Deployment", None, false),
            ("CloneSet", Some("CloneSet"), true),
        ] {
            assert_eq!(OwnerKind::parse(kind).unwrap().owns(controller), expected, "{kind} {controller:?}");
        }
    }

    #[test]
    fn kinds_that_can_never_match_are_refused() {
        for (kind, expected) in [
            ("CronJob", "write Job"),
            ("deployment", "did you mean Deployment?"),
            ("Deployments", "did you mean Deployment?"),
            ("Statefulset", "did you mean StatefulSet?"),
            ("apps/CloneSet", "expected a kind"),
            ("", "expected a kind"),
        ] {
            let found = OwnerKind::parse(kind).unwrap_err();
            assert!(found.contains(expected), "{kind}: {found}");
        }
    }
}
