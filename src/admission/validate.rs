//! `/validate`: refuses a policy or a pattern that the loader would refuse, with the same messages.

use multipod_engine::inject::{DenyReason, Few, Refusal};
use multipod_engine::pattern::object::{Document, Kind};
use multipod_engine::pod::Meter;
use multipod_engine::policy::{Disagreement, Good, disagreements};
use multipod_json::{Raw, pointer};
use multipod_values::short;

use super::found::Found;
use super::mutate::in_time;
use super::review::Request;
use super::{Reply, ReviewError, Snapshot};

type Review<'a> = Request<'a, Option<Raw<'a>>, Option<Raw<'a>>>;

/// Longer ones are let pass with a warning: what is read strictly takes many times its size, and a mistake that arrives
/// lifts nothing.
const LONGEST: usize = 32 * 1024;

/// Answers a review of one of our objects. Whatever takes one away is allowed, and so is what leaves its spec alone.
pub fn validate<'a>(
    body: &'a [u8],
    snapshot: &Snapshot,
    meter: Option<&'a Meter<'a>>,
) -> Result<Reply<'a>, ReviewError> {
    let review = Review::read(body, meter)?;
    let found = match in_scope(&review, meter) {
        Ok((kind, text)) => about(kind, text, &review, snapshot),
        Err(reason) => Found::ignored(reason),
    };
    in_time(meter)?;
    Ok(found.told(review))
}

fn in_scope<'a>(review: &Review<'a>, meter: Option<&'a Meter<'a>>) -> Result<(Kind, &'a str), &'static str> {
    let kind = match (&*review.resource.group, &*review.resource.name) {
        ("multipod.dev", "injectionpolicies") => Kind::InjectionPolicy,
        ("multipod.dev", "patterns") => Kind::Pattern,
        _ => return Err("not_ours"),
    };
    if !review.sub_resource.is_empty() {
        return Err("subresource");
    }
    if !matches!(&*review.operation, "CREATE" | "UPDATE") {
        return Err("not_create");
    }
    let text = review.object.map(Raw::text).ok_or("no_object")?;
    if field(text, "/metadata/deletionTimestamp", meter).is_some_and(|time| time != "null") {
        return Err("terminating");
    }
    // What a controller notes in the metadata must go on, however wrong the spec is.
    let before = review.old_object.and_then(|before| field(before.text(), "/spec", meter));
    if before.is_some() && before == field(text, "/spec", meter) {
        return Err("same_spec");
    }
    Ok((kind, text))
}

fn field<'t>(object: &'t str, pointer: &str, meter: Option<&'t Meter<'t>>) -> Option<&'t str> {
    Some(pointer::find(meter, object, pointer).ok()??.text())
}

fn about(kind: Kind, text: &str, review: &Review<'_>, snapshot: &Snapshot) -> Found {
    if text.len() > LONGEST {
        let warning =
            format!("multipod looks at no more than {} KiB before an object is there", LONGEST / 1024);
        return Found { reason: "not_looked_at", warnings: vec![warning], ..Found::default() };
    }
    let Some(document) = Document::of_json(text, kind, &review.name) else { return Found::default() };
    let good = match Good::read(&document) {
        Ok((good, _)) => good,
        Err(problems) => {
            let mut told = Few::default();
            for problem in problems {
                told.tell(|| Refusal::new(DenyReason::PolicyInvalid, problem.to_string()));
            }
            return Found::refused(told.finish().0);
        }
    };
    match &good {
        Good::Pattern(pattern) => match snapshot.catalogue.get(&pattern.name) {
            Some(taken) if taken.built_in => {
                let message = format!("a pattern named {} is built in", pattern.name);
                Found::refused(vec![Refusal::new(DenyReason::PolicyInvalid, message)])
            }
            _ => Found::default(),
        },
        Good::Policy(policy) => {
            let all = disagreements(policy, &snapshot.policies);
            let (mut refusals, mut warnings) = (Few::default(), Few::default());
            for one in &all {
                if one.is_certain {
                    refusals.tell(|| Refusal::new(DenyReason::PolicyConflict, one.told(&policy.name)));
                } else {
                    warnings.tell(|| warning(&policy.name, one));
                }
            }
            let (refusals, warnings) = (refusals.finish().0, warnings.finish().0);
            let found = if refusals.is_empty() { Found::default() } else { Found::refused(refusals) };
            Found { warnings, ..found }
        }
    }
}

fn warning(policy: &str, one: &Disagreement<'_>) -> String {
    let (own, theirs) = (short(one.own_value), short(one.other_value));
    format!(
        "policies {policy} and {other} disagree on {what} where both are for a pod, which is refused then: \"{own}\" and \"{theirs}\"",
        other = one.other,
        what = one.what,
    )
}
