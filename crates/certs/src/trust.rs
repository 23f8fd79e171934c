//! Whether a client that trusts these authorities accepts a certificate.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{ServerName, UnixTime};

use super::pair::expiry;
use super::{CertError, pem};

/// Whether a client that trusts these authorities would accept the chain (both in PEM) at that time for all of these names.
pub fn trusted(chain: &[u8], authorities: &[u8], names: &[String], at: SystemTime) -> Result<(), CertError> {
    let chain = pem::chain(chain)?;
    let (first, between) = chain.split_first().ok_or(CertError::NoCertificate)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(pem::chain(authorities)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::new(default_provider()))
        .build()
        .map_err(|error| CertError::Refused(error.to_string()))?;
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    for name in names {
        let name = ServerName::try_from(name.as_str())
            .map_err(|_| CertError::Refused(format!("no host name: {name}")))?;
        verifier
            .verify_server_cert(first, between, &name, &[], UnixTime::since_unix_epoch(since))
            .map_err(|error| CertError::Refused(error.to_string()))?;
    }
    Ok(())
}

/// When the first certificate of a chain ends; an error where that is over.
pub fn end_of(chain: &[u8], now: SystemTime) -> Result<SystemTime, CertError> {
    let (ends, text) = expiry(&pem::first(chain)?).ok_or(CertError::Broken(1))?;
    if ends <= now { Err(CertError::Expired(text)) } else { Ok(ends) }
}
