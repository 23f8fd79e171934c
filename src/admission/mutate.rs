//! `/mutate`: decides about a pod that is being created.

use multipod_engine::inject::{self, Decision, Injection, decide};
use multipod_engine::pattern::Context;
use multipod_engine::pod::{Field, Head, Meter, Text};

use super::answer::{self, Verdict};
use super::review::Request;
use super::{Outcome, Record, Reply, ReviewError, Snapshot};

type Review<'a> = Request<'a, Field<Head<'a>>>;

/// Answers a review of a pod, as long as there is time. Whatever is not the creation of a pod is allowed as it is.
pub fn mutate<'a>(
    body: &'a [u8],
    snapshot: &Snapshot,
    meter: Option<&'a Meter<'a>>,
) -> Result<Reply<'a>, ReviewError> {
    let review = Review::read(body, meter)?;
    if let Err(reason) = in_scope(&review) {
        return Ok(ignored(review, reason));
    }
    // A pod that is not there fits no selector, and must not pass for that.
    let head = review.object.value().ok_or(ReviewError::NoObject)?;
    if snapshot.must_wait_for(&review.namespace) {
        return Err(ReviewError::NotYet);
    }
    let context = Context { meter, ..snapshot.context(&review.namespace, None) };
    let decision = decide(head, &context, &snapshot.policies)?;
    in_time(meter)?;
    let (written, told) = told(&review.uid, &decision);
    let metadata = head.metadata.value();
    let owner_kind = metadata.and_then(|metadata| metadata.controller()).cloned();
    let name = metadata.map(|metadata| metadata.generate_name.clone()).unwrap_or_default();
    drop(decision);
    Ok(Reply {
        body: written,
        record: review.record(Some(owner_kind.unwrap_or_default()), Record { name, ..told }),
    })
}

/// What came of loops that have ended where they were is no decision.
pub(super) fn in_time(meter: Option<&Meter<'_>>) -> Result<(), ReviewError> {
    if meter.is_some_and(Meter::is_over) { Err(ReviewError::OutOfTime) } else { Ok(()) }
}

fn in_scope(review: &Review<'_>) -> Result<(), &'static str> {
    if !review.is_about_pods() {
        return Err("not_a_pod");
    }
    if !review.sub_resource.is_empty() {
        return Err("subresource");
    }
    if &*review.operation != "CREATE" {
        return Err("not_create");
    }
    Ok(())
}

fn ignored<'a>(review: Review<'a>, reason: &'static str) -> Reply<'a> {
    let body = answer::write(&review.uid, Verdict::Allow, &[]);
    Reply { body, record: review.record(None, Record::of(Outcome::Ignored, reason)) }
}

fn told(uid: &str, decision: &Decision<'_>) -> (Vec<u8>, Record<'static>) {
    let warnings = &decision.warnings;
    let (body, record) = match &decision.verdict {
        inject::Verdict::Skip(reason) => {
            (answer::write(uid, Verdict::Allow, warnings), Record::of(Outcome::Skipped, reason.slug()))
        }
        inject::Verdict::Deny(refusals) => {
            let reason = refusals.first().map_or("unknown", |refusal| refusal.reason.slug());
            (answer::write(uid, Verdict::Deny(refusals), warnings), Record::of(Outcome::Denied, reason))
        }
        inject::Verdict::Inject(injection) => {
            let Injection { plan, patch } = &**injection;
            let record = Record {
                patterns: plan.parts.iter().map(|part| part.name.clone()).collect(),
                patch_bytes: patch.json().len(),
                ..Record::of(Outcome::Injected, "injected")
            };
            (answer::write(uid, Verdict::Patch(patch.json()), warnings), record)
        }
    };
    let audits = decision.resolution.iter().flat_map(|resolution| &resolution.audited);
    let mut audited: Vec<String> = audits.map(|audit| audit.policy.to_owned()).collect();
    audited.sort_unstable();
    audited.dedup();
    let matched = decision.resolution.iter().flat_map(|resolution| &resolution.matched);
    let policies = matched.map(|policy| policy.name.clone()).collect();
    (body, Record { warnings: warnings.len(), policies, audited, ..record })
}

impl Record<'static> {
    pub(super) fn of(outcome: Outcome, reason: &'static str) -> Self {
        Record {
            uid: Text::default(),
            namespace: Text::default(),
            name: Text::default(),
            owner_kind: Text::default(),
            outcome,
            reason,
            dry_run: false,
            patterns: Vec::new(),
            policies: Vec::new(),
            audited: Vec::new(),
            patch_bytes: 0,
            warnings: 0,
        }
    }
}
