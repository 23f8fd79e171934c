//! Policies that the API server can carry out itself, written as `MutatingAdmissionPolicy`.
//!
//! `lost` says what would be lost of a policy, and so refuses it; `fixed` is what the others add to every pod alike; `pods`
//! the pods that get it; `patch` how it gets into them. The result is the pod that the webhook would have made.

mod fixed;
mod lost;
mod patch;
mod pods;

use multipod_engine::pod::Version;
use multipod_engine::policy::{Mode, Policy};
use serde_json::Value;

use multipod_guard::{Admission, Guard};

use fixed::Fixed;

pub use lost::Lost;

/// API servers since this version have such policies as a beta, off by default.
pub const FIRST: Version = Version { major: 1, minor: 34 };
/// API servers since this version have them.
pub const EVERYWHERE: Version = Version { major: 1, minor: 36 };

/// By which all that is exported can be found.
const COMPONENT: &str = "export";

/// What is exported, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// Settings, patterns and all policies of the cluster. What it holds enforced policies to is exported with them.
    pub guard: Guard<'a>,
    /// The version of the API server.
    pub version: Version,
}

/// The policies of the API server with their bindings, and what differs from the webhook.
#[derive(Debug, Default)]
pub struct Written {
    pub objects: Vec<Value>,
    /// One sentence each.
    pub limits: Vec<String>,
}

impl Export<'_> {
    /// These policies, or what would be lost of them.
    pub fn write(&self, policies: &[&Policy]) -> Result<Written, Vec<Lost>> {
        let mut written = Written { limits: LIMITS.map(str::to_owned).to_vec(), ..Written::default() };
        let mut lost = Vec::new();
        for policy in policies {
            lost.extend(lost::of_policy(policy, self.guard.policies));
            match Fixed::of(policy, (&self.guard, self.version)) {
                Ok(fixed) => self.write_one(policy, &fixed, &mut written),
                Err(more) => lost.extend(more),
            }
        }
        if lost.is_empty() { Ok(written) } else { Err(lost) }
    }

    fn write_one(&self, policy: &Policy, fixed: &Fixed, written: &mut Written) {
        let name = &policy.name;
        let mut admission = Admission::of(&self.guard, &format!("multipod-{name}"), &["CREATE"], policy);
        let patch = patch::expression(fixed, &mut admission);
        let patch = pods::only_those_that_get_it(policy, fixed, &mut admission, patch);
        let version = if self.version < EVERYWHERE { "v1beta1" } else { "v1" };
        written.objects.extend(admission.mutating(version, COMPONENT, &patch));
        if policy.mode == Mode::Default {
            written.limits.push(format!(
                "Policy {name}: a pod in which something stands in the way is left as it is, and nobody is told"
            ));
        }
        let before = written.limits.len();
        if let Some(holds) = self.guard.of(policy, &mut written.limits) {
            written.objects.extend(holds.validating());
            let told = format!(
                "Policy {name}: it is enforced, so a second policy (multipod-enforce-{name}) refuses the pods that come \
                 without what it adds; it says what is missing, not what stands in the way"
            );
            written.limits.insert(before, told);
        }
    }
}

const LIMITS: [&str; 4] = [
    "Annotations that ask for something need the webhook, and so do messages about mistakes in them: here they are \
     not read",
    "Nobody is told anything: no warnings, no reasons, no status of the policy, no metrics",
    "A pod that has a container named multipod-\u{2026}, one of the volumes, or the record multipod/status is left as it is; \
     the webhook would add what is missing",
    "A pod with resources as a whole (spec.resources) is left as it is; the webhook would see whether it fits",
];
