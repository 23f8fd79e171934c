//! What is in force on the server at one moment, for its page.

use std::sync::Arc;
use std::time::SystemTime;

use multipod_engine::policy::ObjectState;

use crate::admission::Snapshot;

use super::refused::Refused;

/// The checks of readiness: name, whether it passes, and a note for people.
pub(crate) type Checks = [(&'static str, bool, Option<String>); 5];

#[derive(Debug)]
pub(crate) struct InForce {
    pub checks: Checks,
    pub certificate_ends: SystemTime,
    pub snapshot: Arc<Snapshot>,
    /// What became of each policy and pattern.
    pub objects: Arc<Vec<ObjectState>>,
    /// Nothing where this replica does not look for others.
    pub replicas: Option<Arc<Replicas>>,
    /// The newest first.
    pub refused: Vec<Refused>,
}

/// The replicas that are alive.
#[derive(Debug)]
pub(crate) struct Replicas {
    pub at: SystemTime,
    pub each: Vec<Replica>,
}

#[derive(Debug)]
pub(crate) struct Replica {
    pub name: String,
    /// Whether it is this one.
    pub own: bool,
    /// Whether it writes status.
    pub leads: bool,
    /// Whether it acts on the same versions of all objects as this one.
    pub in_step: bool,
}
