//! Certificates in files, read again while the server runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use multipod_certs::{CertError, Configured, Files, Material};

use crate::server::Shared;

use super::folder_of;

/// Certificates that do not fit together never replace those that do.
#[derive(Debug)]
pub struct Certificates {
    files: Files,
    shared: Arc<Shared>,
    /// What the files contained when they were last read, valid or not.
    seen: Result<Material, String>,
}

impl Certificates {
    /// `material` is in use already.
    pub fn new(files: Files, material: Material, shared: Arc<Shared>) -> Self {
        Certificates { files, shared, seen: Ok(material) }
    }

    /// The folders whose entries change when the files do.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self.files.paths().map(folder_of).collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// Reads the files, and uses them if they have changed and are valid.
    pub fn reload(&mut self) {
        let seen = self.files.read();
        if let (Ok(now), Ok(before)) = (&seen, &self.seen)
            && now == before
        {
            return;
        }
        let configured = seen
            .as_ref()
            .map_err(ToString::to_string)
            .and_then(|material| self.configure(material).map_err(|error| error.to_string()));
        let seen = seen.map_err(|error| error.to_string());
        let again = seen.is_err() && seen == self.seen;
        self.seen = seen;
        match configured {
            Ok(configured) => self.apply(configured),
            Err(_) if again => {}
            Err(error) => {
                self.shared.metrics.reloaded("certificate", false);
                tracing::error!(error, "the new certificate is not used; the last good one stays");
            }
        }
    }

    fn configure(&self, material: &Material) -> Result<Configured, CertError> {
        self.files.configure(material, SystemTime::now())
    }

    fn apply(&self, configured: Configured) {
        let metrics = &self.shared.metrics;
        metrics.reloaded("certificate", true);
        metrics.certificate_expires("serving", configured.ends);
        if let Some(ends) = configured.client_ca_ends {
            metrics.certificate_expires("client_ca", ends);
        }
        self.shared.tls.replace(configured.config, configured.ends);
        tracing::info!("new certificate");
    }
}
