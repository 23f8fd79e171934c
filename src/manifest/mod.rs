//! Whole manifests: every pod template of every document, decided on and edited in its own text.
//!
//! Data walks one way: texts (source) → objects (target) → their context (cluster) → edits (inject, uninject) →
//! one stream (stream). What people should know on the way are findings, each with its file, line and column.

mod annotate;
mod cluster;
mod finding;
mod inject;
mod source;
mod stream;
mod target;
mod uninject;

pub use annotate::{Annotation, AnnotationError};
pub use cluster::{Cluster, Namespace, Namespaces};
pub use finding::{Finding, Level};
pub use inject::inject;
pub use source::{Manifest, Manifests, Outcome, Source};
pub use stream::{json, yaml};
pub use target::{Found, Target, found};
pub use uninject::uninject;
