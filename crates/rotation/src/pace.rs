//! The periods of a rotation, which follow from three durations.

use std::time::Duration;

/// The three times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// The life of an authority.
    pub authority: Duration,
    /// The life of a leaf.
    pub leaf: Duration,
    /// How long a new authority is in every bundle before it signs: API servers follow a change within half of it.
    pub hold: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            authority: Duration::from_hours(365 * 24),
            leaf: Duration::from_hours(24),
            hold: Duration::from_mins(1),
        }
    }
}

impl Pace {
    /// How often a replica looks.
    pub fn look(&self) -> Duration {
        self.hold / 12
    }

    /// What a replica remembers counts for so long where the Secret is gone. No authority begins to sign in this time that
    /// was not published before it.
    pub(super) fn memory(&self) -> Duration {
        self.hold / 2
    }

    /// For how long others may put back a Secret that is gone, before somebody makes a new authority.
    pub(super) fn patience(&self) -> Duration {
        self.hold
    }

    /// Replicas begin to serve a new authority within this time, each at its own.
    pub(super) fn jitter(&self) -> Duration {
        self.hold / 2
    }

    /// How far ahead a replica promises, anew whenever a quarter of it is over: so it serves for three lives of a leaf
    /// without seeing the cluster.
    pub(super) fn promise(&self) -> Duration {
        self.leaf * 4
    }

    /// Clocks may differ by so much.
    pub(super) fn skew(&self) -> Duration {
        self.leaf / 24
    }

    /// A promise is over so long after its end.
    pub(super) fn over(&self) -> Duration {
        self.skew() + self.hold * 5
    }
}
