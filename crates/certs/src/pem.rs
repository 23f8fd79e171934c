//! PEM, which is read and written here alone.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::CertError;

/// Every certificate of a text; at least one.
pub(super) fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .enumerate()
        .map(|(index, certificate)| certificate.map_err(|_| CertError::Broken(index + 1)))
        .collect::<Result<_, _>>()?;
    if chain.is_empty() { Err(CertError::NoCertificate) } else { Ok(chain) }
}

/// The first certificate of a text; what follows it is not read.
pub(super) fn first(pem: &[u8]) -> Result<CertificateDer<'static>, CertError> {
    let first = CertificateDer::pem_slice_iter(pem).next().ok_or(CertError::NoCertificate)?;
    first.map_err(|_| CertError::Broken(1))
}

pub(super) fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, CertError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| CertError::NoKey)
}

pub(super) fn text(certificate: &CertificateDer<'_>) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new("CERTIFICATE", certificate.to_vec()), config)
}

/// The first certificate of a text, without what surrounds it.
pub fn first_of(pem: &str) -> Option<String> {
    first(pem.as_bytes()).ok().map(|certificate| text(&certificate))
}
