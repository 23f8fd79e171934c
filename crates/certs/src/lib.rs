//! Certificates, made or read from files and validated, and the TLS configuration that uses them.

mod authority;
mod bundle;
mod client;
mod config;
mod error;
mod files;
mod memory;
mod pair;
mod pem;
mod trust;

pub use authority::Authority;
pub use authority::Signed;
pub use bundle::listed;
pub use client::ClientCheck;
pub use config::{Tls, server_config};
pub use error::CertError;
pub use files::Files;
pub use files::{Configured, Material};
pub use memory::Embedded;
pub use pair::Pair;
pub use pem::first_of;
pub use trust::{end_of, trusted};
