//! Certificates: made, or read from files and checked; and what TLS does with them.

mod authority;
mod client;
mod config;
mod files;
mod memory;
mod pair;

pub use authority::{Authority, Signed, first_of};
pub use client::ClientCheck;
pub use config::{Tls, server_config};
pub use files::{Configured, Files, Material};
pub use memory::Embedded;
pub use pair::{CertError, Pair};
