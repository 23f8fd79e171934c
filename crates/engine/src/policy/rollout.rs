//! How far a policy is rolled out: to which workloads, of all that it is for.

use std::fmt;

use crate::pattern::Context;
use multipod_values::short;

use super::owner::controller_of;

/// Of how many workloads in a hundred a policy is for so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout {
    percent: u8,
}

/// All pods of one workload are in or out together, from one version of it to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload<'a> {
    namespace: &'a str,
    /// What its pods name as their controller, so that it is the same in a manifest and in a cluster.
    kind: &'a str,
    name: &'a str,
}

impl Default for Rollout {
    fn default() -> Self {
        Rollout { percent: 100 }
    }
}

impl Rollout {
    pub(super) fn to(percent: u8) -> Rollout {
        Rollout { percent }
    }

    pub fn percent(self) -> u8 {
        self.percent
    }

    /// Whether it is for all workloads.
    pub fn is_complete(self) -> bool {
        self.percent >= 100
    }

    /// Whether the policy with this name is for a workload. Whoever is in stays in while the percentage rises, and two
    /// policies do not begin with the same workloads.
    pub(super) fn reaches(self, policy: &str, workload: Workload<'_>) -> bool {
        self.is_complete() || workload.part(policy) < u64::from(self.percent)
    }
}

impl<'a> Workload<'a> {
    /// The workload of a pod.
    pub(crate) fn of(context: &Context<'a>) -> Self {
        let kind = controller_of(context.owner_kind.unwrap_or("Pod"));
        let name = context.owner_name.unwrap_or_default();
        let name = match name.rsplit_once('-') {
            Some((name, time)) if kind == "Job" && is_time(time) => name,
            _ => name,
        };
        Workload { namespace: context.namespace, kind, name }
    }

    /// Its place among a hundred, by the hash FNV-1a, whose last bits are mixed once more. It never changes from one version
    /// of multipod to the next: that would move policies from some workloads to others.
    fn part(self, policy: &str) -> u64 {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for text in [policy, self.namespace, self.kind, self.name] {
            for byte in text.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        (hash ^ (hash >> 33)) % 100
    }
}

/// A `CronJob` puts the minutes since 1970 behind the names of its Jobs.
fn is_time(text: &str) -> bool {
    (8..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Rollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent)
    }
}

impl fmt::Display for Workload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} in namespace {}", short(self.kind), short(self.name), short(self.namespace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(name: &str) -> Workload<'_> {
        Workload { namespace: "shop", kind: "ReplicaSet", name }
    }

    #[test]
    fn the_parts_of_workloads_never_change() {
        let parts = ["web", "api", "db", "cache", "queue"].map(|name| workload(name).part("trial"));
        assert_eq!(parts, [97, 19, 5, 1, 47]);
    }

    #[test]
    fn as_many_workloads_are_in_as_the_percentage_says() {
        let names: Vec<String> = (0..10_000).map(|at| format!("app-{at}")).collect();
        for percent in [0, 1, 10, 50, 90, 99, 100] {
            let rollout = Rollout::to(percent);
            let reached = names.iter().filter(|name| rollout.reaches("trial", workload(name))).count();
            let expected = usize::from(percent) * 100;
            assert!(reached.abs_diff(expected) <= 200, "{percent}: {reached}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_higher_percentage_only_ever_adds(policy in "[a-z]{1,8}", name in "[a-z0-9-]{0,12}", low in 0u8..=100, more in 0u8..=100) {
            let reaches = |percent: u8| Rollout::to(percent.min(100)).reaches(&policy, workload(&name));
            proptest::prop_assert!(!reaches(low) || reaches(low + more));
            proptest::prop_assert!(!reaches(0) && reaches(100));
        }
    }
}
