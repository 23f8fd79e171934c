//! `/warn`: warnings about a workload when a user applies it, before its pods exist.

use serde::Deserialize;

use multipod_engine::annotation::key::PREFIX;
use multipod_engine::inject::{DenyReason, Few, Verdict as Decided, decide};
use multipod_engine::pattern::Context;
use multipod_engine::pod::{Field, Head, Meter, Owners, Pairs, Place, Text};
use multipod_json::{Budget, Raw, pointer, read_within};
use multipod_values::short;

use super::found::Found;
use super::mutate::in_time;
use super::review::Request;
use super::{Outcome, Reply, ReviewError, Snapshot, WarnMode};

type Review<'a> = Request<'a, Option<Raw<'a>>, Option<Raw<'a>>>;

/// Answers a review of a Deployment or any other object that makes pods: allowed, with warnings about annotations that
/// do nothing where they stand or that will be refused on the pods.
pub fn warn<'a>(
    body: &'a [u8],
    snapshot: &Snapshot,
    meter: Option<&'a Meter<'a>>,
) -> Result<Reply<'a>, ReviewError> {
    let review = Review::read(body, meter)?;
    let found = match in_scope(&review, meter) {
        Ok(object) => about(&object, &review, snapshot, meter),
        Err(reason) => Found::ignored(reason),
    };
    in_time(meter)?;
    Ok(found.told(review))
}

/// An object that makes pods: what tells whether it is for us. Its pods stay text until they are.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Workload<'a> {
    #[serde(borrow, default)]
    api_version: Text<'a>,
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    metadata: Field<Metadata<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow, default)]
    owner_references: Field<Owners<'a>>,
    #[serde(borrow, default)]
    deletion_timestamp: Field<Raw<'a>>,
}

/// An object as text, what it is, and where its pods sit.
struct Object<'a> {
    text: &'a str,
    kind: Text<'a>,
    place: Option<Place>,
}

fn in_scope<'a>(review: &Review<'a>, meter: Option<&'a Meter<'a>>) -> Result<Object<'a>, &'static str> {
    if !review.sub_resource.is_empty() {
        return Err("subresource");
    }
    if !matches!(&*review.operation, "CREATE" | "UPDATE") {
        return Err("not_create");
    }
    let text = review.object.map(Raw::text).ok_or("no_object")?;
    let workload: Workload<'a> = read_within(Budget::NONE, meter, text).map_err(|_| "no_object")?;
    if let Some(metadata) = workload.metadata.value() {
        if metadata.owner_references.value().is_some_and(|owners| owners.controller().is_some()) {
            // What a controller made from something else: nobody would read the warning, and the cause had its own.
            return Err("controlled");
        }
        if metadata.deletion_timestamp.value().is_some() {
            return Err("terminating");
        }
    }
    let place = Place::of(&workload.api_version, &workload.kind);
    Ok(Object { text, kind: workload.kind, place })
}

fn about<'a>(
    object: &Object<'a>,
    review: &Review<'a>,
    snapshot: &Snapshot,
    meter: Option<&'a Meter<'a>>,
) -> Found {
    let Some(place) = object.place.filter(|place| !place.pointer.is_empty()) else {
        return Found::ignored("no_pod_template");
    };
    let mut found = Found { warnings: misplaced(object, place, meter), ..Found::default() };
    if !found.warnings.is_empty() {
        found.reason = "misplaced";
    }
    let Some(template) = template(object.text, place, meter) else { return found };
    // The API server checks the rest of the template itself.
    let Ok(head) = read_within::<Head<'_>>(Budget::NONE, meter, template) else { return found };
    let owner = place.owner_kind.map(|kind| (kind, &*review.name));
    let context = Context { meter, ..snapshot.context(&review.namespace, owner) };
    // A mistake of ours, or what is not known yet, counts when a pod is made.
    let Ok(decision) = decide(&head, &context, &snapshot.policies) else { return found };
    found.warnings.extend(decision.warnings);
    let Decided::Deny(mut refusals) = decision.verdict else { return found };
    // A namespace may get the labels that a policy asks for before the first pod is made, or may not be known yet.
    let is_new = snapshot.must_wait_for(&review.namespace);
    refusals.retain(|refusal| match refusal.reason {
        DenyReason::PolicyUndecided => false,
        DenyReason::ConditionFailed => !is_new,
        _ => true,
    });
    let Some(first) = refusals.first() else { return found };
    found.reason = first.reason.slug();
    if snapshot.warn == WarnMode::Deny && has_changed(template, place, review, meter) {
        found.outcome = Outcome::Denied;
        found.refusals = refusals;
    } else {
        let told =
            refusals.iter().map(|refusal| format!("its pods will be refused: {}", refusal.on_one_line()));
        found.warnings.extend(told);
    }
    found
}

/// The pod template, as it stands in the object.
fn template<'a>(object: &'a str, place: Place, meter: Option<&'a Meter<'a>>) -> Option<&'a str> {
    let found = pointer::find(meter, object, place.pointer).ok()??.text();
    found.starts_with('{').then_some(found)
}

/// Scaling, labelling or deleting what was there before must go on working, however wrong its template is. An API server
/// writes what is equal in equal bytes.
fn has_changed<'a>(
    template_now: &str,
    place: Place,
    review: &Review<'a>,
    meter: Option<&'a Meter<'a>>,
) -> bool {
    review.old_object.and_then(|before| template(before.text(), place, meter)) != Some(template_now)
}

/// Annotations beside the template instead of in it, and labels: they never become annotations of a pod.
fn misplaced<'a>(object: &Object<'a>, place: Place, meter: Option<&'a Meter<'a>>) -> Vec<String> {
    let template = place.pointer.trim_start_matches('/').replace('/', ".");
    let kind = &*object.kind;
    let mut told = Few::default();
    let mut tell = |pointer: &str, what: &dyn Fn(&str) -> String| {
        let Ok(Some(pairs)) = pointer::find(meter, object.text, pointer) else { return };
        let Ok(pairs) = read_within::<Field<Pairs<'_>>>(Budget::NONE, meter, pairs.text()) else { return };
        for (key, _) in pairs.pairs().iter().filter(|(key, _)| key.starts_with(PREFIX)) {
            told.tell(|| format!("{}: put it under {template}.metadata.annotations", what(&short(key))));
        }
    };
    for pointer in place.beside() {
        tell(pointer, &|key| format!("{key} stands on the {kind} itself and never reaches its pods"));
    }
    for pointer in ["/metadata/labels", &*format!("{}/metadata/labels", place.pointer)] {
        tell(pointer, &|key| format!("{key} is a label here, and multipod reads annotations"));
    }
    told.finish().0
}
