//! Files that may change while the server runs: seen at once where the system tells, compared now and then anyway.

mod certificates;
mod folder;
mod policies;

pub use certificates::Certificates;
pub use folder::{Watch, watch};
pub use policies::{PolicyFolder, put_to_use};
