//! Why it cannot be settled what a pod gets.

use std::fmt;
use std::sync::Arc;

use crate::annotation::{Diagnostic, Key, Source};
use multipod_values::short;

use super::fence::Fence;
use super::matching::Undecided;

/// One reason.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unsettled {
    /// Two policies of the same strength want different things, and nothing stronger decides.
    Conflict {
        /// The key that they disagree on.
        key: Key,
        /// Whether both are enforced.
        enforced: bool,
        /// The first policy by name, and its value, or its `containers` where the values are the same.
        first: (String, String),
        /// The other policy, likewise.
        second: (String, String),
    },
    /// Somebody asks for a key and opts out of it by name.
    OptOutContradiction {
        key: Key,
        /// The pod or its namespace.
        whose: Source,
    },
    /// The value of an opt-out cannot be read.
    OptOutUnreadable(Diagnostic),
    /// It cannot be told whether a policy is for the pod.
    Undecided {
        policy: String,
        /// What is not known.
        why: Undecided,
    },
    /// A policy that is or may be enforced cannot be read, and may be for the pod.
    Invalid(Arc<Fence>),
}

impl Unsettled {
    /// Whether it will be settled in a moment.
    pub(crate) fn is_not_yet(&self) -> bool {
        matches!(self, Unsettled::Undecided { why, .. } if why.is_not_yet())
    }
}

impl std::error::Error for Unsettled {}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsettled::Conflict { key, enforced, first, second } => {
                let what = if *enforced { "enforced policies" } else { "policies" };
                writeln!(f, "{}: {what} {} and {} disagree", key.full(), first.0, second.0)?;
                for (policy, value) in [first, second] {
                    writeln!(f, "  {policy}: \"{}\"", short(value))?;
                }
                f.write_str(match enforced {
                    true => "An administrator of the cluster has to settle it.",
                    false => "An annotation of the pod settles it for this pod; for all, one policy has to give way.",
                })
            }
            Unsettled::OptOutContradiction { key, whose } => write!(
                f,
                "{}: {whose} asks for {} and opts out of it\nRemove one of the two annotations.",
                Key::OptOut.full(),
                key.name()
            ),
            Unsettled::OptOutUnreadable(diagnostic) => diagnostic.fmt(f),
            Unsettled::Invalid(fence) => {
                let enforced = if fence.surely_enforced { "is enforced" } else { "may be enforced" };
                write!(
                    f,
                    "policy {} {enforced}, may be for this pod, and cannot be read",
                    short(&fence.policy)
                )?;
                for problem in fence.problems.iter().take(3) {
                    write!(f, "\n  {}", problem.to_string().replace('\n', "\n  "))?;
                }
                f.write_str("\nAn administrator of the cluster has to correct the policy, or delete it.")
            }
            Unsettled::Undecided { policy, why } => {
                write!(f, "it cannot be told whether policy {policy} is for this pod: {why}")?;
                if why.is_a_condition() {
                    f.write_str("\nAn administrator has to write the condition so that it has an answer for every pod.")?;
                }
                Ok(())
            }
        }
    }
}
