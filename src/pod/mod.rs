//! A borrowed view of a pod, and where pods sit in the objects that make them.
//!
//! The view reads only what decisions need and borrows it from the received bytes; what it does not know is never
//! touched, because patches are written against the received object.

mod field;
pub mod template;
mod version;
pub mod view;
mod windows;

pub use field::{Field, Held, Scalar, Text};
pub use template::{Object, Place, objects};
pub use version::Version;
pub use view::{Container, Head, Metadata, Mount, Pod, Port, Volume};
