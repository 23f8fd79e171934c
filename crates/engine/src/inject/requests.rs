//! From winning values to fragments.

use crate::annotation::settings::Settings as Asked;
use crate::annotation::{Diagnostic, Problem, Source};
use crate::pattern::task::Task;
use crate::pattern::{Context, Fragment, Request};
use crate::pod::Pod;
use crate::policy::{Effective, Resolution};

use super::few::Refusals;
use super::{DenyReason, Refusal};

/// The fragments of all values, in the order of the keys; what is wrong with them goes to `refusals`.
pub(super) fn fragments(
    resolution: &Resolution<'_>,
    pod: &Pod<'_>,
    context: &Context<'_>,
    refusals: &mut Refusals,
) -> Vec<Fragment> {
    let mut all = Vec::with_capacity(resolution.effective.len());
    for effective in &resolution.effective {
        let context = context_of(effective, resolution, context);
        let found = match effective.request {
            Some(request) => of_request(request, effective, pod, &context, resolution),
            None => Request::parse(effective.key, effective.value)
                .and_then(|request| of_request(&request, effective, pod, &context, resolution)),
        };
        match found {
            Ok((fragments, refusal)) => {
                all.extend(fragments);
                refusals.extend(refusal);
            }
            Err(problems) => refusals.extend(problems.into_iter().map(|problem| {
                Refusal::of(Diagnostic::of(effective.key, effective.source.clone(), effective.value, problem))
            })),
        }
    }
    all
}

/// What the containers of all values do for those of the app, in the order of the keys.
pub fn tasks(resolution: &Resolution<'_>, pod: &Pod<'_>, context: &Context<'_>) -> Vec<Task> {
    let of_value = |effective: &Effective<'_>| {
        let context = context_of(effective, resolution, context);
        match effective.request {
            Some(request) => request.tasks(pod, &context),
            None => Request::parse(effective.key, effective.value)
                .map_or_else(|_| Vec::new(), |request| request.tasks(pod, &context)),
        }
    };
    resolution.effective.iter().flat_map(of_value).collect()
}

/// What the policies of a pod give a meaning, and which containers whoever says this value means.
fn context_of<'c>(
    effective: &Effective<'c>,
    resolution: &'c Resolution<'c>,
    context: &Context<'c>,
) -> Context<'c> {
    Context {
        upstreams: &resolution.upstreams,
        destinations: &resolution.destinations,
        containers: effective.containers,
        ..*context
    }
}

fn of_request(
    request: &Request<'_>,
    effective: &Effective<'_>,
    pod: &Pod<'_>,
    context: &Context<'_>,
    resolution: &Resolution<'_>,
) -> Result<(Vec<Fragment>, Option<Refusal>), Vec<Problem>> {
    let fragments = request.fragments(pod, context)?;
    Ok((fragments, out_of_bounds(effective, request.settings(), resolution)))
}

/// Policies bound what pods and namespaces ask for, not what policies themselves set.
fn out_of_bounds(
    effective: &Effective<'_>,
    asked: Option<&Asked>,
    resolution: &Resolution<'_>,
) -> Option<Refusal> {
    if matches!(effective.source, Source::Policy(_)) {
        return None;
    }
    resolution.bounds.iter().find_map(|(policy, bounds)| {
        let chosen = asked.map_or(Ok(()), |asked| {
            bounds.check(asked.image.as_deref(), asked.cpu.as_ref(), asked.memory.as_ref())
        });
        let why = bounds.check_key(effective.key).and(chosen).err()?;
        let message = format!("{}: policy {policy} does not allow this: {why}", effective.key.full());
        Some(Refusal::new(DenyReason::OutOfBounds, message).about(effective.key.full()))
    })
}
