//! The Secret that replicas share.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret as Object;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Map, Value, json};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use multipod_certs::Authority;
use multipod_rotation::{Id, Kept, Promise, Secret};

use crate::watch::request::{Failed, in_time};

use super::book::Book;

/// Whoever sets it on the Secret gets a new authority.
const ROTATE: &str = "multipod.dev/rotate-now";
const KEYS: [&str; 6] = ["ca.crt", "ca.key", "next.crt", "next.key", "before.crt", "promises"];

/// Where the Secret is.
pub(super) struct Place {
    pub(super) api: Api<Object>,
    pub(super) name: String,
}

/// How it was seen.
pub(super) struct Seen {
    pub(super) secret: Secret,
    /// Nothing where there is none.
    version: Option<String>,
}

impl Place {
    pub(super) fn new(client: Client, namespace: &str, name: String) -> Place {
        Place { api: Api::namespaced(client, namespace), name }
    }

    pub(super) async fn read(&self, book: &mut Book) -> Result<Seen, String> {
        let object = match in_time(self.api.get(&self.name)).await {
            Ok(object) => object,
            Err(Failed { code: Some(404), .. }) => {
                return Ok(Seen { secret: Secret::Missing, version: None });
            }
            Err(error) => return Err(format!("secret {}: {}", self.name, error.why)),
        };
        let asked = object.metadata.annotations.is_some_and(|all| all.contains_key(ROTATE));
        let secret = match parse(&object.data.unwrap_or_default(), book) {
            Ok(kept) => Secret::Read { kept, asked },
            Err(error) => {
                tracing::error!(error, "secret {} makes no sense", self.name);
                Secret::Broken
            }
        };
        Ok(Seen { secret, version: object.metadata.resource_version })
    }

    /// Writes it, if it is still as it was seen; whether it was.
    pub(super) async fn write(
        &self,
        kept: &Kept,
        granted: bool,
        seen: &Seen,
        book: &Book,
        replica: &str,
    ) -> Result<bool, String> {
        let written = if let Some(version) = &seen.version {
            let mut patch = json!({"metadata": {"resourceVersion": version}, "data": data(kept, book)});
            if granted {
                patch["metadata"]["annotations"] = json!({ROTATE: null});
            }
            in_time(self.api.patch(&self.name, &PatchParams::default(), &Patch::Merge(&patch))).await
        } else {
            // Rights to create by name exist for this kind of writing only. Of two who do so at one time the second is
            // in conflict, because both have names of their own.
            let mut data = data(kept, book);
            data.retain(|_, value| !value.is_null());
            let object = json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {
                    "name": self.name,
                    "labels": {"app.kubernetes.io/name": "multipod", "app.kubernetes.io/part-of": "multipod"},
                },
                "data": data,
            });
            in_time(self.api.patch(&self.name, &PatchParams::apply(replica), &Patch::Apply(&object))).await
        };
        match written {
            Ok(_) => Ok(true),
            Err(Failed { code: Some(409), .. }) => Ok(false),
            Err(error) => Err(format!("secret {}: {}", self.name, error.why)),
        }
    }
}

fn parse(data: &BTreeMap<String, ByteString>, book: &mut Book) -> Result<Kept, String> {
    let text = |key: &str| match data.get(key).filter(|value| !value.0.is_empty()) {
        None => Ok(None),
        Some(value) => {
            let text = String::from_utf8(value.0.clone());
            text.map(Some).map_err(|_| format!("{key} is no text"))
        }
    };
    let mut pair = |certificate: &str, key: &str| match (text(certificate)?, text(key)?) {
        (None, None) => Ok(None),
        (Some(pem), Some(secret)) => {
            book.note_own(&pem, &secret).map(Some).map_err(|error| format!("{certificate}: {error}"))
        }
        _ => Err(format!("{certificate} and {key} need each other")),
    };
    let (signing, next) = (pair("ca.crt", "ca.key")?, pair("next.crt", "next.key")?);
    let before = book.note(text("before.crt")?.unwrap_or_default().as_bytes());
    let promises = text("promises")?.unwrap_or_default();
    let promises = promises.lines().map(|line| {
        promise(line).ok_or_else(|| format!("promises: no replica, authority and time: `{line}`"))
    });
    Ok(Kept { signing, next, before, promises: promises.collect::<Result<_, _>>()? })
}

/// `NAME AUTHORITY SECONDS`
fn promise(line: &str) -> Option<(String, Promise)> {
    let mut words = line.split(' ');
    let name = words.next().filter(|name| !name.is_empty())?;
    let authority = Id(u128::from_str_radix(words.next()?, 16).ok()?);
    let until = Duration::from_secs(words.next()?.parse().ok()?);
    words.next().is_none().then(|| (name.to_owned(), Promise { authority, until }))
}

/// Every key; null where it is not there.
fn data(kept: &Kept, book: &Book) -> Map<String, Value> {
    let certificate = |authority| Some(book.pem(authority)).filter(|pem| !pem.is_empty());
    let key = |id| book.own(id).map(Authority::key);
    let line = |(name, promise): (&String, &Promise)| {
        format!("{name} {} {}\n", promise.authority, promise.until.as_secs())
    };
    let promises: String = kept.promises.iter().map(line).collect();
    let values = [
        certificate(kept.signing.as_slice()),
        kept.signing.and_then(|one| key(one.id)),
        certificate(kept.next.as_slice()),
        kept.next.and_then(|one| key(one.id)),
        Some(book.pem(&kept.before)).filter(|pem| !pem.is_empty()),
        Some(promises).filter(|text| !text.is_empty()),
    ];
    let of = |(key, value): (&str, Option<String>)| {
        (key.to_owned(), json!(value.map(|text| BASE64_STANDARD.encode(text))))
    };
    KEYS.into_iter().zip(values).map(of).collect()
}
