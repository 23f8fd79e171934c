//! Policies: what the operators of a cluster add to pods, and what pods may choose themselves.
//!
//! `layers` brings them together from wherever they come (`check` reads one, `fence` what is left of one with a mistake),
//! `matching` tells which pods a policy is for (`condition` where that is said in CEL), and
//! `resolve` brings together what everybody wants (`precedence` says whose value of a key counts). `status` says what
//! became of an object, and `disagree` which policies want different things for the same pods.

mod bounds;
mod check;
mod condition;
mod disagree;
mod fence;
mod index;
mod layers;
mod matching;
mod object;
mod owner;
mod precedence;
mod resolution;
mod resolve;
mod rollout;
mod selector;
mod standing;
mod status;
mod unsettled;
mod written;

pub use bounds::ImagePattern;
pub use disagree::{Disagreement, disagreements, stronger};
pub use layers::{Good, Layers, Loaded, Objects, load};
pub use matching::Mismatch;
pub use object::{Mode, Named, OnObstacle, Policies, Policy};
pub use owner::OwnerKind;
pub(crate) use resolution::{Effective, Resolution};
pub(crate) use rollout::Workload;
pub use selector::{Requirement, Selector};
pub use standing::{Layer, ObjectState, Standing};
pub use status::{Findings, Replicas, Status};
pub(crate) use unsettled::Unsettled;
pub use written::Spec;
