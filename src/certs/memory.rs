//! A certificate authority and a certificate that live as long as the process.

use std::time::{Duration, SystemTime};

use super::{Authority, CertError, Pair};

const LIFE: Duration = Duration::from_hours(365 * 24);

/// What was made.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// The certificate, signed by the authority.
    pub pair: Pair,
    /// The authority's certificate, for those who want to trust it; its key is gone.
    pub authority: String,
}

impl Embedded {
    /// Makes both; the certificate is for these host names and addresses.
    pub fn make(names: &[String], now: SystemTime) -> Result<Embedded, CertError> {
        let authority = Authority::make("multipod, made in memory", now, LIFE)?;
        let signed = authority.sign(names, now, LIFE)?;
        let pair = Pair::read(signed.chain.as_bytes(), signed.key.as_bytes(), now)?;
        Ok(Embedded { pair, authority: authority.certificate().to_owned() })
    }
}
