//! The HTTPS client: sends reviews to a webhook as an API server does.

use std::fs;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use multipod_https::Certificate;
use serde_json::Value;
use ureq::Agent;

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
            Ok(fetched(ca).map_err(|why| format!("{ca}: {why}\n{NOBODY}"))?)
        } else {
            fs::read(ca)
        };
        let authorities = multipod_https::authorities(pem).map_err(|why| format!("{ca}: {why}"))?;
        Ok(Webhook { agent: agent(authorities), url })
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

fn agent(authorities: Vec<Certificate<'static>>) -> Agent {
    multipod_https::client(Some(authorities)).proxy(None).timeout_global(Some(TIMEOUT)).build().new_agent()
}

fn fetched(url: &str) -> Result<Vec<u8>, String> {
    let public = agent(Vec::new());
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
        ureq::Error::Io(error) => multipod_https::reason(error),
        ureq::Error::Timeout(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
        ureq::Error::HostNotFound => "the name does not resolve".to_owned(),
        other => other.to_string(),
    }
}
