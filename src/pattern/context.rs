//! What a pattern may know besides its request and the pod.

use super::{Catalogue, Settings};

/// The surroundings of one pod.
#[derive(Debug)]
pub struct Context<'a> {
    /// The namespace that the pod will be in.
    pub namespace: &'a str,
    /// The cluster's settings.
    pub settings: &'a Settings,
    /// The patterns that are defined by files: adapters, and the administrator's own.
    pub catalogue: &'a Catalogue,
    /// Hosts that policies name for this pod: `HOST:PORT`.
    pub upstreams: Names<'a>,
    /// Log destinations that policies name for this pod: `otlp://HOST:PORT`…
    pub destinations: Names<'a>,
    /// Whether the platform assigns users, so that containers name none.
    pub users_assigned: bool,
}

/// Names that policies give a meaning in this namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names<'a> {
    /// Strongest policies first.
    pub entries: Vec<Name<'a>>,
}

/// One name, from one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Name<'a> {
    /// What people write behind `@`.
    pub name: &'a str,
    /// What it stands for.
    pub value: &'a str,
    /// The policy that says so.
    pub policy: &'a str,
    /// Whether that policy is enforced, and so beats one that is not.
    pub enforced: bool,
}

impl<'a> Names<'a> {
    /// What `name` stands for here; the error is what was expected instead.
    pub fn resolve(&self, name: &str) -> Result<&'a str, String> {
        let mut found = self.entries.iter().filter(|entry| entry.name == name);
        let Some(first) = found.next() else {
            return Err(self.unknown());
        };
        match found.find(|other| other.enforced == first.enforced && other.value != first.value) {
            Some(other) => Err(format!(
                "policies {} and {} disagree: @{name} is {} or {}",
                first.policy, other.policy, first.value, other.value
            )),
            None => Ok(first.value),
        }
    }

    fn unknown(&self) -> String {
        if self.entries.is_empty() {
            return "no policy for this pod gives one; on the command line, --policy-dir says where policies are".to_owned();
        }
        let mut names: Vec<&str> = self.entries.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        format!("policies name here: @{}", names.join(", @"))
    }
}
