//! What an earlier injection has recorded, held against what would be done now. For files, on a person's own request.

use serde_json::Value;

use crate::annotation::Source;
use crate::annotation::key::STATUS;
use crate::pattern::Change;

use super::SkipReason;
use super::decide::{Decision, Verdict};
use super::plan::Plan;
use super::status::{Entry, Status};

/// The record in a pod that an earlier injection has left.
#[derive(Debug)]
pub struct Record<'r>(Status<'r>);

impl<'r> Record<'r> {
    /// The record of a pod, if it has one that can be read.
    pub fn of(pod: &'r Value) -> Option<Record<'r>> {
        let text = pod["metadata"]["annotations"][STATUS].as_str()?;
        Status::read(text).ok().map(Record)
    }

    /// Whether what it names is in the way of a decision, or is of no use to it any more.
    pub fn is_outdated(&self, decision: &Decision<'_>) -> bool {
        let changes = match (&decision.verdict, plan(decision)) {
            // What stands in the way may be what was added before.
            (Verdict::Deny(_) | Verdict::Skip(SkipReason::Obstacle), _) => return true,
            (_, Some(plan)) => &*plan.changes,
            (Verdict::Skip(SkipReason::NotRequested | SkipReason::OptedOut), None) => &[],
            // What nothing is done to keeps what it has.
            (_, None) => return false,
        };
        let is_wanted = |(kind, entry): &(_, Entry<'_>)| {
            changes.iter().any(|new| new.change.kind() == *kind && is_for(entry, &new.change))
        };
        !self.0.all().iter().all(is_wanted)
    }

    /// Whether everybody who asked for something still asks, but for the pod itself: its own annotations are in sight, and
    /// the policies of a cluster may not be.
    pub fn is_by_those_who_ask(&self, decision: &Decision<'_>) -> bool {
        let parts = plan(decision).map_or(&[][..], |plan| &plan.parts);
        let mut asked = self.0.asked().filter(|(_, source)| *source != Source::Pod.text());
        asked.all(|(pattern, source)| {
            parts.iter().any(|part| *part.name == *pattern && part.source.text() == source)
        })
    }
}

fn plan<'d>(decision: &'d Decision<'_>) -> Option<&'d Plan> {
    match &decision.verdict {
        Verdict::Inject(injection) => Some(&injection.plan),
        Verdict::Skip(_) | Verdict::Deny(_) => decision.standing.as_deref(),
    }
}

fn is_for(entry: &Entry<'_>, change: &Change) -> bool {
    match entry {
        Entry::Named(name) | Entry::InApp(_, name) => **name == *change.name(),
        Entry::Set => true,
    }
}
