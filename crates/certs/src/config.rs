//! The configuration of TLS: replaced as a whole, and only for new handshakes.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use super::{CertError, ClientCheck, Pair};

/// The configuration of new handshakes, which may be replaced at any time.
#[derive(Debug)]
pub struct Tls {
    current: ArcSwap<(Arc<ServerConfig>, SystemTime)>,
}

impl Tls {
    /// There is no certificate yet: every handshake fails until it is replaced.
    pub fn none() -> Result<Tls, CertError> {
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| CertError::Refused(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Nothing));
        Ok(Tls::new(config, UNIX_EPOCH))
    }

    /// `ends` is when its certificate expires.
    pub fn new(config: ServerConfig, ends: SystemTime) -> Tls {
        Tls { current: ArcSwap::from_pointee((Arc::new(config), ends)) }
    }

    pub fn replace(&self, config: ServerConfig, ends: SystemTime) {
        self.current.store(Arc::new((Arc::new(config), ends)));
    }

    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().0)
    }

    /// Begins a handshake with itself, up to the signature: the first one of a process gathers entropy and takes longer than
    /// a review may.
    pub fn warm_up(&self) -> Result<(), CertError> {
        let refused = |error: rustls::Error| CertError::Refused(error.to_string());
        let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            // Trusts nobody: it ends where the server's part is done.
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
        let mut client = ClientConnection::new(Arc::new(client), name).map_err(refused)?;
        let mut server = ServerConnection::new(self.config()).map_err(refused)?;
        let mut hello = Vec::new();
        let io = |error: io::Error| CertError::Refused(error.to_string());
        client.write_tls(&mut hello).map_err(io)?;
        server.read_tls(&mut hello.as_slice()).map_err(io)?;
        server.process_new_packets().map(drop).map_err(refused)
    }

    /// When the certificate expires.
    pub fn ends(&self) -> SystemTime {
        self.current.load().1
    }
}

#[derive(Debug)]
struct Nothing;

impl ResolvesServerCert for Nothing {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// TLS 1.2 and 1.3, and HTTP/1.1 alone unless `http2`; with `clients`, only for those that it verifies.
pub fn server_config(
    pair: &Pair,
    clients: Option<ClientCheck>,
    http2: bool,
) -> Result<ServerConfig, CertError> {
    let refused = |error: rustls::Error| CertError::Refused(error.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(Arc::new(clients)),
        None => builder.with_no_client_auth(),
    };
    let resolver = SingleCertAndKey::from(Arc::clone(&pair.certified));
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if http2 {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    // API servers resume no sessions, so tickets would cost bytes and work without a use.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}
