//! The certificates and keys behind what the rotation decides about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use multipod_certs::{CertError, listed};
use multipod_rotation::{Authority, Id};

/// Every authority that was met, by its id.
#[derive(Debug, Default)]
pub(super) struct Book(BTreeMap<Id, Entry>);

#[derive(Debug)]
struct Entry {
    pem: String,
    /// With its key, where it is one of ours.
    own: Option<multipod_certs::Authority>,
}

impl Book {
    /// Notes the authorities of a PEM text.
    pub(super) fn note(&mut self, pem: &[u8]) -> BTreeSet<Authority> {
        let known = listed(pem).into_iter().map(|one| {
            let id = Id(one.id);
            self.0.entry(id).or_insert(Entry { pem: one.pem, own: None });
            Authority { id, ends: since_1970(one.ends) }
        });
        known.collect()
    }

    /// Notes an authority with its key. One that has expired is one too.
    pub(super) fn note_own(&mut self, pem: &str, key: &str) -> Result<Authority, CertError> {
        let read = multipod_certs::Authority::read(pem, key, UNIX_EPOCH)?;
        let authority = self.note(pem.as_bytes()).into_iter().next().ok_or(CertError::NoCertificate)?;
        if let Some(entry) = self.0.get_mut(&authority.id) {
            entry.own = Some(read);
        }
        Ok(authority)
    }

    pub(super) fn make(&mut self, life: Duration) -> Result<Authority, CertError> {
        let made = multipod_certs::Authority::make("multipod authority", SystemTime::now(), life)?;
        self.note_own(made.certificate(), &made.key())
    }

    pub(super) fn own(&self, id: Id) -> Option<&multipod_certs::Authority> {
        self.0.get(&id)?.own.as_ref()
    }

    /// Their certificates, as one text.
    pub(super) fn pem<'a>(&self, authorities: impl IntoIterator<Item = &'a Authority>) -> String {
        authorities.into_iter().filter_map(|one| self.0.get(&one.id)).map(|entry| &*entry.pem).collect()
    }

    /// Forgets all others, with their keys.
    pub(super) fn keep_only(&mut self, ids: &BTreeSet<Id>) {
        self.0.retain(|id, _| ids.contains(id));
    }
}

pub(super) fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
