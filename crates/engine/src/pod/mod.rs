//! A borrowed view of a pod, and where pods sit in the objects that make them.
//!
//! The view reads only what decisions need and borrows it from the received bytes; what it does not know is never
//! touched, because patches are written against the received object.

mod field;
mod head;
pub(crate) mod limits;
mod pairs;
pub(crate) mod path;
mod spec;
pub(crate) mod template;
mod version;
pub mod view;
pub mod windows;

pub(crate) use field::Held;
pub use field::{Field, Scalar, Text};
pub(crate) use head::Metadata;
pub use head::{Head, Owners};
pub use multipod_json::Meter;
pub use pairs::Pairs;
pub(crate) use spec::{Container, Mount, Port};
pub use template::{Object, Place, objects};
pub use version::Version;
pub(crate) use view::{Pod, Unreadable};
