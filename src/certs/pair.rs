//! A certificate chain with its key, checked before anybody sees it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A pair that was checked.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The chain and the key that belongs to its first certificate.
    pub certified: Arc<CertifiedKey>,
    /// When the first of the chain's certificates ends.
    pub ends: SystemTime,
}

/// Why certificates cannot be used.
#[derive(Debug, Error)]
pub enum CertError {
    /// A file could not be read.
    #[error("{file}: {error}")]
    File {
        /// The file.
        file: String,
        /// Why not.
        error: std::io::Error,
    },
    /// There is no certificate.
    #[error("no PEM certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// There is no key.
    #[error("no PEM private key (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// A certificate is broken.
    #[error("certificate {0} of the chain cannot be read")]
    Broken(usize),
    /// The key is another certificate's.
    #[error("the key does not belong to the first certificate of the chain: {0}")]
    Mismatch(rustls::Error),
    /// It is over.
    #[error("the certificate has expired: it was valid until {0}")]
    Expired(String),
    /// It may not sign others.
    #[error("the certificate is not one of an authority (CA:TRUE)")]
    NoAuthority,
    /// It could not be made.
    #[error("the certificate cannot be made: {0}")]
    Unmade(#[from] rcgen::Error),
    /// TLS does not accept it.
    #[error("the certificate cannot be used: {0}")]
    Refused(String),
}

impl Pair {
    /// Reads a chain and its key; an expired certificate or a key of another one is an error.
    pub fn read(chain: &[u8], key: &[u8], now: SystemTime) -> Result<Pair, CertError> {
        let chain = chain_of(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertError::NoKey)?;
        Pair::of(chain, key, now)
    }

    /// The same for what was read or made before.
    pub fn of(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        now: SystemTime,
    ) -> Result<Pair, CertError> {
        let mut ends: Option<SystemTime> = None;
        for (index, certificate) in chain.iter().enumerate() {
            let (end, told) = end_of(certificate).ok_or(CertError::Broken(index + 1))?;
            if end <= now {
                return Err(CertError::Expired(told));
            }
            ends = Some(ends.map_or(end, |earlier| earlier.min(end)));
        }
        let ends = ends.ok_or(CertError::NoCertificate)?;
        let certified =
            CertifiedKey::from_der(chain, key, &default_provider()).map_err(CertError::Mismatch)?;
        Ok(Pair { certified: Arc::new(certified), ends })
    }
}

/// Every certificate of a PEM text; at least one.
pub(super) fn chain_of(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .enumerate()
        .map(|(index, certificate)| certificate.map_err(|_| CertError::Broken(index + 1)))
        .collect::<Result<_, _>>()?;
    if chain.is_empty() { Err(CertError::NoCertificate) } else { Ok(chain) }
}

/// When a certificate ends, also as people read it.
pub(super) fn end_of(certificate: &CertificateDer<'_>) -> Option<(SystemTime, String)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let end = certificate.validity().not_after;
    let seconds = u64::try_from(end.timestamp()).unwrap_or(0);
    Some((UNIX_EPOCH + Duration::from_secs(seconds), end.to_string()))
}
