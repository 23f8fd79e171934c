//! The input of the guard: settings, patterns and policies.

use multipod_engine::annotation::key::INJECTION;
use multipod_engine::pattern::{Catalogue, Settings};
use multipod_engine::policy::Policies;

/// Namespaces whose pods multipod is never asked about, because multipod or the cluster could not start again otherwise.
pub(super) const SYSTEM_NAMESPACES: [&str; 4] =
    ["multipod-system", "kube-system", "kube-public", "kube-node-lease"];
/// The label by which a namespace opts in to policies.
pub(super) const OPTED_IN: (&str, &str) = (INJECTION, "enabled");

/// Everything that decides about pods, and how the guard is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'a> {
    pub settings: &'a Settings,
    pub catalogue: &'a Catalogue,
    pub policies: &'a Policies,
    pub actions: Actions,
    /// Whether multipod is asked about pods of namespaces that have not opted in.
    pub all_namespaces: bool,
    /// For an API server that reads admission policies from files.
    pub static_files: bool,
}

/// What becomes of a pod that does not pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Actions {
    /// It is refused.
    #[default]
    Deny,
    /// It is admitted, with a warning and a record in the audit log.
    Warn,
}
