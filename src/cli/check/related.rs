//! Objects beside the workloads that a workload needs, wherever they stand in the files.

use multipod_engine::pod::Object;

use crate::manifest::{Cluster, Finding, Opened, Placed};

/// An object of one kind, and its namespace.
pub(super) struct Related<'m> {
    pub(super) namespace: &'m str,
    placed: Placed<'m>,
}

impl<'m> Related<'m> {
    /// Every object of this kind.
    pub(super) fn all(kind: &str, opened: &'m [Opened<'m>], cluster: &'m Cluster) -> Vec<Related<'m>> {
        let found = opened.iter().flat_map(Placed::all).filter(|placed| placed.object.kind == kind);
        let default = cluster.namespace.as_deref().unwrap_or("default");
        found
            .map(|placed| Related { namespace: placed.object.namespace().unwrap_or(default), placed })
            .collect()
    }

    pub(super) fn object(&self) -> &Object<'m> {
        &self.placed.object
    }

    /// A warning about what stands at `pointer` in it.
    pub(super) fn warning(&self, slug: &'static str, pointer: &str, message: String) -> Finding {
        self.placed.warning(&format!("{}{pointer}", self.placed.object.pointer), slug, message)
    }
}
