//! The context of the pods of manifests: what a cluster would know.

use std::collections::BTreeMap;

use multipod_engine::pattern::{Catalogue, Context, Label, Settings};
use multipod_engine::pod::{Version, objects};
use multipod_engine::policy::Policies;
use serde_json::Value;

use super::{Manifests, Target};

/// What holds for all manifests.
#[derive(Debug)]
pub struct Cluster {
    /// The cluster's settings.
    pub settings: Settings,
    /// The policies in force.
    pub policies: Policies,
    /// The patterns that files define.
    pub catalogue: Catalogue,
    /// The server's version.
    pub version: Version,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// Labels of namespaces, stronger than those in the manifests, where somebody said them.
    pub namespace_labels: Option<Vec<Label>>,
    /// Annotations of namespaces, stronger than those in the manifests.
    pub namespace_annotations: Pairs,
}

impl Default for Cluster {
    fn default() -> Self {
        Cluster {
            settings: Settings::default(),
            policies: Policies::default(),
            catalogue: Catalogue::default(),
            version: Version::ASSUMED,
            namespace: None,
            namespace_labels: None,
            namespace_annotations: Vec::new(),
        }
    }
}

type Pairs = Vec<(String, String)>;

/// The `Namespace` objects among manifests: they may stand in any of them, before or behind the pods.
#[derive(Debug, Default)]
pub(crate) struct Namespaces(BTreeMap<String, (Vec<Label>, Pairs)>);

/// What is known of the namespace of one template.
#[derive(Debug, PartialEq)]
pub(crate) struct Namespace {
    pub name: String,
    /// Its labels, where they are known.
    pub labels: Option<Vec<Label>>,
    pub annotations: Pairs,
}

const KIND: &str = "Namespace";

impl Namespaces {
    /// Finds them.
    pub(crate) fn of(manifests: &Manifests<'_>) -> Namespaces {
        let mut found = BTreeMap::new();
        for opened in manifests.of_kind(KIND) {
            let objects = objects(opened.document.value()).into_iter();
            for object in objects.filter(|object| object.kind == KIND && !object.name().is_empty()) {
                let of = |field: &str| pairs(&object.value["metadata"][field]);
                found.insert(object.name().to_owned(), (shared(of("labels")), of("annotations")));
            }
        }
        Namespaces(found)
    }

    /// The namespace of a template: what its object names, else the one of the cluster, else `default`.
    pub(crate) fn of_target(&self, target: &Target<'_>, cluster: &Cluster) -> Namespace {
        let name =
            target.placed.object.namespace().or(cluster.namespace.as_deref()).unwrap_or("default").to_owned();
        let (labels, annotations) = match self.0.get(&name) {
            Some((labels, annotations)) => (Some(labels.clone()), annotations.clone()),
            None => (None, Pairs::new()),
        };
        let labels = match &cluster.namespace_labels {
            Some(stronger) => Some(joined(labels.unwrap_or_default(), stronger)),
            None => labels,
        };
        Namespace { labels, annotations: joined(annotations, &cluster.namespace_annotations), name }
    }
}

impl Namespace {
    /// The context of a template in it.
    pub(crate) fn context<'a>(&'a self, target: &'a Target<'_>, cluster: &'a Cluster) -> Context<'a> {
        Context {
            namespace: &self.name,
            namespace_labels: self.labels.as_deref(),
            namespace_annotations: &self.annotations,
            owner_kind: target.placed.object.place.and_then(|place| place.owner_kind),
            owner_name: target.owner_name(),
            version: cluster.version,
            ..Context::new(&cluster.settings, &cluster.catalogue)
        }
    }
}

fn pairs(map: &Value) -> Pairs {
    let entries = map.as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Labels as contexts have them.
pub(super) fn shared(pairs: Pairs) -> Vec<Label> {
    pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

/// Both, where the second wins.
fn joined<T: Clone + PartialEq>(mut pairs: Vec<(T, T)>, stronger: &[(T, T)]) -> Vec<(T, T)> {
    for (key, value) in stronger {
        pairs.retain(|(other, _)| other != key);
        pairs.push((key.clone(), value.clone()));
    }
    pairs
}
