//! Whether what is added fits into the resources that a pod has as a whole (`spec.resources`).
//!
//! The API server refuses a pod whose containers together request more than the pod, and one with a container whose
//! limit is above that of the pod. Where a pod says only limits, it has set the pod's requests to what the containers
//! request before anybody asks us, so that nothing more fits.

use crate::annotation::settings::Sidecar;
use crate::pattern::container::{Amounts, Container};
use crate::pattern::{Addition, Role};
use crate::pod::{self, Pod};
use multipod_values::{Resource, quantity};

use super::amounts::{RESOURCES, Written};
use super::plan::Plan;
use super::{DenyReason, Refusal};

const NATIVE: Role = Role::Sidecar(Some(Sidecar::Native));
const CLASSIC: Role = Role::Sidecar(Some(Sidecar::Classic));

/// Told once for each resource that is short.
pub(super) fn lacking(plan: &Plan, pod: &Pod<'_>) -> Vec<Refusal> {
    let whole = pod.spec.resources.value().and_then(|raw| Written::read(raw.text()));
    let Some(whole) = whole else { return Vec::new() };
    let short = RESOURCES.into_iter().filter_map(|resource| {
        let name = name_of(resource);
        let (message, field, least) = requests(plan, pod, resource, whole.requests.of(resource))
            .or_else(|| limits(plan, resource, whole.limits.of(resource)))?;
        let least = quantity::show(least, resource);
        let advice =
            format!("Set spec.resources.{field}.{name} to {least} or more, or ask for less ({name}=…)");
        Some(Refusal::new(DenyReason::PodResources, format!("{message}\n{advice}")))
    });
    short.collect()
}

/// What is wrong, in which field, and how much would do.
type Short = (String, &'static str, u64);

fn requests(plan: &Plan, pod: &Pod<'_>, resource: Resource, has: Option<u64>) -> Option<Short> {
    let has = has?;
    let mut beside = theirs(pod.spec.containers.items(), resource)?;
    let mut first = theirs(pod.spec.init_containers.items(), resource)?;
    if most_at_one_time(&beside, &first) > has {
        // It would be refused without us too.
        return None;
    }
    let ours = |role: Role| -> Vec<Request> {
        let native = role == NATIVE;
        let milli = |new: &Addition| own_request(&new.container, resource);
        plan.in_role(role).map(|new| Request { native, milli: milli(new) }).collect()
    };
    first.splice(plan.sidecars_at..plan.sidecars_at, ours(NATIVE));
    first.splice(plan.steps_at..plan.steps_at, ours(Role::Step));
    beside.extend(ours(CLASSIC));
    let needed = most_at_one_time(&beside, &first);
    (needed > has).then(|| {
        let message = format!(
            "the pod as a whole requests {} of {} (spec.resources), and its containers would request {} with those of \
             multipod",
            quantity::show(has, resource),
            name_of(resource),
            quantity::show(needed, resource),
        );
        (message, "requests", needed)
    })
}

/// Only ordinary containers are held to it.
fn limits(plan: &Plan, resource: Resource, has: Option<u64>) -> Option<Short> {
    let has = has?;
    let classic = plan.in_role(CLASSIC).map(|new| &new.container);
    let limited = classic.filter_map(|one| Some((own(&one.resources.limits, resource)?, &one.name)));
    let (limit, name) = limited.max().filter(|(limit, _)| *limit > has)?;
    let message = format!(
        "the pod as a whole is limited to {} of {} (spec.resources), and container {name} would have a limit of {}",
        quantity::show(has, resource),
        name_of(resource),
        quantity::show(limit, resource),
    );
    Some((message, "limits", limit))
}

/// What one container requests.
#[derive(Clone, Copy, Debug)]
struct Request {
    native: bool,
    milli: u64,
}

/// As the scheduler counts: all that runs beside each other, or a step and the sidecars before it.
fn most_at_one_time(beside: &[Request], first: &[Request]) -> u64 {
    let (mut sidecars, mut most) = (0_u64, 0);
    for request in first {
        let now = sidecars.saturating_add(request.milli);
        most = most.max(now);
        if request.native {
            sidecars = now;
        }
    }
    most.max(beside.iter().fold(sidecars, |sum, request| sum.saturating_add(request.milli)))
}

/// None where an amount cannot be read.
fn theirs(containers: &[pod::Container<'_>], resource: Resource) -> Option<Vec<Request>> {
    let request = |one: &pod::Container<'_>| {
        let milli = match one.resources.value() {
            None => 0,
            Some(raw) => Written::read(raw.text())?.request(resource).unwrap_or_default(),
        };
        Some(Request { native: one.is_native_sidecar(), milli })
    };
    containers.iter().map(request).collect()
}

fn own_request(container: &Container, resource: Resource) -> u64 {
    let resources = &container.resources;
    own(&resources.requests, resource).or_else(|| own(&resources.limits, resource)).unwrap_or_default()
}

fn own(amounts: &Amounts, resource: Resource) -> Option<u64> {
    let amount = match resource {
        Resource::Cpu => &amounts.cpu,
        Resource::Memory => &amounts.memory,
    };
    amount.as_ref().and_then(|amount| quantity::thousandths(amount.0.as_str(), resource).ok())
}

fn name_of(resource: Resource) -> &'static str {
    match resource {
        Resource::Cpu => "cpu",
        Resource::Memory => "memory",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_as_the_scheduler_counts_them() {
        let (once, sidecar) =
            (|milli| Request { native: false, milli }, |milli| Request { native: true, milli });
        for (beside, first, expected) in [
            (vec![once(10), once(20)], vec![], 30),
            (vec![once(10)], vec![once(50)], 50),
            (vec![once(10)], vec![sidecar(5), once(50), sidecar(7)], 55),
            (vec![once(50)], vec![sidecar(5), once(50), sidecar(7)], 62),
            (vec![], vec![], 0),
            (vec![once(u64::MAX)], vec![sidecar(1)], u64::MAX),
        ] {
            assert_eq!(most_at_one_time(&beside, &first), expected, "{beside:?} {first:?}");
        }
    }
}
