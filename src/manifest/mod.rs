//! Whole manifests: every pod template of every document, decided on and edited in its own text.
//!
//! Data walks one way: texts (source) → objects (target) → their context (cluster) → decisions (examine) → edits (inject,
//! uninject, suggest), carried out document by document (walk) → one stream (stream). What people should know on the way are findings, each with its file, line and column.

mod about;
mod annotate;
pub mod case;
mod cluster;
mod earlier;
mod elsewhere;
mod examine;
mod finding;
mod fix;
mod inject;
mod mend;
mod misplaced;
mod placed;
mod policies;
mod shape;
mod source;
mod stream;
mod suggest;
mod target;
mod undecided;
mod uninject;
mod unnamed;
mod walk;
mod words;

pub use annotate::Annotation;
pub(crate) use annotate::is_annotation_key;
pub use cluster::Cluster;
pub(crate) use cluster::Namespaces;
pub(crate) use examine::{Decided, ENGINE_WARNS, Examined, Template, examine, for_themselves};
pub use finding::{Finding, Level, Mark};
pub(crate) use fix::{Fixed, Made, fixed};
pub use inject::inject;
pub(crate) use inject::{inject_seen, inject_within};
pub use mend::Mend;
pub(crate) use placed::Placed;
pub(crate) use policies::Written;
pub use source::{Listed, Manifests, Outcome, Source};
pub(crate) use source::{Manifest, Opened};
pub(crate) use stream::json;
pub use stream::yaml;
pub use suggest::suggest;
pub(crate) use target::{Found, NO_POD_TEMPLATE, Target, found};
pub use uninject::uninject;
