//! Requests to an API server, with messages for users without the rights.

use std::path::PathBuf;
use std::time::Duration;

use kube::api::{DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;

use crate::watch::{error_chain, in_time};

use super::objects::Resource;

/// How many objects are asked for at once, which is also how many are held at once.
const PAGE: u32 = 250;
/// How long it may take to be connected.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a cluster is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// The file; else what `kubectl` would take.
    pub kubeconfig: Option<PathBuf>,
    /// One of its contexts; else the current one.
    pub context: Option<String>,
}

/// Reads a cluster.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(super) client: Client,
    /// The namespace that the kubeconfig names.
    pub(crate) namespace: String,
}

/// Why something could not be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is not there.
    NotThere(String),
    Failed(String),
}

impl Unread {
    pub(crate) fn text(self) -> String {
        match self {
            Unread::NotThere(why) | Unread::Failed(why) => why,
        }
    }
}

const RIGHTS: &str = "docs/how-to/looking.md has the ClusterRole that this needs";

impl Reach {
    /// As `kubectl` finds it; and where there is nothing, the cluster that this process runs in.
    pub(crate) async fn config(&self) -> Result<Config, String> {
        let read = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let mut config = match read {
            Ok(read) => {
                Config::from_custom_kubeconfig(read, &options).await.map_err(|error| error_chain(&error))
            }
            Err(error) if self.kubeconfig.is_some() || self.context.is_some() => Err(error_chain(&error)),
            Err(error) => Config::incluster()
                .map_err(|_| format!("no cluster: {}; name a --kubeconfig", error_chain(&error))),
        }?;
        config.connect_timeout = Some(PATIENCE);
        Ok(config)
    }
}

impl Reader {
    pub(crate) async fn connect(reach: &Reach) -> Result<Reader, String> {
        let config = reach.config().await?;
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| error_chain(&error))?;
        Ok(Reader { client, namespace })
    }

    /// One of a connection that is there.
    pub(crate) fn of(client: Client, namespace: String) -> Reader {
        Reader { client, namespace }
    }

    pub(super) fn api(&self, resource: &Resource, namespace: Option<&str>) -> Api<DynamicObject> {
        let kind = resource.api();
        match namespace.filter(|_| resource.is_namespaced()) {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &kind),
            None => Api::all_with(self.client.clone(), &kind),
        }
    }

    /// One object.
    pub(crate) async fn get(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Value, Unread> {
        let api = self.api(resource, namespace);
        let object = answered(api.get(name)).await?;
        Ok(whole(resource, &object))
    }

    /// All objects of a kind, page by page; only a page is ever held. Where `concerns` finds nothing in the metadata of a
    /// page, its objects are not read.
    pub(crate) async fn each(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        concerns: Option<&(dyn Fn(&Value) -> bool + Sync)>,
        mut see: impl FnMut(Seen<'_>),
    ) -> Result<(), Unread> {
        let api = self.api(resource, namespace);
        let mut params = ListParams::default().limit(PAGE);
        if let Some(fields) = resource.fields() {
            params = params.fields(fields);
        }
        loop {
            let mut more = None;
            let mut is_read = true;
            if let Some(concerns) = concerns {
                let page = answered(api.list_metadata(&params)).await?;
                more = page.metadata.continue_;
                let heads: Vec<Value> =
                    page.items.into_iter().filter_map(|head| serde_json::to_value(head).ok()).collect();
                is_read = heads.iter().any(concerns);
                if !is_read {
                    for head in &heads {
                        see(Seen::Metadata(head));
                    }
                }
            }
            if is_read {
                let page = answered(api.list(&params)).await?;
                more = page.metadata.continue_;
                for object in &page.items {
                    see(Seen::Whole(whole(resource, object)));
                }
            }
            match more.filter(|more| !more.is_empty()) {
                Some(more) => params.continue_token = Some(more),
                None => return Ok(()),
            }
        }
    }

    /// All objects of a kind that has few.
    pub(crate) async fn all(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>, Unread> {
        let mut found = Vec::new();
        self.each(resource, namespace, None, |seen| {
            if let Seen::Whole(object) = seen {
                found.push(object);
            }
        })
        .await?;
        Ok(found)
    }

    pub(super) async fn answer<T>(
        &self,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Unread> {
        answered(request).await
    }
}

/// An object of a page.
pub(crate) enum Seen<'o> {
    /// Nothing on its page concerns anybody.
    Metadata(&'o Value),
    Whole(Value),
}

/// As it is written: what an API server lists has no kind.
fn whole(resource: &Resource, object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    let kind = resource.api();
    value["apiVersion"] = Value::String(kind.api_version);
    value["kind"] = Value::String(kind.kind);
    value
}

async fn answered<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, Unread> {
    in_time(request).await.map_err(|failed| match failed.code {
        Some(404) => Unread::NotThere(failed.why),
        Some(401 | 403) => Unread::Failed(format!("{}\n{RIGHTS}", failed.why)),
        Some(410) => Unread::Failed(
            "the list has changed too much while it was read; run the command again".to_owned(),
        ),
        _ => Unread::Failed(failed.why),
    })
}
