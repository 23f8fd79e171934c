//! Clients that others have written, against the server as people run it.

use crate::support::sim;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::reviews::{REAL, verify};
use crate::support::sim::replica::{Replica, Secret};
use crate::support::tools::left_out;
use serde_json::Value;
use tempfile::TempDir;

/// A server, and a folder with its authority.
async fn started() -> (Secret, Replica, TempDir) {
    let secret = Secret::new();
    let replica = Replica::start(&secret, &["--drain-floor=1ms"]).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.crt"), &secret.authority).unwrap();
    std::fs::write(folder.path().join("review.json"), REAL[0]).unwrap();
    (secret, replica, folder)
}

fn uid() -> String {
    let review: Value = serde_json::from_str(REAL[0]).unwrap();
    review["request"]["uid"].as_str().unwrap().to_owned()
}

fn run(command: &mut Command, input: &[u8]) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = piped.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    process.stdin.take().unwrap().write_all(input).unwrap();
    process.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_is_answered_twice_on_one_connection_by_every_version_of_tls() {
    let (_secret, replica, folder) = started().await;
    for (version, most) in [("--tlsv1.2", "1.2"), ("--tlsv1.3", "1.3")] {
        let url = format!("https://localhost:{}/mutate?timeout=5s", replica.reviews.port());
        let mut curl = Command::new("curl");
        curl.current_dir(folder.path()).env_remove("HTTPS_PROXY").args(["--noproxy", "*", "-sS"]);
        curl.args(["--max-time", "60", "--cacert", "ca.crt", version, "--tls-max", most]);
        curl.args(["--resolve", &format!("localhost:{}:127.0.0.1", replica.reviews.port())]);
        curl.args(["-H", "Content-Type: application/json", "--data-binary", "@review.json"]);
        curl.args(["-w", "\n%{http_code} %{num_connects}\n", &url, &url]);
        let output = run(&mut curl, b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines: Vec<&str> = text.lines().collect();
        let [first, connected, second, kept] = lines[..] else { panic!("{text}") };
        for answer in [first, second] {
            assert!(verify(answer.as_bytes(), &uid()).unwrap().patch.is_some());
        }
        assert_eq!((connected, kept), ("200 1", "200 0"));
    }
    replica.terminate();
    replica.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_verifies_the_certificate_and_is_answered() {
    let (_secret, replica, folder) = started().await;
    let request = format!(
        "POST /mutate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{}",
        REAL[0].len(),
        REAL[0]
    );
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder.path()).args([
        "s_client",
        "-quiet",
        "-verify_return_error",
        "-CAfile",
        "ca.crt",
    ]);
    openssl.args(["-verify_hostname", sim::NAME, "-servername", sim::NAME, "-alpn", "http/1.1"]);
    openssl.args(["-connect", &replica.reviews.to_string()]);
    let output = run(&mut openssl, request.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text}{errors}"));
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("connection: close"), "{head}");
    assert!(verify(body.as_bytes(), &uid()).unwrap().patch.is_some());

    // Without the authority it goes no further, so what was verified above was verified.
    let mut stranger = Command::new("openssl");
    stranger.args(["s_client", "-quiet", "-verify_return_error", "-no-CAfile", "-no-CApath", "-no-CAstore"]);
    let output = run(stranger.args(["-connect", &replica.reviews.to_string()]), b"");
    assert!(!output.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_http_of_go_is_answered_and_keeps_its_connections() {
    let (_secret, replica, folder) = started().await;
    if Command::new("go").arg("version").output().is_err() {
        return left_out("the client in tests/data/goclient", "go");
    }
    let program = folder.path().join("goclient");
    let mut build = Command::new("go");
    build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/goclient"));
    build.env("GOTOOLCHAIN", "local").env("GOPROXY", "off").env("GOFLAGS", "").env("GOWORK", "off");
    let built = run(build.args(["build", "-o"]).arg(&program).arg("."), b"");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    let url = format!("https://{}/mutate?timeout=10s", replica.reviews);
    let mut client = Command::new(&program);
    client.current_dir(folder.path()).env_clear().args([&url, "ca.crt"]);
    let output = run(&mut client, REAL[0].as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let crowd: u32 = text
        .trim()
        .strip_prefix("crowd=")
        .and_then(|text| text.strip_suffix(" alone=0"))
        .unwrap_or_else(|| panic!("connections were kept: {text}"))
        .parse()
        .unwrap();
    // Twenty at one time; a dial that was overtaken by a connection that came free may be one too many.
    assert!((1..=60).contains(&crowd), "{text}");
    let reviewed = replica.metric("multipod_admission_requests_total", "").await;
    assert_eq!(reviewed, 210, "not one was sent twice");
}
