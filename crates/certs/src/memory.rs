//! An authority and a certificate in memory, for as long as the process lives.

use std::time::{Duration, SystemTime};

use super::{Authority, CertError, Pair};

const LIFE: Duration = Duration::from_hours(365 * 24);

#[derive(Clone, Debug)]
pub struct Embedded {
    pub pair: Pair,
    /// The authority's certificate in PEM, for clients that want to trust it; its key is not kept.
    pub authority: String,
}

impl Embedded {
    /// Makes both, for these host names and addresses.
    pub fn make(names: &[String], now: SystemTime) -> Result<Embedded, CertError> {
        let authority = Authority::make("multipod, made in memory", now, LIFE)?;
        let signed = authority.sign(names, now, LIFE)?;
        let pair = Pair::read(signed.chain.as_bytes(), signed.key.as_bytes(), now)?;
        Ok(Embedded { pair, authority: authority.certificate().to_owned() })
    }
}
