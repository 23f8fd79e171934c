//! What was found about an object that is not a pod, and the answer: a refusal, or permission with warnings.

use multipod_engine::inject::Refusal;

use super::answer::{self, Verdict};
use super::review::Request;
use super::{Outcome, Record, Reply};

pub(super) struct Found {
    pub(super) outcome: Outcome,
    pub(super) reason: &'static str,
    pub(super) warnings: Vec<String>,
    /// The object is refused where there are some.
    pub(super) refusals: Vec<Refusal>,
}

impl Default for Found {
    fn default() -> Self {
        Found {
            outcome: Outcome::Skipped,
            reason: "nothing_to_say",
            warnings: Vec::new(),
            refusals: Vec::new(),
        }
    }
}

impl Found {
    /// The object is none of ours.
    pub(super) fn ignored(reason: &'static str) -> Found {
        Found { outcome: Outcome::Ignored, reason, ..Found::default() }
    }

    pub(super) fn refused(refusals: Vec<Refusal>) -> Found {
        let reason = refusals.first().map_or("unknown", |refusal| refusal.reason.slug());
        Found { outcome: Outcome::Denied, reason, refusals, ..Found::default() }
    }

    pub(super) fn told<N, O>(self, review: Request<'_, N, O>) -> Reply<'_> {
        let verdict = if self.refusals.is_empty() { Verdict::Allow } else { Verdict::Deny(&self.refusals) };
        let body = answer::write(&review.uid, verdict, &self.warnings);
        let decided = Record { warnings: self.warnings.len(), ..Record::of(self.outcome, self.reason) };
        Reply { body, record: review.record(None, decided) }
    }
}
