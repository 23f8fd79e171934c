//! New connections beside those that are there: signing takes one turn at a time and nobody else's time.

use crate::support::reviews;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

use crate::support::running::{PATIENCE, client, post, run};
use multipod::admission::Snapshot;
use multipod::server::{Handlers, Limits, Shared};
use multipod_certs::{Embedded, Pair, Tls, server_config};
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

/// A key that signs only while it may, and knows how many wait for that.
#[derive(Clone, Debug)]
struct Slow {
    key: Arc<dyn SigningKey>,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
    signing: AtomicUsize,
    most: AtomicUsize,
    signed: AtomicUsize,
}

#[derive(Debug)]
struct SlowSigner(Box<dyn Signer>, Arc<Gate>);

impl SigningKey for Slow {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(SlowSigner(self.key.choose_scheme(offered)?, Arc::clone(&self.gate))))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}

impl Signer for SlowSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let gate = &self.1;
        let now = gate.signing.fetch_add(1, Ordering::SeqCst) + 1;
        gate.most.fetch_max(now, Ordering::SeqCst);
        let closed = gate.closed.lock().unwrap();
        // Not for ever, so that a server which signs everywhere at once fails and does not hang.
        drop(gate.opened.wait_timeout_while(closed, PATIENCE / 4, |closed| *closed).unwrap());
        gate.signing.fetch_sub(1, Ordering::SeqCst);
        gate.signed.fetch_add(1, Ordering::SeqCst);
        self.0.sign(message)
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_is_there_is_answered_however_long_the_handshakes_of_others_take() {
    const NEWCOMERS: usize = 60;
    let embedded = Embedded::make(&["localhost".to_owned()], SystemTime::now()).unwrap();
    let gate = Arc::new(Gate::default());
    let certified = &embedded.pair.certified;
    let key = Slow { key: Arc::clone(&certified.key), gate: Arc::clone(&gate) };
    let slow = CertifiedKey::new(certified.cert.clone(), Arc::new(key));
    let pair = Pair { certified: Arc::new(slow), ..embedded.pair };
    let tls = Tls::new(server_config(&pair, None, false).unwrap(), pair.ends);
    let shared = Arc::new(Shared::new(Snapshot::default(), tls, Limits::default()));
    let server = run(shared, Handlers::default(), embedded.authority);
    let review = reviews::pod(&json!({})).to_string();
    let mut old = server.http().await;
    assert_eq!(post(&mut old, "/mutate", &review).await.unwrap().status, 200);
    let before = gate.signed.load(Ordering::SeqCst);

    *gate.closed.lock().unwrap() = true;
    let connector = TlsConnector::from(Arc::new(client(&server.authority)));
    let mut newcomers = JoinSet::new();
    for _ in 0..NEWCOMERS {
        let (connector, address) = (connector.clone(), server.reviews);
        newcomers.spawn(async move {
            let tcp = TcpStream::connect(address).await?;
            connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await
        });
    }
    let begun = async {
        while gate.signing.load(Ordering::SeqCst) == 0
            || server.shared.metrics.accepted.get() <= NEWCOMERS as u64
        {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, begun).await.expect("everybody is there");
    for _ in 0..200 {
        assert_eq!(post(&mut old, "/mutate", &review).await.unwrap().status, 200);
    }
    assert_eq!(gate.signed.load(Ordering::SeqCst), before, "all that time somebody was signing");
    assert_eq!(gate.most.load(Ordering::SeqCst), 1, "one at a time");

    *gate.closed.lock().unwrap() = false;
    gate.opened.notify_all();
    let shaken = newcomers.join_all().await;
    assert!(shaken.iter().all(Result::is_ok), "and in the end everybody has shaken hands");
    assert_eq!(gate.most.load(Ordering::SeqCst), 1);
}
