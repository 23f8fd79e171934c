//! Certificates: read from files and checked, or made in memory; and what TLS does with them.

mod client;
mod config;
mod files;
mod memory;
mod pair;

pub use client::ClientCheck;
pub use config::{Tls, server_config};
pub use files::{Configured, Files, Material};
pub use memory::Embedded;
pub use pair::{CertError, Pair};
