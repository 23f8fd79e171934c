//! A certificate chain with its key, validated before anything uses it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::error::CertError;
use super::pem;

/// A chain and a key that fit together.
#[derive(Clone, Debug)]
pub struct Pair {
    pub certified: Arc<CertifiedKey>,
    /// When the first of the chain's certificates expires.
    pub ends: SystemTime,
}

impl Pair {
    /// Reads a chain and its key, both in PEM; an expired certificate or the key of another one is an error.
    pub fn read(chain: &[u8], key: &[u8], now: SystemTime) -> Result<Pair, CertError> {
        Pair::of(pem::chain(chain)?, pem::key(key)?, now)
    }

    pub(super) fn of(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        now: SystemTime,
    ) -> Result<Pair, CertError> {
        let mut ends: Option<SystemTime> = None;
        for (index, certificate) in chain.iter().enumerate() {
            let (end, text) = expiry(certificate).ok_or(CertError::Broken(index + 1))?;
            if end <= now {
                return Err(CertError::Expired(text));
            }
            ends = Some(ends.map_or(end, |earlier| earlier.min(end)));
        }
        let ends = ends.ok_or(CertError::NoCertificate)?;
        let certified =
            CertifiedKey::from_der(chain, key, &default_provider()).map_err(CertError::Mismatch)?;
        Ok(Pair { certified: Arc::new(certified), ends })
    }
}

/// When a certificate expires, also as text for people.
pub(super) fn expiry(certificate: &CertificateDer<'_>) -> Option<(SystemTime, String)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let end = certificate.validity().not_after;
    let seconds = u64::try_from(end.timestamp()).unwrap_or(0);
    Some((UNIX_EPOCH + Duration::from_secs(seconds), end.to_string()))
}
