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
pub(crate) mod view;
pub(crate) mod windows;

pub use field::Text;
pub(crate) use field::{Field, Held, Scalar};
pub(crate) use head::Owners;
pub use head::{Head, Metadata};
pub use multipod_json::Meter;
pub(crate) use pairs::Pairs;
pub(crate) use spec::{Container, Mount, Port};
pub(crate) use template::{Object, Place, objects};
pub use version::Version;
pub(crate) use view::{Pod, Unreadable};
