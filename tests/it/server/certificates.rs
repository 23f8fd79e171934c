//! Certificates from files, exchanged under a running server as a mounted Secret exchanges them; and who may connect.

use crate::support::reviews;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::support::running::{PATIENCE, Running, client, client_with, post, run};
use multipod::admission::Snapshot;
use multipod::server::{Handlers, Limits, Shared};
use multipod::watch::{Certificates, Watch, watch};
use multipod_certs::{Files, Tls};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Never comes: what is seen is seen because the system tells.
const NEVER: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

struct Leaf {
    chain: String,
    key: String,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { params, key, pem }
}

impl Authority {
    fn leaf(&self, name: &str) -> Leaf {
        self.leaf_until(name, SystemTime::now() + DAY)
    }

    fn leaf_until(&self, name: &str, end: SystemTime) -> Leaf {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = (SystemTime::now() - DAY * 2).into();
        params.not_after = end.into();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        Leaf { chain: params.signed_by(&key, &issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    /// An authority below this one, and the chain up to here.
    fn intermediate(&self) -> Authority {
        let mut below = authority("between");
        let issuer = Issuer::from_params(&self.params, &self.key);
        below.pem = below.params.signed_by(&below.key, &issuer).unwrap().pem();
        below
    }
}

/// A folder as the kubelet mounts a Secret: files are links into a hidden folder, which is exchanged as a whole.
struct Mounted {
    folder: TempDir,
    versions: u32,
}

impl Mounted {
    fn new(leaf: &Leaf) -> Mounted {
        let mut mounted = Mounted { folder: tempfile::tempdir().unwrap(), versions: 0 };
        mounted.exchange(&leaf.chain, &leaf.key);
        for file in ["tls.crt", "tls.key"] {
            symlink(Path::new("..data").join(file), mounted.folder.path().join(file)).unwrap();
        }
        mounted
    }

    fn exchange(&mut self, chain: &str, key: &str) {
        let path = self.folder.path();
        let old = path.join(format!("..{}", self.versions));
        self.versions += 1;
        let new = format!("..{}", self.versions);
        fs::create_dir(path.join(&new)).unwrap();
        fs::write(path.join(&new).join("tls.crt"), chain).unwrap();
        fs::write(path.join(&new).join("tls.key"), key).unwrap();
        symlink(&new, path.join("..data_tmp")).unwrap();
        fs::rename(path.join("..data_tmp"), path.join("..data")).unwrap();
        let _ = fs::remove_dir_all(old);
    }

    fn files(&self) -> Files {
        Files {
            certificate: self.folder.path().join("tls.crt"),
            key: self.folder.path().join("tls.key"),
            client_ca: None,
            client_names: Vec::new(),
            http2: false,
        }
    }
}

fn serve(files: Files, authority: &Authority) -> (Running, Watch) {
    serve_within(Limits::default(), files, authority)
}

fn serve_within(limits: Limits, files: Files, authority: &Authority) -> (Running, Watch) {
    let material = files.read().unwrap();
    let configured = files.configure(&material, SystemTime::now()).unwrap();
    let tls = Tls::new(configured.config, configured.ends);
    let shared = Arc::new(Shared::new(Snapshot::default(), tls, limits));
    let mut certificates = Certificates::new(files, material, Arc::clone(&shared));
    let watch = watch(certificates.folders(), NEVER, move || certificates.reload()).unwrap();
    (run(shared, Handlers::default(), authority.pem.clone()), watch)
}

async fn becomes(server: &Running, authority: &Authority) {
    let comes = async {
        while server.try_connect(client(&authority.pem)).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, comes).await.expect("the new certificate is used");
}

fn reloads(server: &Running, result: &str) -> u64 {
    let name = format!("multipod_reloads_total{{what=\"certificate\",result=\"{result}\"}} ");
    let text = server.shared.metrics.text().unwrap();
    text.lines().find_map(|line| line.strip_prefix(&*name)).map_or(0, |count| count.parse().unwrap())
}

async fn until(condition: impl Fn() -> bool) {
    let comes = async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, comes).await.expect("it comes");
}

#[tokio::test]
async fn every_exchange_of_a_mounted_secret_is_seen_and_open_connections_go_on() {
    let first = authority("first");
    let mut mounted = Mounted::new(&first.leaf("localhost"));
    let (server, _watch) = serve(mounted.files(), &first);
    let mut old = server.http().await;
    for name in ["second", "third", "fourth"] {
        let next = authority(name);
        let leaf = next.leaf("localhost");
        mounted.exchange(&leaf.chain, &leaf.key);
        becomes(&server, &next).await;
        assert!(server.try_connect(client(&first.pem)).await.is_err());
    }
    let review = reviews::pod(&json!({})).to_string();
    assert_eq!(post(&mut old, "/mutate", &review).await.unwrap().status, 200);
    assert_eq!(reloads(&server, "success"), 3);
}

#[tokio::test]
async fn what_does_not_fit_or_is_over_never_replaces_what_did() {
    let good = authority("good");
    let leaf = good.leaf("localhost");
    let mut mounted = Mounted::new(&leaf);
    let (server, _watch) = serve(mounted.files(), &good);
    let expired = good.leaf_until("localhost", SystemTime::now() - DAY);
    for (count, (chain, key)) in [
        (&*leaf.chain, &*good.leaf("localhost").key),
        (&expired.chain, &expired.key),
        ("", ""),
        (&leaf.chain, ""),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &leaf.key),
        (&leaf.chain[..300], &leaf.key),
    ]
    .into_iter()
    .enumerate()
    {
        mounted.exchange(chain, key);
        until(|| reloads(&server, "failure") == count as u64 + 1).await;
        assert!(server.try_connect(client(&good.pem)).await.is_ok(), "the last good pair stays");
        assert_eq!(server.admin("/readyz").await.0, 200);
    }
    let next = authority("next");
    let leaf = next.leaf("localhost");
    mounted.exchange(&leaf.chain, &leaf.key);
    becomes(&server, &next).await;
}

#[tokio::test]
async fn a_chain_is_sent_as_a_whole() {
    let root = authority("root");
    let between = root.intermediate();
    let leaf = between.leaf("localhost");
    let whole = Leaf { chain: leaf.chain.clone() + &between.pem, key: leaf.key.clone() };
    let mut mounted = Mounted::new(&whole);
    let (server, _watch) = serve(mounted.files(), &root);
    assert!(server.try_connect(client(&root.pem)).await.is_ok());
    mounted.exchange(&leaf.chain, &leaf.key);
    until(|| reloads(&server, "success") == 1).await;
    assert!(server.try_connect(client(&root.pem)).await.is_err(), "the client does not know who is between");
}

#[test]
fn expiry_is_that_of_the_first_to_end() {
    let root = authority("root");
    let end = SystemTime::now() + DAY;
    let leaf = root.leaf_until("localhost", end);
    let pair =
        multipod_certs::Pair::read(leaf.chain.as_bytes(), leaf.key.as_bytes(), SystemTime::now()).unwrap();
    let difference = end.duration_since(pair.ends).unwrap_or_else(|early| early.duration());
    assert!(difference <= Duration::from_secs(1));
    let error =
        multipod_certs::Pair::read(leaf.chain.as_bytes(), leaf.key.as_bytes(), end + DAY).unwrap_err();
    assert!(error.to_string().starts_with("the certificate has expired: it was valid until "), "{error}");
}

#[tokio::test]
async fn without_a_certificate_that_is_valid_it_is_not_ready() {
    let root = authority("root");
    let mounted = Mounted::new(&root.leaf("localhost"));
    let (server, _watch) = serve(mounted.files(), &root);
    assert_eq!(server.admin("/readyz").await.0, 200);
    let material = mounted.files().read().unwrap();
    let configured = mounted.files().configure(&material, SystemTime::now()).unwrap();
    server.shared.tls.replace(configured.config, SystemTime::now() - DAY);
    let (status, text) = server.admin("/readyz").await;
    assert!(status == 503 && text.contains("[-]certificate failed\n"), "{text}");
    assert_eq!(server.admin("/livez").await.0, 200, "a restart would change nothing");
}

#[test]
fn what_is_made_in_memory_is_valid_for_its_names_and_for_clocks_that_are_wrong() {
    use rustls::client::{WebPkiServerVerifier, danger::ServerCertVerifier};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
    use x509_parser::prelude::{FromDer, X509Certificate};

    let names = ["multipod.multipod.svc".to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
    for made in [SystemTime::now(), SystemTime::now() + DAY * 365 * 20] {
        let embedded = multipod_certs::Embedded::make(&names, made).unwrap();
        let leaf = &embedded.pair.certified.cert[0];
        let authority = CertificateDer::from_pem_slice(embedded.authority.as_bytes()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let check = |name: &str, clock: SystemTime| {
            let clock = UnixTime::since_unix_epoch(clock.duration_since(SystemTime::UNIX_EPOCH).unwrap());
            verifier.verify_server_cert(
                leaf,
                &[],
                &ServerName::try_from(name.to_owned()).unwrap(),
                &[],
                clock,
            )
        };
        let half_an_hour = DAY / 48;
        for name in &names {
            for clock in [made - half_an_hour, made, made + half_an_hour, made + DAY * 300] {
                assert!(check(name, clock).is_ok(), "{name}: {:?}", check(name, clock));
            }
        }
        assert!(check("elsewhere", made).is_err());
        assert!(check("localhost", made + DAY * 400).is_err());

        let (_, authority) = X509Certificate::from_der(&authority).unwrap();
        let (_, leaf) = X509Certificate::from_der(leaf).unwrap();
        assert!(leaf.validity().not_after <= authority.validity().not_after);
        assert!(leaf.validity().not_before >= authority.validity().not_before);
        assert_eq!(
            leaf.signature_algorithm.algorithm.to_string(),
            "1.2.840.10045.4.3.2",
            "ECDSA with SHA-256"
        );
        let curve = leaf.public_key().algorithm.parameters.as_ref().unwrap().as_oid().unwrap();
        assert_eq!(curve.to_string(), "1.2.840.10045.3.1.7", "P-256");
        let usage = leaf.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.server_auth && !usage.client_auth && !usage.any);
        assert!(!leaf.is_ca());
    }
}

#[tokio::test]
async fn only_clients_of_the_authority_with_the_right_name_may_connect() {
    let (ours, theirs, strangers) = (authority("ours"), authority("theirs"), authority("strangers"));
    let mounted = Mounted::new(&ours.leaf("localhost"));
    let client_ca = mounted.folder.path().join("clients.crt");
    fs::write(&client_ca, &theirs.pem).unwrap();
    for names in [vec![], vec!["kube-apiserver".to_owned(), "tester".to_owned()]] {
        let named = !names.is_empty();
        let files = Files { client_ca: Some(client_ca.clone()), client_names: names, ..mounted.files() };
        let (server, _watch) = serve(files, &ours);
        let review = reviews::pod(&json!({})).to_string();
        let asks = async |config: rustls::ClientConfig| {
            // With TLS 1.3 a client learns of its refusal only when it reads.
            let stream = server.try_connect(config).await.ok()?;
            let io = hyper_util::rt::TokioIo::new(stream);
            let (mut http, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
            tokio::spawn(async move { drop(connection.await) });
            Some(post(&mut http, "/mutate", &review).await.ok()?.status.as_u16())
        };
        let with = |authority: &Authority, name: &str| {
            let leaf = authority.leaf(name);
            client_with(&ours.pem, &leaf.chain, &leaf.key)
        };
        assert_eq!(asks(with(&theirs, "kube-apiserver")).await, Some(200));
        assert_eq!(asks(with(&theirs, "somebody")).await, if named { None } else { Some(200) });
        assert_eq!(asks(with(&strangers, "kube-apiserver")).await, None);
        assert_eq!(asks(client(&ours.pem)).await, None);
        let probe = server.admin("/livez").await;
        assert_eq!(probe.0, 200, "probes need no certificate");
    }
}

/// However many others come from several addresses, say nothing, and come again when they are closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_with_the_right_certificate_keep_half_of_the_connections() {
    const ALL: usize = 8;
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let mounted = Mounted::new(&ours.leaf("localhost"));
    let client_ca = mounted.folder.path().join("clients.crt");
    fs::write(&client_ca, &theirs.pem).unwrap();
    let limits = Limits { connections: ALL, client_certificates: true, ..Limits::default() };
    let (server, _watch) =
        serve_within(limits, Files { client_ca: Some(client_ca), ..mounted.files() }, &ours);
    let (address, mut crowd) = (server.reviews, JoinSet::new());
    for stranger in 0..40 {
        crowd.spawn(async move {
            loop {
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind((Ipv4Addr::new(127, 0, 1, stranger % 4 + 1), 0).into()).unwrap();
                if let Ok(mut stream) = socket.connect(address).await {
                    let _ = stream.read(&mut [0]).await;
                }
            }
        });
    }
    let (leaf, review) = (theirs.leaf("kube-apiserver"), reviews::pod(&json!({})).to_string());
    let mut kept = Vec::new();
    for _ in 0..ALL / 2 {
        // On a busy machine a handshake may take longer than a stranger gets for it: the next call comes again. Its turn
        // comes at the first attempt.
        let asks = async {
            loop {
                if let Ok(stream) = server.try_connect(client_with(&ours.pem, &leaf.chain, &leaf.key)).await {
                    return stream;
                }
            }
        };
        let stream = timeout(PATIENCE, asks).await.expect("its turn comes");
        let io = hyper_util::rt::TokioIo::new(stream);
        let (http, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        kept.push(http);
        for http in &mut kept {
            assert_eq!(post(http, "/mutate", &review).await.unwrap().status, 200);
        }
    }
    // Longer than anybody may be silent while others wait.
    sleep(Duration::from_secs(2)).await;
    for http in &mut kept {
        assert_eq!(post(http, "/mutate", &review).await.unwrap().status, 200);
    }
}
