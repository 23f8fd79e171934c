//! Policies of which it cannot be told whether they are for a pod: each is told once, however many pods there are, because
//! what is missing is missing for all of them.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::Finding;

/// What stands between the name of the policy and the reason.
const IS_FOR: &str = " is for this pod";

/// Leaves the first finding about each policy, which says how many more pods there are.
pub(super) fn once(findings: &mut Vec<Finding>) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    findings.retain(|finding| {
        let Some(policy) = policy(finding) else { return true };
        let count = counts.entry(policy).or_default();
        *count += 1;
        *count == 1
    });
    for finding in findings {
        let more = policy(finding).and_then(|policy| counts.get(&policy)).map_or(0, |count| count - 1);
        if more > 0 {
            let plural = if more == 1 { "" } else { "s" };
            // Writing to a string cannot fail.
            let _ = write!(finding.message, "\nThe same is so for {more} more pod{plural}");
        }
    }
}

/// The policy that a finding is about, with what to do about it.
fn policy(finding: &Finding) -> Option<String> {
    let (policy, _) = finding.title().split_once(IS_FOR)?;
    let cure = finding.details().collect::<String>();
    policy.starts_with("it cannot be told whether policy ").then(|| policy.to_owned() + &cure)
}
