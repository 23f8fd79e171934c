//! `multipod wait-for` as a process, with real sockets.

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

#[test]
fn an_open_port_is_ready_at_once() {
    for address in ["127.0.0.1", "[::1]", "localhost"] {
        let Ok(listener) = TcpListener::bind(format!("{address}:0")) else { continue };
        let target = format!("{address}:{}", listener.local_addr().unwrap().port());
        let (code, said) = run(&["--timeout=30s", &target]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.starts_with(&format!("multipod: {target} is ready after ")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_port_that_opens_later_is_waited_for() {
    let target = free_address();
    let mut waiting = Waiting::start(&["--every=50ms", "--timeout=30s", &target]);
    let first = waiting.line();
    assert!(first.starts_with(&format!("multipod: waiting for {target}: connection refused (")), "{first}");
    assert!(first.ends_with(" s, up to 30s)\n"), "{first}");
    let listener = TcpListener::bind(&target).unwrap();
    let ready = waiting.line();
    assert!(ready.starts_with(&format!("multipod: {target} is ready after ")), "{ready}");
    assert_eq!(waiting.code(), Some(0));
    drop(listener);
}

#[test]
fn when_the_time_is_over_the_last_error_is_told() {
    let target = free_address();
    let (code, said) = run(&["--every=50ms", "--timeout=1s", &target]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.ends_with(&format!("multipod: {target} is not ready after 1s: connection refused\n")),
        "{said}"
    );
    assert_eq!(said.matches("waiting for").count(), 1, "{said}");
}

#[test]
fn an_attempt_that_the_end_cuts_off_does_not_hide_the_error_before() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (first, _) = listener.accept().unwrap();
        answer(&first, "503 Service Unavailable");
        drop(first);
        // Held, not answered, until the other side has had enough.
        let (mut second, _) = listener.accept().unwrap();
        let _ = second.read_to_end(&mut Vec::new());
    });
    let (code, said) = run(&["--every=50ms", "--timeout=2s", &target]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.ends_with("is not ready after 2s: answered with status 503 Service Unavailable\n"),
        "{said}"
    );
    server.join().unwrap();
}

#[test]
fn a_name_that_resolves_is_ready() {
    let (code, said) = run(&["--timeout=30s", "dns:localhost"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("dns:localhost is ready"), "{said}");
}

#[test]
fn a_name_that_does_not_resolve_is_told() {
    for target in
        ["dns:does-not-exist.invalid", "does-not-exist.invalid:80", "http://does-not-exist.invalid/"]
    {
        let (code, said) = run(&["--every=50ms", "--timeout=200ms", "--attempt-timeout=30s", target]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("does not resolve") || said.contains("timed out"), "{said}");
    }
}

#[test]
fn a_page_is_ready_when_its_status_is_2xx_or_3xx() {
    for status in ["200 OK", "204 No Content", "302 Found\r\nLocation: /elsewhere"] {
        let server = Server::start(&["503 Service Unavailable", "404 Not Found", status]);
        let url = format!("http://{}/ready?x=y", server.address);
        let (code, said) = run(&["--every=10ms", "--timeout=30s", &url]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("waiting for {url}: answered with status 503")), "{said}");
        assert!(said.contains("answered with status 404"), "{said}");
        assert!(said.contains(&format!("{url} is ready after")), "{said}");
        for request in server.requests() {
            assert!(request.starts_with("GET /ready?x=y HTTP/1.1"), "{request}");
        }
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up_after_the_attempt_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut waiting = Waiting::start(&["--every=10ms", "--attempt-timeout=500ms", "--timeout=30s", &url]);
    let first = waiting.line();
    assert!(first.contains(": timed out ("), "{first}");
    let server = thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(&stream, "200 OK");
        }
    });
    while !waiting.line().contains("is ready") {}
    assert_eq!(waiting.code(), Some(0));
    drop(server);
}

#[test]
fn https_needs_a_certificate_that_is_trusted() {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("ca.pem");
    fs::write(&pem, format!("# of the test\n{}", issued.cert.pem())).unwrap();
    let port = serve_tls(issued.cert.der().to_vec(), issued.signing_key.serialize_der());
    let ca = format!("--ca={}", pem.display());
    for (ca, host, said) in [
        (Some(&ca), "localhost", "is ready after"),
        (Some(&ca), "127.0.0.1", "not valid for name"),
        (None, "localhost", "not known here (see --ca)"),
    ] {
        let url = format!("https://{host}:{port}/");
        let mut arguments = vec!["--attempt-timeout=30s"];
        arguments.extend(ca.map(String::as_str));
        arguments.push(&url);
        let line = Waiting::start(&arguments).line();
        assert!(line.contains(said), "{line}");
    }
}

#[test]
fn sigterm_ends_it_in_the_middle_of_an_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut waiting = Waiting::start(&["--attempt-timeout=1h", "--timeout=1h", &url]);
    // The request has come, so the handlers stand and the attempt is running.
    let _connection = listener.accept().unwrap();
    waiting.terminate();
    assert_eq!(waiting.line(), "multipod: told to end by signal 15\n");
    assert_eq!(waiting.code(), Some(143));
}

#[test]
fn wrong_usage_ends_with_2_and_shows_the_allowed_forms() {
    for (arguments, said) in [
        (&[][..], "<TARGET>"),
        (&["db"], "expected HOST:PORT such as db:5432; write HOST:PORT"),
        (&["db:0"], "expected a port between 1 and 65535"),
        (&[":80"], "the host is missing"),
        (&["::1:80"], "[IPV6]:PORT"),
        (
            &["tcp://db:80"],
            "expected https or http, did you mean http?; write HOST:PORT, [IPV6]:PORT, dns:NAME, http://HOST… or https://HOST…",
        ),
        (&["--timeout=10", "db:80"], "500ms, 30s, 5m or 1h30m"),
        (&["--every=0s", "db:80"], "more than zero"),
        (&["--ca=/does/not/exist", "https://web"], "/does/not/exist: no such file"),
        (&["--ca=/dev/null", "https://web"], "no certificate in it"),
    ] {
        let (code, error) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multipod"));
    // A proxy that does not exist: it must not be asked.
    command.env("HTTP_PROXY", "http://127.0.0.1:9").env_remove("NO_PROXY").env_remove("no_proxy");
    command.arg("wait-for").args(arguments);
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(arguments).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// An address where nothing listens.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

struct Waiting {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Waiting {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    fn terminate(&self) {
        assert!(
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success()
        );
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers one request with each status, then ends.
struct Server {
    address: String,
    thread: JoinHandle<Vec<String>>,
}

impl Server {
    fn start(statuses: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let statuses = statuses.to_vec();
        let thread = thread::spawn(move || {
            statuses.into_iter().map(|status| answer(&listener.accept().unwrap().0, status)).collect()
        });
        Self { address, thread }
    }

    fn requests(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

/// Reads a request and answers; the request's first line.
fn answer(mut stream: &TcpStream, status: &str) -> String {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let _ = lines.find(String::is_empty);
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    first
}

/// Answers every HTTPS request with 200, as long as the tests run.
fn serve_tls(certificate: Vec<u8>, key: Vec<u8>) -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], PrivateKeyDer::Pkcs8(key.into()))
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, tcp);
            let mut request = [0; 4096];
            // A client that does not trust the certificate has gone by now.
            if matches!(stream.read(&mut request), Ok(1..)) {
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    port
}
