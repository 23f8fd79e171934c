//! Why certificates cannot be used.

use thiserror::Error;

#[derive(Debug, Error)]
pub enum CertError {
    #[error("{file}: {error}")]
    File { file: String, error: std::io::Error },
    #[error("no PEM certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    #[error("no PEM private key (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// Holds the number of the certificate, from 1.
    #[error("certificate {0} of the chain cannot be read")]
    Broken(usize),
    #[error("the key does not belong to the first certificate of the chain: {0}")]
    Mismatch(rustls::Error),
    /// Holds the end, as people read it.
    #[error("the certificate has expired: it was valid until {0}")]
    Expired(String),
    #[error("the certificate is not one of an authority (CA:TRUE)")]
    NoAuthority,
    #[error("the certificate cannot be made: {0}")]
    Unmade(#[from] rcgen::Error),
    /// By TLS.
    #[error("the certificate cannot be used: {0}")]
    Refused(String),
}
