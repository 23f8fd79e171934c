//! The engine: what is decided about a pod, and why, as values.
//!
//! annotations → requests → fragments → plan → patch. No files, no network, no clock: the crate `multipod` around it is
//! the server, the command line and whatever else reads and prints. ARCHITECTURE.md is the map.

pub mod annotation;
pub mod inject;
pub mod pattern;
pub mod pod;
pub mod policy;
