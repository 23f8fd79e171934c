//! The servers as processes, and what the kernel knows of them.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::client::Target;

/// `/proc` counts CPU time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// The program that was built beside this one; `make bench` builds it first.
pub(crate) fn multipod() -> PathBuf {
    let program = std::env::current_exe().unwrap().parent().unwrap().with_file_name("multipod");
    assert!(program.exists(), "{} is missing: make bench builds it", program.display());
    program
}

/// A certificate for all servers; ECDSA on P-256.
pub(crate) struct Files {
    _folder: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
    trusted: CertificateDer<'static>,
}

impl Files {
    pub(crate) fn make() -> Files {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let certificate = write("tls.crt", made.cert.pem());
        let key = write("tls.key", made.signing_key.serialize_pem());
        Files { trusted: made.cert.der().clone(), certificate, key, _folder: folder }
    }

    fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}

/// A server, which ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) target: Target,
}

impl Server {
    pub(crate) fn start(name: &str, files: &Files, pinned: bool) -> Server {
        let address = free_address();
        let mut arguments: Vec<String> = Vec::new();
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let program = if name == "multipod" {
            arguments.extend(["serve".to_owned(), "--listen".to_owned(), address.to_string()]);
            arguments.extend(["--admin-listen".to_owned(), free_address().to_string()]);
            arguments.extend(["--tls-cert".to_owned(), path(&files.certificate)]);
            arguments.extend(["--tls-key".to_owned(), path(&files.key)]);
            path(&multipod())
        } else {
            arguments.extend([
                name.to_owned(),
                address.to_string(),
                path(&files.certificate),
                path(&files.key),
            ]);
            path(&std::env::current_exe().unwrap())
        };
        let mut command = if pinned { Command::new("taskset") } else { Command::new(&program) };
        if pinned {
            command.args(["-c", "0", &program]);
        }
        let quiet = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Server { child: quiet.spawn().unwrap(), target: Target::new(address, files.client()) }
    }

    /// User and system time of the whole process.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks: u32 = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u32>().unwrap()).sum();
        TICK * ticks
    }

    /// In bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nobody else takes it in the moment until the server does, or the run stops.
fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

/// Leaves the first core to the servers, if there are two and a tool for it.
pub(crate) fn pin_generator() -> bool {
    let own = std::process::id().to_string();
    available_parallelism().is_ok_and(|cpus| cpus.get() > 1)
        && Command::new("taskset")
            .args(["-cp", "1", &own])
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}

/// How often a queue of new connections was full, since the machine began.
pub(crate) fn listen_overflows() -> f64 {
    let text = fs::read_to_string("/proc/net/netstat").unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next().unwrap().split(' '), lines.next().unwrap().split(' '));
    let (_, value) = names.zip(values).find(|(name, _)| *name == "ListenOverflows").unwrap();
    value.parse().unwrap()
}
