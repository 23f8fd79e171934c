//! The Secret that the server mounts.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use multipod_certs::{CertError, Pair, Signed, first_of};

const DAY: u64 = 24 * 3600;

/// The content of the Secret.
#[derive(Clone, Debug)]
pub(super) struct Material {
    pub(super) signed: Signed,
    /// In PEM: the authority that signed the leaf, and the one before while both are in use.
    pub(super) authorities: String,
}

impl Material {
    /// Reads a Secret; an empty text is none.
    pub(super) fn read(text: &str) -> Result<Option<Material>, String> {
        let documents = multipod_yaml::documents(text)
            .map_err(|error| format!("line {}: {}", error.line, error.message))?;
        let Some(document) = documents.iter().find(|document| !document.is_empty()) else { return Ok(None) };
        let value = document.value();
        if value["kind"] != "Secret" {
            return Err(format!(
                "expected a Secret, found {}",
                value["kind"].as_str().unwrap_or("something else")
            ));
        }
        let read = |key: &str| {
            let text = value["data"][key].as_str().ok_or(format!("the Secret has no {key}"))?;
            let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|error| format!("{key}: {error}"))?;
            String::from_utf8(bytes).map_err(|_| format!("{key}: not PEM"))
        };
        let signed = Signed { chain: read("tls.crt")?, key: read("tls.key")? };
        Ok(Some(Material { signed, authorities: read("ca.crt")? }))
    }

    /// Whether it is good for another third of `life`, or why not.
    pub(super) fn lasts(
        &self,
        authorities: &str,
        names: &[String],
        now: SystemTime,
        life: Duration,
    ) -> Result<(), String> {
        let serves = |at: SystemTime| self.signed.serves(authorities, names, at);
        serves(now).map_err(|error| error.to_string())?;
        serves(now + life / 3).map_err(|error| match error {
            // Of a time that is still to come.
            CertError::Expired(end) => {
                format!("it ends within a third of {} days, on {end}", life.as_secs() / DAY)
            }
            error => format!("within a third of {} days, {error}", life.as_secs() / DAY),
        })
    }

    /// The authority that signed the leaf, if the leaf has not expired.
    pub(super) fn authority(&self, now: SystemTime) -> Option<String> {
        Pair::read(self.signed.chain.as_bytes(), self.signed.key.as_bytes(), now).ok()?;
        first_of(&self.authorities)
    }

    /// The Secret as a manifest.
    pub(super) fn secret(&self, name: &str, namespace: &str) -> String {
        let base64 = |text: &str| Value::String(BASE64_STANDARD.encode(text));
        let Signed { chain, key } = &self.signed;
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/name": "multipod", "app.kubernetes.io/part-of": "multipod"},
            },
            "type": "kubernetes.io/tls",
            "data": {"ca.crt": base64(&self.authorities), "tls.crt": base64(chain), "tls.key": base64(key)},
        });
        format!("---\n{}", multipod_yaml::emit(&secret))
    }
}
