//! Certificates in files, as people and mounted Secrets put them there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::ServerConfig;

use super::pair::{chain_of, end_of};
use super::{CertError, ClientCheck, Pair, server_config};

/// Where the certificates stand.
#[derive(Clone, Debug)]
pub struct Files {
    /// The chain, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
    /// The authorities of clients, in PEM; without it everybody may connect.
    pub client_ca: Option<PathBuf>,
    /// Names of clients, one of which their certificate must have; without any, every certificate does.
    pub client_names: Vec<String>,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
}

/// What the files held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Material {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// A configuration made of files.
#[derive(Debug)]
pub struct Configured {
    /// What TLS takes.
    pub config: ServerConfig,
    /// When the certificate ends.
    pub ends: SystemTime,
    /// When the first of the clients' authorities ends.
    pub client_ca_ends: Option<SystemTime>,
}

impl Files {
    /// Reads the files as they are now, unchecked.
    pub fn read(&self) -> Result<Material, CertError> {
        Ok(Material {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            client_ca: self.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// What TLS makes of them; an error where they do not fit together or are over.
    pub fn configure(&self, material: &Material, now: SystemTime) -> Result<Configured, CertError> {
        let pair = Pair::read(&material.certificate, &material.key, now)?;
        let clients = material.client_ca.as_deref();
        let check = clients.map(|pem| ClientCheck::new(pem, &self.client_names)).transpose()?;
        let client_ca_ends = clients
            .map(chain_of)
            .transpose()?
            .and_then(|authorities| authorities.iter().filter_map(end_of).map(|(end, _)| end).min());
        let config = server_config(&pair, check, self.http2)?;
        Ok(Configured { config, ends: pair.ends, client_ca_ends })
    }

    /// The folders whose entries change when the files do. A mounted Secret exchanges a link in the folder, so that a
    /// watch on the file itself would see the first change and no other.
    pub fn folders(&self) -> Vec<PathBuf> {
        let files = [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()];
        let mut folders: Vec<PathBuf> = files.into_iter().flatten().map(|file| folder_of(file)).collect();
        folders.sort();
        folders.dedup();
        folders
    }
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CertError> {
    fs::read(file).map_err(|error| CertError::File { file: file.display().to_string(), error })
}
