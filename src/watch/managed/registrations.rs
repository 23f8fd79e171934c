//! The webhook configurations whose entries have to trust the authorities.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, WatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use multipod_rotation::{Authority, Configuration};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::watch::request::{Failed, in_time};

use super::book::Book;

const MANAGER: &str = "multipod-certificates";
const KINDS: [(&str, &str); 2] = [
    ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
];

/// All configurations of these names.
pub(super) struct Registrations {
    client: Client,
    names: Vec<String>,
}

/// How they were seen, by kind and name.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) configurations: BTreeMap<String, Configuration>,
    objects: BTreeMap<String, Object>,
}

struct Object {
    resource: ApiResource,
    name: String,
    uid: String,
    version: Option<String>,
    entries: Vec<Value>,
}

impl Seen {
    /// Which object it was; nothing where there was none.
    pub(super) fn uid(&self, id: &str) -> String {
        self.objects.get(id).map(|object| object.uid.clone()).unwrap_or_default()
    }
}

impl Registrations {
    pub(super) fn new(client: Client, names: Vec<String>) -> Registrations {
        Registrations { client, names }
    }

    pub(super) async fn read(&self, book: &mut Book) -> Result<Seen, String> {
        let mut seen = Seen::default();
        for (kind, plural) in KINDS {
            let resource = resource(kind, plural);
            let api = Api::<DynamicObject>::all_with(self.client.clone(), &resource);
            for name in &self.names {
                let object = match in_time(api.get(name)).await {
                    Ok(object) => object,
                    Err(Failed { code: Some(404), .. }) => continue,
                    Err(error) => return Err(format!("{kind} {name}: {}", error.why)),
                };
                let entries = object.data["webhooks"].as_array().cloned().unwrap_or_default();
                let trusted = |entry: &Value| {
                    let bundle = entry["clientConfig"]["caBundle"].as_str().unwrap_or_default();
                    book.note(&BASE64_STANDARD.decode(bundle).unwrap_or_default())
                };
                let (uid, generation) = (object.metadata.uid, object.metadata.generation);
                let uid = uid.unwrap_or_default();
                let version = format!("{uid}/{}", generation.unwrap_or_default());
                let configuration = Configuration { version, entries: entries.iter().map(trusted).collect() };
                let id = format!("{kind} {name}");
                seen.configurations.insert(id.clone(), configuration);
                let version = object.metadata.resource_version;
                let (resource, name) = (resource.clone(), name.clone());
                seen.objects.insert(id, Object { resource, name, uid, version, entries });
            }
        }
        Ok(seen)
    }

    /// Writes the bundles of one of them, and no other field, if it is still as it was seen; whether it was.
    pub(super) async fn trust(
        &self,
        id: &str,
        authorities: &BTreeSet<Authority>,
        seen: &Seen,
        book: &Book,
    ) -> Result<bool, String> {
        let (Some(object), bundle) = (seen.objects.get(id), book.pem(authorities)) else { return Ok(false) };
        if bundle.is_empty() {
            return Ok(false);
        }
        let bundle = BASE64_STANDARD.encode(bundle);
        let entry = |entry: &Value| json!({"name": entry["name"], "clientConfig": {"caBundle": bundle}});
        let wanted = json!({
            "apiVersion": object.resource.api_version, "kind": object.resource.kind,
            "metadata": {"name": object.name, "resourceVersion": object.version},
            "webhooks": object.entries.iter().map(entry).collect::<Vec<_>>(),
        });
        let api = Api::<DynamicObject>::all_with(self.client.clone(), &object.resource);
        let how = PatchParams::apply(MANAGER).force();
        match in_time(api.patch(&object.name, &how, &Patch::Apply(&wanted))).await {
            Ok(_) => Ok(true),
            // Another one by now, or gone.
            Err(Failed { code: Some(404 | 409), .. }) => Ok(false),
            Err(error) => Err(format!("{id}: {}", error.why)),
        }
    }
}

fn resource(kind: &str, plural: &str) -> ApiResource {
    let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
    ApiResource::from_gvk_with_plural(&gvk, plural)
}

/// Says whenever somebody has made or changed one of them: until it has its bundle, nobody is reached. Whoever may not watch
/// sees it at the next look.
pub(super) async fn watch(
    client: Client,
    names: Vec<String>,
    changed: &Notify,
    pause: Duration,
) -> Infallible {
    let each = KINDS.iter().flat_map(|kind| names.iter().map(move |name| (*kind, name)));
    let watches = each.map(|((kind, plural), name)| {
        let api = Api::<DynamicObject>::all_with(client.clone(), &resource(kind, plural));
        let wanted = WatchParams::default().fields(&format!("metadata.name={name}"));
        async move {
            loop {
                if let Ok(events) = api.watch(&wanted, "0").await {
                    let seen = async |_| {
                        changed.notify_one();
                        Ok(())
                    };
                    // It ends when the API server has had enough of it.
                    let _ = events.try_for_each(seen).await;
                }
                sleep(pause).await;
            }
        }
    });
    join_all(watches).await;
    pending().await
}
