//! Certificates in files, as people and mounted Secrets provide them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::ServerConfig;

use super::pair::expiry;
use super::{CertError, ClientCheck, Pair, pem, server_config};

/// Paths of the certificates.
#[derive(Clone, Debug)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The authorities of clients; without it every client may connect.
    pub client_ca: Option<PathBuf>,
    /// Names of clients, one of which their certificate must have; if empty, any certificate of the authorities will do.
    pub client_names: Vec<String>,
    pub http2: bool,
}

/// The content of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Material {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// A configuration that was made from files.
#[derive(Debug)]
pub struct Configured {
    pub config: ServerConfig,
    /// When the certificate expires.
    pub ends: SystemTime,
    /// When the first of the clients' authorities expires.
    pub client_ca_ends: Option<SystemTime>,
}

impl Files {
    /// Reads the files as they are now, without validation.
    pub fn read(&self) -> Result<Material, CertError> {
        Ok(Material {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            client_ca: self.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// The configuration for them; an error where they do not fit together or have expired.
    pub fn configure(&self, material: &Material, now: SystemTime) -> Result<Configured, CertError> {
        let pair = Pair::read(&material.certificate, &material.key, now)?;
        let clients = material.client_ca.as_deref();
        let check = clients.map(|pem| ClientCheck::new(pem, &self.client_names)).transpose()?;
        let client_ca_ends = clients
            .map(pem::chain)
            .transpose()?
            .and_then(|authorities| authorities.iter().filter_map(expiry).map(|(end, _)| end).min());
        let config = server_config(&pair, check, self.http2)?;
        Ok(Configured { config, ends: pair.ends, client_ca_ends })
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CertError> {
    fs::read(file).map_err(|error| CertError::File { file: file.display().to_string(), error })
}
