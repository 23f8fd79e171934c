//! A server in this process, and clients of it.
#![allow(dead_code, unreachable_pub)] // Each program uses its own part.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use multipod::admission::Snapshot;
use multipod::server::{Addresses, Handlers, Limits, Shared, bind};
use multipod_certs::{Embedded, Tls, server_config};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than anything here takes; nothing waits that long unless it is broken.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub struct Running {
    pub shared: Arc<Shared>,
    pub reviews: SocketAddr,
    pub admin: SocketAddr,
    pub authority: String,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn closes(&self) -> bool {
        self.headers.get("connection").is_some_and(|value| value == "close")
    }
}

/// A server with a certificate made in memory.
pub fn start(limits: Limits) -> Running {
    start_with(limits, Handlers::default(), false)
}

pub fn start_with(limits: Limits, handlers: Handlers, http2: bool) -> Running {
    let embedded = Embedded::make(&["localhost".to_owned()], SystemTime::now()).unwrap();
    let config = server_config(&embedded.pair, None, http2).unwrap();
    let shared = Shared::new(Snapshot::default(), Tls::new(config, embedded.pair.ends), limits);
    run(Arc::new(shared), handlers, embedded.authority)
}

pub fn run(shared: Arc<Shared>, handlers: Handlers, authority: String) -> Running {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let bound =
        bind(Arc::clone(&shared), Addresses { reviews: any, admin: Some(any) }).unwrap().with(handlers);
    let (reviews, admin) = (bound.local_addr().unwrap(), bound.admin_addr().unwrap());
    let (end, ended) = oneshot::channel::<()>();
    let task = tokio::spawn(bound.run(async { drop(ended.await) }, std::future::pending()));
    Running { shared, reviews, admin, authority, end: Some(end), task }
}

impl Running {
    /// What SIGTERM does.
    pub fn end(&mut self) {
        self.end.take();
    }

    pub async fn ended(self) {
        tokio::time::timeout(PATIENCE, self.task).await.expect("the server ends").unwrap();
    }

    pub async fn connect(&self) -> TlsStream<TcpStream> {
        self.try_connect(client(&self.authority)).await.unwrap()
    }

    pub async fn try_connect(&self, client: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.reviews).await?;
        TlsConnector::from(Arc::new(client)).connect(ServerName::try_from("localhost").unwrap(), tcp).await
    }

    /// A connection that speaks HTTP/1.1 and is kept alive.
    pub async fn http(&self) -> SendRequest<Full<Bytes>> {
        let (sender, connection) = handshake(TokioIo::new(self.connect().await)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        sender
    }

    /// Asks the admin port.
    pub async fn admin(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

/// A client that trusts one authority.
pub fn client(authority: &str) -> ClientConfig {
    builder(authority, rustls::ALL_VERSIONS).with_no_client_auth()
}

/// The same with a certificate of its own.
pub fn client_with(authority: &str, certificate: &str, key: &str) -> ClientConfig {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    builder(authority, rustls::ALL_VERSIONS).with_client_auth_cert(chain, key).unwrap()
}

pub fn builder(
    authority: &str,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
}

/// Posts a review on a connection.
pub async fn post(sender: &mut SendRequest<Full<Bytes>>, path: &str, body: &str) -> hyper::Result<Answer> {
    sender.ready().await?;
    let request = Request::post(path)
        .header("host", "multipod.multipod.svc:443")
        .header("content-type", "application/json")
        .header("accept", "application/json, */*")
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap();
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Answer { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
}

/// Waits until the other side has closed; true if it said anything before.
pub async fn closed(stream: &mut (impl AsyncReadExt + Unpin)) -> bool {
    let mut bytes = Vec::new();
    // However it ends, a reset included, it ends.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("the connection is closed");
    !bytes.is_empty()
}
