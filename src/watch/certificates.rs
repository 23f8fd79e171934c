//! Certificates in files, exchanged under a running server.

use std::sync::Arc;
use std::time::SystemTime;

use crate::certs::{CertError, Configured, Files, Material};
use crate::server::Shared;

/// Reads the files again; what does not fit together never replaces what did.
#[derive(Debug)]
pub struct Certificates {
    files: Files,
    shared: Arc<Shared>,
    /// What the files held when they were looked at last, good or bad.
    seen: Result<Material, String>,
}

impl Certificates {
    /// After `material` was put to use.
    pub fn new(files: Files, material: Material, shared: Arc<Shared>) -> Self {
        Certificates { files, shared, seen: Ok(material) }
    }

    /// Looks at the files, and puts them to use if they have changed and are good.
    pub fn look(&mut self) {
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
            Ok(configured) => self.put_to_use(configured),
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

    fn put_to_use(&self, configured: Configured) {
        let metrics = &self.shared.metrics;
        metrics.reloaded("certificate", true);
        metrics.certificate_ends("serving", configured.ends);
        if let Some(ends) = configured.client_ca_ends {
            metrics.certificate_ends("client_ca", ends);
        }
        self.shared.tls.replace(configured.config, configured.ends);
        tracing::info!("new certificate");
    }
}
