//! What may change while the server runs: files, seen at once where the system tells and compared now and then anyway,
//! and the cluster.

mod certificates;
mod cluster;
mod folder;
mod namespaces;
mod policies;

pub use certificates::Certificates;
pub use cluster::{Cluster, Said};
pub use folder::{Watch, folder_of, watch};
pub use policies::{PolicyFolder, put_to_use};
