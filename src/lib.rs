//! multipod injects named, typed multi-container patterns into Kubernetes pods.
//!
//! Data walks one way: bytes → pod → requests → fragments → plan → patch. ARCHITECTURE.md is the map.

pub mod admission;
pub mod annotation;
pub mod certs;
pub mod cli;
pub(crate) mod cluster;
pub(crate) mod drawing;
pub mod explain;
pub(crate) mod export;
pub(crate) mod guard;
pub mod inject;
pub(crate) mod live;
pub mod manifest;
pub(crate) mod observe;
pub mod pattern;
pub mod pod;
pub mod policy;
pub mod rotation;
pub mod server;
pub mod watch;
