//! Decides what happens to a pod: inject with a plan, skip with a reason, or refuse with reasons.
//!
//! Pure: `decide` is a function from values to a value. The steps, each in its own file:
//! requests (the fragments of what is asked for) → build (all their changes as one plan) → present (what is there
//! already) → conflict (what stands in the way) → status (what is recorded) → plan (order) → `pod_resources` (whether it
//! fits into the pod) → patch (JSON operations).

mod advice;
mod amounts;
mod asked;
mod build;
mod conflict;
mod decide;
mod earlier;
mod few;
mod limits;
mod mesh;
mod obstacle;
mod patch;
mod plan;
mod pod_resources;
mod present;
mod reason;
mod redirect;
mod requests;
mod same;
mod status;
mod uninject;

pub use build::NO_TOKEN;
pub use decide::{Decision, Injection, Undecidable, Verdict, alone, decide};
pub use earlier::Record;
pub use few::Few;
pub use limits::limits;
pub use mesh::init_names;
pub use obstacle::LeftOut;
pub use patch::Patch;
pub use plan::{Plan, Planned, Reason};
pub use reason::{DenyReason, Refusal, SkipReason};
pub use requests::tasks;
pub use same::additions;
pub use uninject::{Removal, UninjectError, removals, uninjected, without};
