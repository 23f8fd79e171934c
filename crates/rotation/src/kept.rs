//! What the replicas agree on, as one Secret keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Tells authorities apart: the beginning of the digest of the certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u128);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// An authority, as far as decisions need it. Its certificate and its key are the edge's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Authority {
    pub id: Id,
    /// Since 1970.
    pub ends: Duration,
}

/// What a replica may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Promise {
    pub authority: Id,
    /// No leaf of this replica is good for longer.
    pub until: Duration,
}

/// The content of the Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kept {
    pub signing: Option<Authority>,
    /// It is being published, and signs next.
    pub next: Option<Authority>,
    /// They sign no more, but are trusted still.
    pub before: BTreeSet<Authority>,
    pub promises: BTreeMap<String, Promise>,
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    Empty,
    Stable,
    Publishing,
    Switched,
}

impl Phase {
    pub const ALL: [Phase; 4] = [Phase::Empty, Phase::Stable, Phase::Publishing, Phase::Switched];

    pub fn slug(self) -> &'static str {
        match self {
            Phase::Empty => "empty",
            Phase::Stable => "stable",
            Phase::Publishing => "publishing",
            Phase::Switched => "switched",
        }
    }
}

impl Kept {
    pub fn phase(&self) -> Phase {
        match (&self.signing, &self.next) {
            (_, Some(_)) => Phase::Publishing,
            (None, None) => Phase::Empty,
            (Some(_), None) if self.before.is_empty() => Phase::Stable,
            (Some(_), None) => Phase::Switched,
        }
    }

    /// What belongs into every bundle.
    pub fn trusted(&self) -> BTreeSet<Authority> {
        self.before.iter().chain(&self.signing).chain(&self.next).copied().collect()
    }

    pub(super) fn trusts(&self, id: Id) -> bool {
        self.trusted().iter().any(|authority| authority.id == id)
    }
}
