//! An authority that signs the certificates of servers.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::pair::expiry;
use super::trust::trusted;
use super::{CertError, Pair, pem};

/// Certificates are valid from an hour ago: other clocks may be behind ours.
const BEFORE: Duration = Duration::from_hours(1);

/// An authority with its key.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    ends: SystemTime,
}

/// A leaf certificate with its key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The leaf, followed by intermediate certificates.
    pub chain: String,
    pub key: String,
}

impl Authority {
    /// Makes one that is valid for `life`.
    pub fn make(name: &str, now: SystemTime, life: Duration) -> Result<Authority, CertError> {
        let mut params = CertificateParams::default();
        params.not_before = (now - BEFORE).into();
        params.not_after = (now + life).into();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        // The default key of rcgen is ECDSA on P-256: a handshake costs a quarter of what RSA costs.
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let (ends, _) = expiry(certificate.der()).ok_or(CertError::Broken(1))?;
        Ok(Authority { certificate: certificate.pem(), issuer: Issuer::new(params, key), ends })
    }

    /// Reads the first certificate of a PEM text, with its key. It is an error if it has expired or may not sign others.
    pub fn read(pem: &str, key: &str, now: SystemTime) -> Result<Authority, CertError> {
        let certificate = pem::first(pem.as_bytes())?;
        let key = pem::key(key.as_bytes())?;
        let ends = Pair::of(vec![certificate.clone()], key.clone_key(), now)?.ends;
        if !is_authority(&certificate) {
            return Err(CertError::NoAuthority);
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, KeyPair::try_from(&key)?)?;
        Ok(Authority { issuer, certificate: pem::text(&certificate), ends })
    }

    /// In PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its private key, in PEM.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Makes a leaf for servers of these host names and addresses. It never outlives the authority.
    pub fn sign(&self, names: &[String], now: SystemTime, life: Duration) -> Result<Signed, CertError> {
        let mut params = CertificateParams::new(names)?;
        params.not_before = (now - BEFORE).into();
        params.not_after = (now + life).min(self.ends).into();
        params.distinguished_name.push(DnType::CommonName, "multipod");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Signed { chain: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Signed {
    /// Whether a client that trusts these authorities (PEM) would accept it at that time for all of these names.
    pub fn serves(&self, authorities: &str, names: &[String], at: SystemTime) -> Result<(), CertError> {
        Pair::read(self.chain.as_bytes(), self.key.as_bytes(), at)?;
        trusted(self.chain.as_bytes(), authorities.as_bytes(), names, at)
    }
}

fn is_authority(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate).is_ok_and(|(_, certificate)| certificate.is_ca())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 24 * 3600;

    fn names() -> Vec<String> {
        ["multipod.multipod-system.svc", "multipod.multipod-system.svc.cluster.local"]
            .map(str::to_owned)
            .to_vec()
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_certificate_serves_from_an_hour_before_to_its_end_and_never_outlives_its_authority(
            now in 1_700_000_000_u64..4_000_000_000,
            authority_days in 1_u64..36_500,
            days in 1_u64..36_500,
            later in 0_u64..36_500,
        ) {
            let authority = Authority::make("test", at(now), Duration::from_secs(authority_days * DAY)).unwrap();
            // Read back, years later, as who renews does.
            let later = (later % authority_days) * DAY;
            let then = now + later;
            let read = Authority::read(authority.certificate(), &authority.key(), at(then)).unwrap();
            let signed = read.sign(&names(), at(then), Duration::from_secs(days * DAY)).unwrap();
            let end = then + (days * DAY).min(authority_days * DAY - later);
            for (when, good) in [(then - 3590, true), (then, true), (end - 1, true), (end + 2, false)] {
                // The authority of a test that begins at once is as young.
                if when + 3600 < now { continue }
                let serves = signed.serves(authority.certificate(), &names(), at(when));
                prop_assert_eq!(serves.is_ok(), good, "{} {:?}", when, serves);
            }
        }
    }

    #[test]
    fn only_its_own_names_and_its_own_authority_will_do() {
        let now = SystemTime::now();
        let life = Duration::from_secs(DAY);
        let authority = Authority::make("ours", now, life).unwrap();
        let other = Authority::make("ours", now, life).unwrap();
        let signed = authority.sign(&names(), now, life).unwrap();
        assert!(signed.serves(authority.certificate(), &names(), now).is_ok());
        assert!(signed.serves(other.certificate(), &names(), now).is_err());
        let both = format!("{}{}", other.certificate(), authority.certificate());
        assert!(signed.serves(&both, &names(), now).is_ok(), "one of several authorities is enough");
        assert!(signed.serves(authority.certificate(), &["multipod.other.svc".to_owned()], now).is_err());
        let mixed = Signed { key: other.key(), ..signed.clone() };
        assert!(matches!(mixed.serves(authority.certificate(), &names(), now), Err(CertError::Mismatch(_))));
        let leaf = Authority::read(&signed.chain, &signed.key, now);
        assert!(matches!(leaf, Err(CertError::NoAuthority)), "{leaf:?}");
        let theirs = Authority::read(authority.certificate(), &other.key(), now);
        assert!(matches!(theirs, Err(CertError::Mismatch(_))), "{theirs:?}");
    }
}
