//! A borrowed view of a pod, and where pods sit in the objects that make them.
//!
//! The view reads only what decisions need and borrows it from the received bytes; what it does not know is never
//! touched, because patches are written against the received object.

mod field;
pub(crate) mod template;
mod version;
pub(crate) mod view;
mod windows;

pub use field::Text;
pub(crate) use field::{Field, Held, Scalar};
pub(crate) use template::{Object, objects};
pub use version::Version;
pub use view::Head;
pub(crate) use view::{Container, Mount, Pod, Port};
