//! Servers as processes of their own, with certificates from a folder as a mounted Secret is one.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::NAME;
use crate::support::running::PATIENCE;

/// An authority, and the folder where it puts what it has issued last.
pub struct Secret {
    folder: TempDir,
    params: CertificateParams,
    key: KeyPair,
    versions: u32,
    pub authority: String,
}

impl Secret {
    pub fn new() -> Secret {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "the authority");
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap().pem();
        let mut secret = Secret { folder: tempfile::tempdir().unwrap(), params, key, versions: 0, authority };
        secret.renew();
        for file in ["tls.crt", "tls.key"] {
            symlink(Path::new("..data").join(file), secret.folder.path().join(file)).unwrap();
        }
        secret
    }

    /// Issues a certificate, and exchanges it for the last one as the kubelet does: by a link, in one step.
    pub fn renew(&mut self) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([NAME.to_owned(), "localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, NAME);
        let certificate = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        let folder = self.folder.path();
        let old = folder.join(format!("..{}", self.versions));
        self.versions += 1;
        let new = format!("..{}", self.versions);
        fs::create_dir(folder.join(&new)).unwrap();
        fs::write(folder.join(&new).join("tls.crt"), certificate.pem()).unwrap();
        fs::write(folder.join(&new).join("tls.key"), key.serialize_pem()).unwrap();
        symlink(&new, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        let _ = fs::remove_dir_all(old);
    }

    /// What the file of the certificate holds, as bytes that a peer sees.
    pub fn leaf(&self) -> Vec<u8> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        CertificateDer::from_pem_file(self.folder.path().join("tls.crt")).unwrap().to_vec()
    }
}

/// A server, until it is dropped.
pub struct Replica {
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    pub reviews: SocketAddr,
    pub admin: SocketAddr,
}

impl Replica {
    /// Starts one, and waits until it is ready.
    pub async fn start(secret: &Secret, options: &[&str]) -> Replica {
        Replica::start_in(secret, options, None, &[]).await
    }

    /// The same with an environment, in the cgroup of which this is the list of processes.
    pub async fn start_in(
        secret: &Secret,
        options: &[&str],
        processes: Option<&Path>,
        environment: &[(String, String)],
    ) -> Replica {
        // What is measured is only worth telling of the program as people run it: that of a release.
        let program =
            env::var_os("MULTIPOD_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_multipod").into());
        let mut command = match processes {
            None => Command::new(program),
            // It is there before it is the program, so that all that it takes counts.
            Some(processes) => {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(processes).arg(program);
                command
            }
        };
        command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json"]);
        for (option, file) in [("--tls-cert", "tls.crt"), ("--tls-key", "tls.key")] {
            command.arg(option).arg(secret.folder.path().join(file));
        }
        let mut process = command.args(options).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap());
        let (reviews, admin) = announced(&mut lines);
        let log = Arc::default();
        let reader = Some(keep_reading(lines, Arc::clone(&log)));
        let replica = Replica { process, log, reader, reviews, admin };
        let ready = async {
            while replica.admin("/readyz").await.is_none_or(|(status, _)| status != 200) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, ready).await.expect("it becomes ready");
        replica
    }

    /// Asks the admin port.
    pub async fn admin(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.admin).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// The sum of all lines of a metric whose labels contain a text; nothing where it was never counted.
    pub async fn metric(&self, name: &str, labels: &str) -> u64 {
        let (_, text) = self.admin("/metrics").await.expect("the admin port answers");
        let lines = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']) && rest.contains(labels))
        });
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// How many bytes of memory it has, and how many descriptors.
    pub fn size(&self) -> (usize, usize) {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count();
        (self.memory("VmRSS:"), descriptors)
    }

    /// How many bytes of memory it had at most.
    pub fn peak(&self) -> usize {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    pub fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(killed.unwrap().success());
    }

    /// Waits until it has ended by itself, well; its log.
    pub async fn ended(mut self) -> String {
        let end = async {
            loop {
                if let Some(status) = self.process.try_wait().unwrap() {
                    return status;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let status = timeout(PATIENCE, end).await.expect("it ends");
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads on, so that its writer never waits, and keeps what is no decision.
fn keep_reading(lines: BufReader<ChildStderr>, log: Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            if !line.contains(r#""message":"review""#) {
                log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        }
    })
}

fn announced(lines: &mut BufReader<ChildStderr>) -> (SocketAddr, SocketAddr) {
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it does not serve: {seen}");
        seen += &line;
        let told: Value = serde_json::from_str(&line).unwrap_or_default();
        let address = |name: &str| told[name].as_str().and_then(|text| text.parse().ok());
        if let (Some(reviews), Some(admin)) = (address("reviews"), address("admin")) {
            return (reviews, admin);
        }
    }
}
