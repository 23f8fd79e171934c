//! What commands read from a live cluster by a kubeconfig, and the restart of workloads. What it means is decided in `live`.

mod course;
mod installation;
mod objects;
mod reach;
mod read;
mod restart;

pub(crate) use installation::Installation;
pub(crate) use objects::Workload;
pub(crate) use reach::{Reach, Reader};
pub(crate) use read::{Given, InForce};
pub(crate) use restart::Restarts;
