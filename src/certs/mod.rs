//! Certificates, made or read from files and validated, and the TLS configuration that uses them.

mod authority;
mod client;
mod config;
mod error;
mod files;
mod memory;
mod pair;
mod pem;

pub use authority::{Authority, Signed};
pub use client::ClientCheck;
pub use config::{Tls, server_config};
pub use error::CertError;
pub use files::{Configured, Files, Material};
pub use memory::Embedded;
pub use pair::Pair;
pub use pem::first_of;
