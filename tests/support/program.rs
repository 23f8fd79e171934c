//! The program as a server, in a process of its own.
#![allow(dead_code, unreachable_pub)] // Each program uses its own part.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use http_body_util::BodyExt;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use serde_json::{Value, json};

use super::reviews::pod;

/// A server with a certificate made in memory, on ports that are free.
pub struct Server {
    pub process: Child,
    pub announced: Vec<String>,
    pub reviews: String,
    pub admin: String,
}

pub fn multipod() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multipod"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn serve(arguments: &[&str]) -> Server {
    let mut command = multipod();
    command.args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--drain-floor=1ms"]);
    started(command.args(arguments))
}

pub fn started(command: &mut Command) -> Server {
    let mut process = command.spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let announced: Vec<String> = lines.map_while(Result::ok).take(6).collect();
    let Some(first) = announced.first() else {
        let mut errors = String::new();
        process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        panic!("it does not serve: {errors}");
    };
    let after = |scheme: &str| {
        let rest = first.split(scheme).nth(1).unwrap();
        rest.split([' ', ')']).next().unwrap().to_owned()
    };
    Server { reviews: after("https://"), admin: after("http://"), announced, process }
}

impl Server {
    pub fn admin(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Posts a body and takes what comes back, status first.
    pub fn post(&self, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let authority = self.admin("/ca.crt");
        let address = self.reviews.clone();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
            let config = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
            let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
            let stream = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
            let io = hyper_util::rt::TokioIo::new(stream);
            let (mut http, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            tokio::spawn(async move { drop(connection.await) });
            let request = http::Request::post(path)
                .header("content-type", "application/json")
                .body(http_body_util::Full::new(hyper::body::Bytes::copy_from_slice(body)))
                .unwrap();
            let response = http.send_request(request).await.unwrap();
            let status = response.status().as_u16();
            (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
        })
    }

    pub fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Ends it as a cluster does; its log.
    pub fn end(mut self) -> String {
        self.signal("TERM");
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(0), "{log}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn ambassador() -> Value {
    pod(&json!({"multipod/ambassador": "80:8775"}))
}

pub fn decided(log: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    lines.filter(|line| line["message"] == "review").collect()
}

pub fn exchange(folder: &Path, name: &str, text: &str) {
    let new = folder.join(".new");
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}

pub fn wait_until(mut condition: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if condition() {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("it never comes");
}
