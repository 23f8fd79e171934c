//! Spans of reviews as a collector gets them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.

#[path = "../support/program.rs"]
mod program;
#[path = "../support/reviews.rs"]
mod reviews;
mod span;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::SystemTime;

use multipod_certs::{Embedded, server_config};
use program::{ambassador, multipod, serve, started};
use reviews::pod;
use serde_json::{Value, json};
use span::{Span, spans};

/// A collector on loopback: the path and the body of whatever is posted to it.
struct Collector {
    address: SocketAddr,
    posted: Receiver<(String, Vec<u8>)>,
}

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

impl Collector {
    fn start(status: &'static str) -> Collector {
        Collector::speaking(status, |tcp| Box::new(tcp))
    }

    fn speaking(
        status: &'static str,
        speak: impl Fn(TcpStream) -> Box<dyn Stream> + Send + 'static,
    ) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (send, posted) = channel();
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (stream, send) = (speak(stream), send.clone());
                thread::spawn(move || take(stream, status, &send));
            }
        });
        Collector { address, posted }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was sent until now.
    fn bodies(&self) -> Vec<Vec<u8>> {
        self.posted.try_iter().map(|(path, body)| (assert_eq!(path, "/v1/traces"), body).1).collect()
    }
}

fn take(stream: Box<dyn Stream>, status: &str, send: &Sender<(String, Vec<u8>)>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if reader.read_until(b'\n', &mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let _ = send.send((head.split(' ').nth(1).unwrap().to_owned(), body));
        if write!(reader.get_mut(), "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

fn sent(collector: &Collector) -> Vec<Span> {
    collector.bodies().iter().flat_map(|body| spans(body)).collect()
}

#[test]
fn each_review_is_one_span_with_the_slugs_of_the_log() {
    let collector = Collector::start("200 OK");
    let server = serve(&["--otlp-endpoint", &collector.url()]);
    let bad = pod(&json!({"multipod/ambassador": "8o:8775"}));
    for review in [&ambassador().to_string(), &bad.to_string(), &pod(&json!({})).to_string(), "{"] {
        server.post("/mutate", review.as_bytes());
    }
    server.end();
    let spans = sent(&collector);
    let told: Vec<[&str; 2]> =
        spans.iter().map(|span| ["outcome", "reason"].map(|name| span.text(name))).collect();
    let fates = [
        ["injected", "injected"],
        ["denied", "bad_value"],
        ["skipped", "not_requested"],
        ["error", "bad_json"],
    ];
    assert_eq!(told, fates);
    let first = &spans[0];
    assert_eq!((&*first.name, first.kind, first.is_error), ("mutate", span::SERVER, false));
    assert_eq!(first.text("uid"), "705ab4f5-6393-11e8-b7cc-42010a800002");
    assert_eq!(
        ["endpoint", "namespace", "patterns"].map(|name| first.text(name)),
        ["mutate", "shop", "ambassador"]
    );
    assert!(first.number("patch_bytes") > 100 && spans[2].number("patch_bytes") == 0);
    assert!(spans.iter().all(|span| span.begun > 0 && span.begun < span.ended));
    assert!(spans[3].is_error);
    assert_eq!(first.resource("service.name"), Some("multipod"));
}

#[test]
fn the_environment_can_name_the_collector_and_the_service_in_the_standard_way() {
    let collector = Collector::start("200 OK");
    let mut command = multipod();
    command.args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--drain-floor=1ms"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).env("OTEL_SERVICE_NAME", "injector");
    let server = started(&mut command);
    server.post("/mutate", ambassador().to_string().as_bytes());
    server.end();
    assert_eq!(sent(&collector)[0].resource("service.name"), Some("injector"));
}

#[test]
fn a_collector_behind_tls_is_known_by_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.crt");
    let embedded = Embedded::make(&["localhost".to_owned()], SystemTime::now()).unwrap();
    std::fs::write(&ca, &embedded.authority).unwrap();
    let config = Arc::new(server_config(&embedded.pair, None, false).unwrap());
    let collector = Collector::speaking("200 OK", move |tcp| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        Box::new(rustls::StreamOwned::new(connection, tcp))
    });
    let url = format!("https://localhost:{}", collector.address.port());
    let run = |authority: Option<&Path>| {
        let mut command = multipod();
        command.args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--drain-floor=1ms"]);
        command.args(["--otlp-endpoint", &url]);
        if let Some(authority) = authority {
            command.env("OTEL_EXPORTER_OTLP_CERTIFICATE", authority);
        }
        let server = started(&mut command);
        server.post("/mutate", ambassador().to_string().as_bytes());
        server.end()
    };
    assert!(run(None).contains("traces cannot be sent"));
    assert_eq!(sent(&collector).len(), 0);
    run(Some(&ca));
    assert_eq!(sent(&collector).len(), 1);
    let output = multipod()
        .args(["serve", "--otlp-endpoint", &url])
        .env("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && told.contains("CERTIFICATE=/nowhere: no such file"), "{told}");
}

#[test]
fn a_span_belongs_to_the_trace_of_its_request() {
    let collector = Collector::start("200 OK");
    let server = serve(&["--otlp-endpoint", &collector.url()]);
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), server.admin("/ca.crt")).unwrap();
    for flags in ["01", "00"] {
        let parent = format!("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        let mut curl = Command::new("curl");
        curl.args([
            "-sf",
            "-H",
            "content-type: application/json",
            "-H",
            &parent,
            "-H",
            "tracestate: canary=1",
        ]);
        curl.arg("--cacert").arg(ca.path()).arg("-d").arg(ambassador().to_string());
        let url = server.reviews.replace("127.0.0.1", "https://localhost");
        assert!(curl.arg(format!("{url}/mutate")).output().unwrap().status.success());
    }
    server.end();
    let spans = sent(&collector);
    assert_eq!(spans.len(), 1, "the second is not sampled by its parent");
    assert_eq!(spans[0].trace, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
    assert_eq!(spans[0].parent, 0xb7ad_6b71_6920_3331);
}

#[test]
fn nothing_of_a_review_is_sent_but_its_name_and_fate() {
    const CANARY: &str = "canary5f1c";
    let collector = Collector::start("200 OK");
    let server = serve(&["--log-level=trace", "--otlp-endpoint", &collector.url()]);
    let mut review = ambassador();
    review["request"]["userInfo"] = json!({"username": CANARY, "extra": {CANARY: [CANARY]}});
    let object = &mut review["request"]["object"];
    object["metadata"]["annotations"]["example.com/secret"] = json!(CANARY);
    object["metadata"]["labels"] = json!({"secret": CANARY});
    object["spec"]["containers"][0]["env"] = json!([{"name": "PASSWORD", "value": CANARY}, {"name": CANARY}]);
    let mut bad = review.clone();
    bad["request"]["object"]["metadata"]["annotations"]["multipod/ambassador"] = json!(CANARY);
    let mut twisted = review.clone();
    twisted["request"]["object"]["spec"]["containers"] = json!(CANARY);
    for path in ["/mutate", "/warn"] {
        for body in [&review, &bad, &twisted, &Value::from(CANARY)] {
            server.post(path, body.to_string().as_bytes());
        }
    }
    let log = server.end();
    assert!(!log.contains(CANARY), "{log}");
    let bodies = collector.bodies();
    assert_eq!(bodies.iter().flat_map(|body| spans(body)).count(), 8);
    for body in bodies {
        assert!(!body.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    }
}

#[test]
fn a_collector_that_is_away_refuses_or_says_nothing_holds_nobody_up() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refusing = Collector::start("403 Forbidden");
    // It takes connections, in its queue, and never a word of them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [gone, refusing.address, silent.local_addr().unwrap()] {
        let url = format!("http://{address}");
        let mut command = multipod();
        command.args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--drain-floor=1ms"]);
        // Sent at once, so that answers come while a batch is stuck.
        let server = started(command.args(["--otlp-endpoint", &url]).env("OTEL_BSP_SCHEDULE_DELAY", "1"));
        for _ in 0..20 {
            assert_eq!(server.post("/mutate", ambassador().to_string().as_bytes()).0, 200);
        }
        let log = server.end();
        let told = log.lines().filter(|line| line.contains("traces cannot be sent")).count();
        assert!(told <= 1, "{log}");
        assert!(log.contains("traces"), "{log}");
    }
}

#[test]
fn what_is_no_collector_is_told_before_anything_is_served() {
    for (url, why) in [
        ("collector:4318", "expected http://HOST:PORT"),
        ("http://a b", "invalid endpoint"),
        ("http://user:pass@collector:4318", "expected no user and password"),
    ] {
        let output = multipod().args(["serve", "--otlp-endpoint", url]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(why), "{told}");
    }
}
