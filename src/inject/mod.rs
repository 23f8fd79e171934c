//! Decides what happens to a pod: inject with a plan, skip with a reason, or refuse with reasons.
//!
//! Pure: `decide` is a function from values to a value. The steps, each in its own file:
//! requests (who asks for what, and the fragments) → wanted (all fragments as one list) → present (what is there
//! already) → conflict (what stands in the way) → plan (order) → room (whether it
//! fits into the pod) → patch (JSON operations, checked).

mod advice;
mod amounts;
mod asked;
mod check;
mod conflict;
mod decide;
mod patch;
mod plan;
mod present;
mod reason;
mod requests;
mod room;
mod same;
mod status;
mod uninject;

mod wanted;

pub use check::PatchFault;
pub use decide::{Decision, Verdict, decide};
pub use patch::{Operation, Patch};
pub use plan::{Part, Plan};
pub use reason::{DenyReason, Refusal, SkipReason};
pub use status::Status;
pub use uninject::{Removal, UninjectError, removals};
