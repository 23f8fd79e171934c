//! Names that a pod asks for and no policy gives it: which policies give them to others. The webhook tells nobody what is
//! for others; whoever has the files knows them.

use multipod_engine::pattern::Context;
use multipod_engine::pod::Head;
use multipod_engine::policy::{Mode, Policies, Policy};

/// More would hide the message.
const MOST: usize = 3;

/// A line for each policy that defines the `@NAME` in a part of a value, and is not for this pod.
pub(super) fn elsewhere(
    part: &str,
    head: &Head<'_>,
    context: &Context<'_>,
    policies: &Policies,
) -> Vec<String> {
    let Some((_, name)) = part.split_once('@') else { return Vec::new() };
    let context = context.of_pod(head);
    let defines = |policy: &&Policy| {
        policy.upstreams.iter().any(|named| named.name == name)
            || policy.destinations.iter().any(|named| named.name == name)
    };
    let why = |policy: &Policy| match policy.mismatch(&context, head.labels()) {
        Ok(Some(mismatch)) => Some(mismatch.to_string()),
        Err(undecided) => Some(format!("that cannot be told: {undecided}")),
        Ok(None) => (policy.mode == Mode::Audit).then(|| "its mode is audit".to_owned()),
    };
    let found = policies.iter().filter(defines).filter_map(|policy| {
        why(policy)
            .map(|why| format!("Policy {} defines @{name}, and is not for this pod: {why}", policy.name))
    });
    found.take(MOST).collect()
}
