//! The last objects that were refused, for the page of the admin port: names and reasons, and nothing else of a review.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::admission::{Outcome, Record};
use crate::observe::short;

/// How many are kept; the log has them all.
const KEPT: usize = 20;

#[derive(Debug, Default)]
pub(crate) struct LastRefused(Mutex<VecDeque<Refused>>);

/// One of them. Names are cut where they are too long for a log line, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub at: SystemTime,
    pub namespace: String,
    pub name: String,
    pub owner: String,
    pub reason: &'static str,
    pub dry_run: bool,
}

impl LastRefused {
    /// Keeps it if it was refused, in place of the oldest.
    pub(super) fn decided(&self, record: &Record<'_>) {
        if record.outcome != Outcome::Denied {
            return;
        }
        let refused = Refused {
            at: SystemTime::now(),
            namespace: short(&record.namespace).into_owned(),
            name: short(&record.name).into_owned(),
            owner: short(&record.owner_kind).into_owned(),
            reason: record.reason,
            dry_run: record.dry_run,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.truncate(KEPT - 1);
        all.push_front(refused);
    }

    /// The newest first.
    pub(crate) fn all(&self) -> Vec<Refused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
