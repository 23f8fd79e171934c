//! Policies: what the operators of a cluster add to pods, and what pods may choose themselves.
//!
//! `layers` brings them together from wherever they come (`check` reads one), `matching` tells which pods a policy is for, and
//! `resolve` brings together what everybody wants (`precedence` says whose value of a key counts).

mod bounds;
mod check;
mod layers;
mod matching;
mod object;
mod obstacle;
mod owner;
mod precedence;
mod resolution;
mod resolve;
mod selector;
mod written;

pub use bounds::{Bounds, ImagePattern};
pub use layers::{Layer, Layers, Loaded, Objects, load};
pub use matching::{Labels, Match, Mismatch, Undecided};
pub use object::{Mode, Policies, Policy};
pub use obstacle::Obstacle;
pub use owner::OwnerKind;
pub use resolution::{Audited, Effective, Overridden, Resolution};
pub use selector::{Requirement, Selector};
