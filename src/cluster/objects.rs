//! The kinds of a cluster that are read, and workloads by their names.

use std::fmt;

use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use serde_json::Value;

/// A kind, as an API server names it.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    group: String,
    version: String,
    kind: String,
}

const CLUSTER_WIDE: [&str; 2] = ["Namespace", "MutatingWebhookConfiguration"];

impl Resource {
    pub(crate) fn new(api_version: &str, kind: &str) -> Resource {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Resource { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    pub(super) fn api(&self) -> ApiResource {
        ApiResource::from_gvk(&GroupVersionKind::gvk(&self.group, &self.version, &self.kind))
    }

    pub(super) fn is_namespaced(&self) -> bool {
        !CLUSTER_WIDE.contains(&&*self.kind)
    }

    /// Pods that have ended are nobody's concern.
    pub(super) fn fields(&self) -> Option<&'static str> {
        (self.kind == "Pod").then_some("status.phase!=Succeeded,status.phase!=Failed")
    }
}

/// What has a pod template, and whose pods are its own.
pub(crate) const WORKLOADS: [(&str, &str); 8] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "ReplicationController"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
    ("v1", "Pod"),
];

/// Whether nothing else makes it.
pub(crate) fn is_on_its_own(object: &Value) -> bool {
    controller(object).is_none()
}

pub(super) fn controller(object: &Value) -> Option<&Value> {
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.into_iter().find(|owner| owner["controller"] == true)
}

/// What can be rolled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Workload {
    pub namespace: String,
    pub kind: String,
    pub name: String,
}

impl Workload {
    pub(super) fn resource(&self) -> Resource {
        Resource::new("apps/v1", &self.kind)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}
