//! A certificate authority and a certificate that live as long as the process.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::PrivateKeyDer;

use super::{CertError, Pair};

/// Other clocks may be behind ours.
const BEFORE: Duration = Duration::from_hours(1);
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
        make(names, now).map_err(|error| CertError::Refused(error.to_string()))?.finish(now)
    }
}

struct Made {
    leaf: rcgen::Certificate,
    key: KeyPair,
    authority: String,
}

// The default key of rcgen is ECDSA on P-256: a handshake costs a quarter of what RSA costs.
fn make(names: &[String], now: SystemTime) -> Result<Made, rcgen::Error> {
    let valid = |params: &mut CertificateParams| {
        params.not_before = (now - BEFORE).into();
        params.not_after = (now + LIFE).into();
    };
    let mut ca = CertificateParams::default();
    valid(&mut ca);
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name.push(DnType::CommonName, "multipod, made in memory");
    let ca_key = KeyPair::generate()?;
    let authority = ca.self_signed(&ca_key)?.pem();

    let mut leaf = CertificateParams::new(names)?;
    valid(&mut leaf);
    leaf.distinguished_name.push(DnType::CommonName, "multipod");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?;
    Ok(Made { leaf, key, authority })
}

impl Made {
    fn finish(self, now: SystemTime) -> Result<Embedded, CertError> {
        let key = PrivateKeyDer::try_from(self.key.serialize_der())
            .map_err(|error| CertError::Refused(error.to_owned()))?;
        let pair = Pair::of(vec![self.leaf.der().clone()], key, now)?;
        Ok(Embedded { pair, authority: self.authority })
    }
}
