//! What stands in the way of policies. Those that skip such pods are left out, one after the other, and the pod is decided
//! about as if they set nothing: what it asks for itself, and what others set, it gets all the same.

use crate::annotation::Key;
use crate::policy::{Resolution, Workload};

use super::few::{Refusals, Warnings};
use super::{DenyReason, Refusal, SkipReason};

/// A policy that skips the pod, and what stands in its way.
#[derive(Clone, Debug)]
pub struct LeftOut<'a> {
    pub policy: &'a str,
    pub obstacle: Refusal,
}

/// The policies that skip a pod with these obstacles: those that have set a key that one of them is about, or else, because
/// an obstacle may be about somebody else's key, all that would skip it.
pub(super) fn skipping<'a>(resolution: &Resolution<'a>, obstacles: &Refusals) -> Vec<LeftOut<'a>> {
    let of = |whose: &dyn Fn(Key) -> Option<Refusal>| {
        let mut left_out: Vec<LeftOut<'a>> = Vec::new();
        for (policy, effective) in resolution.yielding() {
            let policy = policy.name.as_str();
            let obstacle =
                whose(effective.key).filter(|_| left_out.iter().all(|other| other.policy != policy));
            left_out.extend(obstacle.map(|obstacle| LeftOut { policy, obstacle }));
        }
        left_out
    };
    let about = |key: Key| obstacles.iter().find(|obstacle| obstacle.is_for(key.full())).cloned();
    let named = of(&about);
    if named.is_empty() { of(&|_| obstacles.iter().next().cloned()) } else { named }
}

/// Nobody is skipped without a word.
pub(super) fn told(left_out: &[LeftOut<'_>], workload: Workload<'_>) -> Warnings {
    let mut warnings = Warnings::default();
    for LeftOut { policy, obstacle } in left_out {
        warnings.tell(|| {
            format!(
                "policy {policy} is skipped for {workload} ({}): {}",
                obstacle.reason.slug(),
                obstacle.in_short()
            )
        });
    }
    warnings
}

/// Why a pod stays as it is for which nothing is left.
pub(super) fn reason(left_out: &[LeftOut<'_>]) -> Option<SkipReason> {
    left_out.first().map(|first| match first.obstacle.reason {
        DenyReason::HostNetwork => SkipReason::HostNetwork,
        DenyReason::Windows => SkipReason::Windows,
        _ => SkipReason::Obstacle,
    })
}
