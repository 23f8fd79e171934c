//! One attempt to reach a target, bounded in time.

use multipod_https::{Certificate, reason};
use multipod_values::{Host, Target};
use rustls::CertificateError;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use ureq::Agent;

/// Tries one target again and again.
pub(super) struct Probe {
    target: Target,
    agent: Agent,
    lookup: Lookup,
}

impl Probe {
    pub(super) fn new(target: Target, authorities: Option<Vec<Certificate<'static>>>) -> Self {
        // The target itself is what is waited for: no proxy in between.
        let config = multipod_https::client(authorities).proxy(None).max_idle_connections(0).build();
        Self { target, agent: config.new_agent(), lookup: Lookup::default() }
    }

    /// Ready, or why not.
    pub(super) fn attempt(&mut self, allowed: Duration) -> Result<(), String> {
        let deadline = Instant::now() + allowed;
        match &self.target {
            Target::Name(name) => self.lookup.addresses(name, 0, deadline).map(|_| ()),
            Target::Port(host, port) => {
                let addresses = match host {
                    Host::Name(name) => self.lookup.addresses(name, port.get(), deadline)?,
                    Host::V4(address) => vec![(*address, port.get()).into()],
                    Host::V6(address) => vec![(*address, port.get()).into()],
                };
                connect(&addresses, deadline)
            }
            Target::Page(url) => get(&self.agent, &url.to_string(), allowed),
        }
    }
}

/// The first address that answers; each gets its share of the time, so that a dead one does not use it up.
fn connect(addresses: &[SocketAddr], deadline: Instant) -> Result<(), String> {
    let mut last = "the name has no address".to_owned();
    for (index, address) in addresses.iter().enumerate() {
        let share = remaining(deadline) / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        if share.is_zero() {
            return Err("timed out".to_owned());
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(_) => return Ok(()),
            Err(error) => last = network_reason(&error),
        }
    }
    Err(last)
}

fn get(agent: &Agent, url: &str, allowed: Duration) -> Result<(), String> {
    let request = agent.get(url).config().timeout_global(Some(allowed)).build();
    match request.call() {
        Ok(response) if response.status().is_success() || response.status().is_redirection() => Ok(()),
        Ok(response) => Err(format!("answered with status {}", response.status())),
        Err(ureq::Error::Timeout(_)) => Err("timed out".to_owned()),
        Err(ureq::Error::HostNotFound) => Err("the name does not resolve".to_owned()),
        Err(ureq::Error::Io(error)) => Err(network_reason(&error)),
        Err(error) => Err(error.to_string()),
    }
}

/// Kinds first: the systems word the same thing differently.
fn network_reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "timed out".to_owned(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => {
            "connection closed by the other side".to_owned()
        }
        _ if is_unknown_issuer(error) => {
            "the certificate's authority is not known here (see --ca)".to_owned()
        }
        _ => {
            let text = reason(error);
            // The standard library has no kind for this one.
            match text.strip_prefix("failed to lookup address information: ") {
                Some(detail) => format!("the name does not resolve: {detail}"),
                None => text,
            }
        }
    }
}

fn is_unknown_issuer(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(cause, Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)))
}

fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// The system's name resolution, which cannot be interrupted: in a thread, and never more than one.
#[derive(Default)]
struct Lookup {
    running: Option<Receiver<io::Result<Vec<SocketAddr>>>>,
}

impl Lookup {
    fn addresses(&mut self, host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, String> {
        let receiver = self.running.take().unwrap_or_else(|| Self::start(host.to_owned(), port));
        match receiver.recv_timeout(remaining(deadline)) {
            Ok(Ok(addresses)) if addresses.is_empty() => Err("the name has no address".to_owned()),
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => Err(network_reason(&error)),
            Err(RecvTimeoutError::Timeout) => {
                self.running = Some(receiver);
                Err("name resolution timed out".to_owned())
            }
            Err(RecvTimeoutError::Disconnected) => Err("no thread for name resolution".to_owned()),
        }
    }

    fn start(host: String, port: u16) -> Receiver<io::Result<Vec<SocketAddr>>> {
        let (sender, receiver) = channel();
        // If no thread can be started, the sender is dropped with the closure, and the receiver notices.
        let _ = thread::Builder::new().name("resolve".to_owned()).spawn(move || {
            let _ = sender.send((host.as_str(), port).to_socket_addrs().map(Iterator::collect));
        });
        receiver
    }
}
