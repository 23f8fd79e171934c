//! The connection to the cluster that is checked, and the requests to it.

use std::time::Duration;

use kube::api::ListParams;
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use multipod_engine::pod::Version;
use serde::de::DeserializeOwned;

use crate::cluster::Reach;

use super::found::{Cure, Report};

/// The versions of Kubernetes that the tests run on, and those between them.
const TRIED: [Version; 2] = [Version { major: 1, minor: 33 }, Version { major: 1, minor: 36 }];
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Access {
    pub(super) client: Client,
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
    pub(super) async fn all<K>(&self, labels: &str) -> Seen<Vec<K>>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
    {
        let found = Api::<K>::all(self.client.clone()).list(&ListParams::default().labels(labels)).await;
        found.map(|list| list.items).map_err(|error| why(&error))
    }

    /// All objects of a kind where multipod is.
    pub(super) async fn own<K>(&self, labels: &str) -> Seen<Vec<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let api = Api::<K>::namespaced(self.client.clone(), &self.namespace);
        let found = api.list(&ListParams::default().labels(labels)).await;
        found.map(|list| list.items).map_err(|error| why(&error))
    }

    /// One object, if there is such a one.
    pub(super) async fn one<K>(&self, api: Api<K>, name: &str) -> Seen<Option<K>>
    where
        K: Clone + DeserializeOwned + std::fmt::Debug,
    {
        api.get_opt(name).await.map_err(|error| why(&error))
    }
}

/// What people are told of an answer that is none.
pub(super) fn why(error: &kube::Error) -> String {
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
