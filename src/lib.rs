//! multipod injects named, typed multi-container patterns into Kubernetes pods.
//!
//! What is decided about a pod stands in the crate `multipod-engine`; here is what reads, serves, watches and prints.
//! ARCHITECTURE.md is the map.

pub mod admission;
pub mod cli;
pub(crate) mod cluster;
pub(crate) mod drawing;
pub mod explain;
pub(crate) mod live;
pub mod manifest;
pub(crate) mod observe;
pub mod server;
pub mod watch;
