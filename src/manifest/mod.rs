//! Whole manifests: every pod template of every document, decided on and edited in its own text.
//!
//! Data walks one way: texts (source) → objects (target) → surroundings (world) → edits (inject, uninject) →
//! one stream (stream). What people should know on the way are findings, each with its file, line and column.

mod annotate;
mod finding;
mod inject;
mod source;
mod stream;
mod target;
mod uninject;
mod world;

pub use annotate::{Annotation, AnnotationError};
pub use finding::{Finding, Level};
pub use inject::inject;
pub use source::{Manifest, Manifests, Outcome, Source};
pub use stream::{json, yaml};
pub use target::{Found, Target, found};
pub use uninject::uninject;
pub use world::{Home, Namespaces, World};
