//! An `AdmissionReview` in, its answer out: bytes to bytes, with a record of what was decided.
//!
//! Pure: the context of a pod comes from a [`Snapshot`]; sockets, clocks and logs are somebody else's.

mod answer;
mod error;
mod found;
mod mutate;
mod namespaces;
mod record;
mod review;
mod snapshot;
mod validate;
mod warn;

pub use error::ReviewError;
pub use multipod_engine::pod::Meter;
pub use mutate::mutate;
pub use namespaces::{Namespace, Namespaces, Texts};
pub(crate) use record::Record;
pub use record::{Outcome, Reply};
pub use snapshot::{Missing, Snapshot, WarnMode};
pub use validate::validate;
pub use warn::warn;
