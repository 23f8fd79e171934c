//! Objects beside the workloads that a workload needs, wherever they stand in the files.

use crate::manifest::{Cluster, Finding, Level, Manifests};
use crate::pod::{Object, objects};
use multipod_yaml::Document;

/// An object of one kind, and where it stands.
pub(super) struct Related<'m> {
    pub(super) object: Object<'m>,
    pub(super) namespace: &'m str,
    file: &'m str,
    document: &'m Document<'m>,
    number: usize,
}

impl<'m> Related<'m> {
    /// Every object of this kind.
    pub(super) fn all(kind: &str, manifests: &'m Manifests<'m>, cluster: &'m Cluster) -> Vec<Related<'m>> {
        let mut all = Vec::new();
        for manifest in &manifests.readable {
            for (index, document) in manifest.documents.iter().enumerate() {
                let found = objects(document.value()).into_iter().filter(|object| object.kind == kind);
                all.extend(found.map(|object| Related {
                    namespace: object.namespace().or(cluster.namespace.as_deref()).unwrap_or("default"),
                    object,
                    file: manifest.name,
                    document,
                    number: index + 1,
                }));
            }
        }
        all
    }

    /// A warning about what stands at `pointer` in it.
    pub(super) fn warning(&self, slug: &'static str, pointer: &str, message: String) -> Finding {
        let position = self.document.position(&format!("{}{pointer}", self.object.pointer));
        let (line, column) =
            position.map_or((self.document.first_line(), 1), |position| (position.line, position.column));
        Finding {
            level: Level::Warning,
            slug,
            message,
            file: self.file.to_owned(),
            line,
            column,
            subject: format!("document {}, {} {}", self.number, self.object.kind, self.object.name()),
        }
    }
}
