//! Policies: what applies to which pod, and who wins.

use crate::annotation::{Diagnostic, Key, Source};
use crate::pattern::Names;
use crate::pod::{Scalar, Text};

/// Every policy that is in force.
#[derive(Debug, Default)]
pub struct Policies {}

/// The pod that policies are matched against.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The namespace that the pod will be in.
    pub namespace: &'a str,
    /// Its labels.
    pub namespace_labels: &'a [(String, String)],
    /// Its annotations.
    pub namespace_annotations: &'a [(String, String)],
    /// The pod's labels.
    pub pod_labels: &'a [(Text<'a>, Scalar<'a>)],
    /// The kind of the controller that made the pod.
    pub owner_kind: Option<&'a str>,
}

/// What is asked for in the end.
#[derive(Debug, Default)]
pub struct Resolution<'a> {
    /// The winning values.
    pub effective: Vec<Effective<'a>>,
    /// What lost.
    pub overridden: Vec<Overridden<'a>>,
    /// What audit policies would have set.
    pub audited: Vec<Audited<'a>>,
    /// What was declined.
    pub opted_out: Vec<(Key, Source)>,
    /// What pods may choose.
    pub bounds: Vec<(&'a str, &'a Bounds)>,
    /// Names of hosts.
    pub upstreams: Names<'a>,
    /// Names of log destinations.
    pub destinations: Names<'a>,
}

/// One winning value.
#[derive(Debug)]
pub struct Effective<'a> {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: &'a str,
    /// Who set it.
    pub source: Source,
    /// Whether nothing may override it.
    pub enforced: bool,
}

/// What lost.
#[derive(Debug)]
pub struct Overridden<'a> {
    /// The key.
    pub key: Key,
    /// Who won.
    pub by: Source,
    /// Who lost.
    pub whose: Source,
    /// The value that lost.
    pub value: &'a str,
}

/// What an audit policy would have set.
#[derive(Debug)]
pub struct Audited<'a> {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: &'a str,
    /// The policy.
    pub policy: &'a str,
}

/// What pods may choose.
#[derive(Debug, Default)]
pub struct Bounds {}

impl Bounds {
    /// Checks.
    pub fn check(
        &self,
        _image: Option<&str>,
        _cpu: Option<&crate::annotation::settings::Amount>,
        _memory: Option<&crate::annotation::settings::Amount>,
    ) -> Result<(), String> {
        Ok(())
    }
}

/// What stands in the way.
#[derive(Debug)]
pub enum Obstacle {
    /// A fault.
    Diagnostic(Diagnostic),
}

impl Resolution<'_> {
    /// Who set a key.
    pub fn source_of(&self, key: Key) -> Source {
        self.effective.iter().find(|e| e.key == key).map_or(Source::Pod, |e| e.source.clone())
    }
}

impl Policies {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Who wins.
    pub fn resolve<'a>(
        &'a self,
        _subject: &Subject<'a>,
        own: &[(Key, &'a str)],
    ) -> Result<Resolution<'a>, Vec<Obstacle>> {
        let mut effective: Vec<Effective<'a>> = own
            .iter()
            .map(|(key, value)| Effective { key: *key, value, source: Source::Pod, enforced: false })
            .collect();
        effective.sort_by_key(|effective| effective.key);
        Ok(Resolution { effective, ..Resolution::default() })
    }
}

/// Everything that a set of texts defines.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The policies.
    pub policies: Policies,
    /// The patterns.
    pub catalogue: crate::pattern::Catalogue,
    /// What was left out.
    pub problems: Vec<String>,
}

/// Reads objects.
pub fn load(_sources: &[(String, String)]) -> Loaded {
    Loaded::default()
}
