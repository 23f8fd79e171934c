//! The authorities that a bundle trusts.

use std::time::SystemTime;

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::pair::expiry;
use super::pem;

/// An authority without its key.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: u128,
    pub ends: SystemTime,
    pub pem: String,
}

/// Those of a PEM text that can be read.
pub fn listed(pem: &[u8]) -> Vec<Listed> {
    let readable = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    let of = |certificate: CertificateDer<'static>| {
        let (ends, _) = expiry(&certificate)?;
        Some(Listed { id: id(&certificate)?, ends, pem: pem::text(&certificate) })
    };
    readable.filter_map(of).collect()
}

/// The beginning of the SHA-256 digest, by the hash that TLS has anyway.
fn id(certificate: &CertificateDer<'_>) -> Option<u128> {
    let hash = TLS13_AES_128_GCM_SHA256.tls13()?.common.hash_provider.hash(certificate);
    Some(u128::from_be_bytes(hash.as_ref().get(..16)?.try_into().ok()?))
}
