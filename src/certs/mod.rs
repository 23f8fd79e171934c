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

pub(crate) use authority::Authority;
pub use authority::Signed;
pub(crate) use bundle::listed;
pub(crate) use client::ClientCheck;
pub use config::{Tls, server_config};
pub(crate) use error::CertError;
pub use files::Files;
pub(crate) use files::{Configured, Material};
pub use memory::Embedded;
pub use pair::Pair;
pub use pem::first_of;
pub(crate) use trust::{end_of, trusted};
