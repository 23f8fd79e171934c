//! The HTTPS client: sends reviews to a webhook as an API server does.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use multipod_inpod::certificates;
use rustls::crypto::aws_lc_rs::default_provider;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// As long as an API server waits where nobody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Webhook {
    agent: Agent,
    url: String,
}

impl Webhook {
    /// The webhook at a URL, whose authority is in a file or fetched from another one.
    pub(super) fn reach(url: &str, ca: &str) -> Result<Webhook, String> {
        let Some(host) = url.strip_prefix("https://") else {
            return Err(format!("--url {url}: a webhook is asked by https://"));
        };
        let path = if host.trim_end_matches('/').contains('/') { "" } else { "/mutate" };
        let url = format!("{}{path}", url.trim_end_matches('/'));
        let pem = if ca.starts_with("http://") || ca.starts_with("https://") {
            fetched(ca).map_err(|why| format!("{ca}: {why}\n{NOBODY}"))?
        } else {
            std::fs::read(Path::new(ca)).map_err(|error| format!("{ca}: {error}"))?
        };
        let authorities = certificates(Ok(pem)).map_err(|why| format!("{ca}: {why}"))?;
        Ok(Webhook { agent: agent(RootCerts::from(authorities)), url })
    }

    /// The answer to a review, and how long it took from the first byte of the connection on.
    pub(super) fn ask(&self, review: &Value) -> Result<(Vec<u8>, Duration), String> {
        let url = format!("{}?timeout={}s", self.url, TIMEOUT.as_secs());
        let begun = Instant::now();
        let request = self.agent.post(&url).header("content-type", "application/json");
        let failed = |error| format!("{}: {}", self.url, reason(&error));
        let mut response = request.send(review.to_string()).map_err(failed)?;
        let body = response.body_mut().read_to_vec().map_err(failed)?;
        let took = begun.elapsed();
        if !response.status().is_success() {
            let text = String::from_utf8_lossy(&body);
            return Err(format!("{} answers with status {}: {}", self.url, response.status(), text.trim()));
        }
        Ok((body, took))
    }
}

const NOBODY: &str =
    "start a webhook here with multipod serve, or name one with --url and --ca; without one: multipod diff";

fn agent(roots: RootCerts) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(TIMEOUT))
        .user_agent(concat!("multipod/", env!("CARGO_PKG_VERSION")))
        .build();
    config.new_agent()
}

fn fetched(url: &str) -> Result<Vec<u8>, String> {
    let public = agent(RootCerts::from(Vec::<Certificate<'static>>::new()));
    let mut response = public.get(url).call().map_err(|error| reason(&error))?;
    let status = response.status();
    let body = response.body_mut().read_to_vec().map_err(|error| reason(&error))?;
    if status.is_success() {
        Ok(body)
    } else {
        Err(format!("status {status}: {}", String::from_utf8_lossy(&body).trim()))
    }
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
            "connection refused".to_owned()
        }
        ureq::Error::Io(error) => plain(error),
        ureq::Error::Timeout(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
        ureq::Error::HostNotFound => "the name does not resolve".to_owned(),
        other => other.to_string(),
    }
}

fn plain(error: &io::Error) -> String {
    error.to_string().split(" (os error").next().unwrap_or_default().to_owned()
}
