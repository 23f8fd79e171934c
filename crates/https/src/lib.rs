//! The HTTPS client of what asks one question at a time, and the authorities that it trusts.

use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::AgentScope;

pub use ureq::tls::Certificate;

/// Why a file of authorities is none.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("{}", reason(.0))]
    Unreadable(io::Error),
    #[error("not PEM: {0}")]
    NotPem(ureq::Error),
    #[error("no certificate in it")]
    Empty,
}

/// A client that trusts these authorities; where there are none, the public ones. A redirect and an error of HTTP are
/// answers like any other.
#[must_use]
pub fn client(authorities: Option<Vec<Certificate<'static>>>) -> ConfigBuilder<AgentScope> {
    let tls = TlsConfig::builder()
        .root_certs(authorities.map_or(RootCerts::WebPki, RootCerts::from))
        .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("multipod/", env!("CARGO_PKG_VERSION")))
}

/// The authorities in a PEM file.
///
/// # Errors
///
/// If the file could not be read, is no PEM, or has no certificate.
pub fn authorities(pem: io::Result<Vec<u8>>) -> Result<Vec<Certificate<'static>>, AuthorityError> {
    let pem = pem.map_err(AuthorityError::Unreadable)?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(AuthorityError::NotPem)? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(AuthorityError::Empty) } else { Ok(found) }
}

/// The system's words without its number: `connection refused`.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
