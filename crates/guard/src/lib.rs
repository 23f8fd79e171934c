//! The guard: policies of the API server itself, which hold whether multipod answers or not.
//!
//! A webhook that is down, or that is not asked, adds nothing; under `failurePolicy: Ignore` nobody notices. The guard is
//! written from the table of patterns and the policies in force, and refuses a pod that comes without what it must have.

mod asks;
pub mod cel;
mod enforced;
mod known;
mod live;
mod object;
mod source;

use multipod_engine::policy::Policy;
use serde_json::Value;

pub use object::Admission;
pub use source::{Actions, Guard};

/// The policies of the API server with their bindings, and what they do not see.
#[derive(Debug)]
pub struct Written {
    pub objects: Vec<Value>,
    /// One sentence each.
    pub limits: Vec<String>,
}

impl Guard<'_> {
    /// What holds pods to one policy, if anything does.
    pub fn of(&self, policy: &Policy, limits: &mut Vec<String>) -> Option<Admission> {
        enforced::policy(self, policy, limits)
    }

    pub fn write(&self) -> Written {
        let mut limits = Vec::new();
        let mut policies = vec![asks::policy(self, &mut limits), live::policy(self, &mut limits)];
        policies.extend(self.policies.iter().filter_map(|policy| self.of(policy, &mut limits)));
        let objects = policies.into_iter().flat_map(Admission::validating).collect();
        Written { objects, limits }
    }
}
