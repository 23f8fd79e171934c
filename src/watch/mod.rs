//! What may change while the server runs: files, which are read again when the system reports a change and at intervals
//! anyway, and the cluster.

mod certificates;
mod cluster;
pub(crate) mod files;
mod folder;
mod managed;
mod namespaces;
mod policies;
mod replicas;
mod report;
mod request;
mod resources;

pub use certificates::Certificates;
pub(crate) use cluster::ip_families;
pub use cluster::{Cluster, ClusterPolicies, Known};
pub(crate) use folder::folder_of;
pub use folder::{Watch, watch};
pub use managed::{Keeper, Managed};
pub(crate) use namespaces::error_chain;
pub(crate) use policies::PolicyFolder;
pub use policies::PolicyStore;
pub use replicas::OwnPod;
pub(crate) use request::in_time;
pub(crate) use resources::{as_written, names};
