//! What people should know about a workload when they apply it, long before its pods are made.

use serde_json::Value;

use crate::annotation::key::PREFIX;
use crate::inject::{DenyReason, Refusal, Verdict as Decided, decide};
use crate::pod::{Head, Object, objects};
use multipod_json::Raw;

use super::answer::{self, Verdict};
use super::review::Request;
use super::{Outcome, Record, Reply, ReviewError, Snapshot, WarnMode};

type Review<'a> = Request<'a, Option<Raw<'a>>, Option<Raw<'a>>>;

/// Answers a review of a Deployment or any other object that makes pods: allowed, with warnings about annotations that
/// do nothing where they stand or that will be refused on the pods.
pub fn warn<'a>(body: &'a [u8], snapshot: &Snapshot) -> Result<Reply<'a>, ReviewError> {
    let review = Review::read(body)?;
    let found = match in_scope(&review) {
        Ok(object) => about(&object, &review, snapshot),
        Err(reason) => Found { outcome: Outcome::Ignored, reason, ..Found::default() },
    };
    let verdict =
        if found.outcome == Outcome::Denied { Verdict::Deny(&found.refusals) } else { Verdict::Allow };
    let body = answer::write(&review.uid, verdict, &found.warnings);
    let decided = Record { warnings: found.warnings.len(), ..Record::of(found.outcome, found.reason) };
    Ok(Reply { body, record: review.record(None, decided) })
}

fn in_scope(review: &Review<'_>) -> Result<Value, &'static str> {
    if !review.sub_resource.is_empty() {
        return Err("subresource");
    }
    if !matches!(&*review.operation, "CREATE" | "UPDATE") {
        return Err("not_create");
    }
    let object =
        review.object.and_then(|raw| serde_json::from_str::<Value>(raw.text()).ok()).ok_or("no_object")?;
    if is_controlled(&object) {
        // What a controller made from something else: nobody would read the warning, and the cause had its own.
        return Err("controlled");
    }
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Err("terminating");
    }
    Ok(object)
}

fn is_controlled(object: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.into_iter().flatten().any(|owner| owner["controller"] == true)
}

struct Found {
    outcome: Outcome,
    reason: &'static str,
    warnings: Vec<String>,
    refusals: Vec<Refusal>,
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

fn about(document: &Value, review: &Review<'_>, snapshot: &Snapshot) -> Found {
    let found = objects(document);
    let Some(object) =
        found.first().filter(|object| object.place.is_some_and(|place| !place.pointer.is_empty()))
    else {
        return Found { outcome: Outcome::Ignored, reason: "no_pod_template", ..Found::default() };
    };
    let mut found = Found { warnings: misplaced(object), ..Found::default() };
    if !found.warnings.is_empty() {
        found.reason = "misplaced";
    }
    let Some((_, template)) = object.template() else { return found };
    let json = template.to_string();
    // The API server checks the rest of the template itself.
    let Ok(head) = Head::read(&json) else { return found };
    let owner_kind = object.place.and_then(|place| place.owner_kind);
    let context = snapshot.context(&review.namespace, owner_kind);
    // A mistake of ours is told where it counts: when a pod is made.
    let Ok(decision) = decide(&head, &context, &snapshot.policies) else { return found };
    found.warnings.extend(decision.warnings);
    let Decided::Deny(mut refusals) = decision.verdict else { return found };
    // A namespace may get the labels that a policy asks for before the first pod is made.
    refusals.retain(|refusal| refusal.reason != DenyReason::PolicyUndecided);
    let Some(first) = refusals.first() else { return found };
    found.reason = first.reason.slug();
    if snapshot.warn == WarnMode::Deny && is_new(template, object, review) {
        found.outcome = Outcome::Denied;
        found.refusals = refusals;
    } else {
        let told = refusals.iter().map(|refusal| format!("its pods will be refused: {refusal}"));
        found.warnings.extend(told);
    }
    found
}

/// Scaling, labelling or deleting what was there before must go on working, however wrong its template is.
fn is_new(template: &Value, object: &Object<'_>, review: &Review<'_>) -> bool {
    let before = review.old_object.and_then(|raw| serde_json::from_str::<Value>(raw.text()).ok());
    let pointer = object.place.map_or("", |place| place.pointer);
    before.as_ref().and_then(|before| before.pointer(pointer)) != Some(template)
}

/// Annotations beside the template instead of in it, which never reach a pod.
fn misplaced(object: &Object<'_>) -> Vec<String> {
    let Some(place) = object.place else { return Vec::new() };
    let template = place.pointer.trim_start_matches('/').replace('/', ".");
    let keys = place.beside().iter().flat_map(|pointer| {
        let annotations = object.value.pointer(pointer).and_then(Value::as_object);
        annotations.into_iter().flatten().map(|(key, _)| key).filter(|key| key.starts_with(PREFIX))
    });
    keys.map(|key| {
        format!(
            "{key} stands on the {kind} itself and never reaches its pods: put it under \
             {template}.metadata.annotations",
            kind = object.kind
        )
    })
    .collect()
}
