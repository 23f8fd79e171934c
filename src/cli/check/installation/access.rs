//! The connection to the cluster that is checked, and the requests to it.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use multipod_engine::pod::Version;
use serde_json::Value;

use crate::cluster::{Reach, Reader};

use super::found::{Cure, Report};

/// The versions of Kubernetes that the tests run on, and those between them.
const TRIED: [Version; 2] = [Version { major: 1, minor: 33 }, Version { major: 1, minor: 36 }];
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Access {
    client: Client,
    version: String,
    /// Where multipod is, or will be.
    pub(super) namespace: String,
    pub(super) dry_run_in: String,
}

/// Something of the cluster, or why it is not seen.
pub(super) type Seen<T> = Result<T, String>;

impl Access {
    pub(super) async fn open(reach: &Reach, namespace: String, dry_run_in: String) -> Result<Access, String> {
        let mut config = reach.config().await?;
        config.read_timeout = Some(PATIENCE);
        config.default_retry = false;
        let server = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|error| error.to_string())?;
        let version = client.apiserver_version().await;
        let version = version.map_err(|error| format!("{server} does not answer: {}", why(&error)))?;
        Ok(Access { client, version: version.git_version, namespace, dry_run_in })
    }

    pub(super) fn version(&self, report: &mut Report) -> Result<(), String> {
        report.about("API server");
        let version = Version::parse(&self.version)?;
        let [first, last] = TRIED;
        match version {
            _ if version < first => report.bad(
                "version",
                format!("{version}, but multipod is for {first} to {last}"),
                Cure::INSTALL,
            ),
            _ if version > last => report.doubtful(
                "version",
                format!("{version} is newer than those that this multipod was tried on, {first} to {last}"),
                Cure::UPGRADE,
            ),
            _ => report.good("version", &self.version),
        }
        Ok(())
    }

    /// All objects of a kind that belong to no namespace, or of all namespaces.
    pub(super) async fn all(&self, kind: Kind, labels: &str) -> Seen<Vec<Value>> {
        listed(&self.api(kind, None), labels).await
    }

    /// All objects of a kind that a cluster need not have; nothing where it has not.
    pub(super) async fn all_if_known(&self, kind: Kind) -> Seen<Option<Vec<Value>>> {
        match self.api(kind, None).list(&ListParams::default()).await {
            Ok(found) => Ok(Some(found.items.iter().map(value).collect())),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(why(&error)),
        }
    }

    /// All objects of a kind where multipod is.
    pub(super) async fn own(&self, kind: Kind, labels: &str) -> Seen<Vec<Value>> {
        listed(&self.api(kind, Some(&self.namespace)), labels).await
    }

    /// One object that belongs to no namespace, if there is such a one.
    pub(super) async fn one(&self, kind: Kind, name: &str) -> Seen<Option<Value>> {
        found(&self.api(kind, None), name).await
    }

    /// One object where multipod is, if there is such a one.
    pub(super) async fn own_one(&self, kind: Kind, name: &str) -> Seen<Option<Value>> {
        found(&self.api(kind, Some(&self.namespace)), name).await
    }

    /// What becomes of an object, which is only made if it is no `dry_run`.
    pub(super) async fn make(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        object: Value,
        dry_run: bool,
    ) -> Seen<Value> {
        let object: DynamicObject = serde_json::from_value(object).map_err(|error| error.to_string())?;
        let how = PostParams { dry_run, ..PostParams::default() };
        let made = self.api(kind, namespace).create(&how, &object).await.map_err(|error| why(&error))?;
        Ok(value(&made))
    }

    /// Reads what the installation is configured with.
    pub(super) fn reader(&self) -> Reader {
        Reader::of(self.client.clone(), self.namespace.clone())
    }

    fn api(&self, Kind(version, kind): Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}

/// A kind with its version. Objects are read as they are: the types of all of Kubernetes would be a large part of the program.
#[derive(Clone, Copy)]
pub(super) struct Kind(pub(super) &'static str, pub(super) &'static str);

async fn listed(api: &Api<DynamicObject>, labels: &str) -> Seen<Vec<Value>> {
    let found = api.list(&ListParams::default().labels(labels)).await.map_err(|error| why(&error))?;
    Ok(found.items.iter().map(value).collect())
}

async fn found(api: &Api<DynamicObject>, name: &str) -> Seen<Option<Value>> {
    let found = api.get_opt(name).await.map_err(|error| why(&error))?;
    Ok(found.as_ref().map(value))
}

fn value(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

/// The items of a list; none where there is no list.
pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A text; empty where there is none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Bytes as objects hold them; none where there are none.
pub(super) fn bytes(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(text(value)).unwrap_or_default()
}

/// What people are told of an answer that is none.
fn why(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}
