//! Reads everything in a cluster that decisions about its pods depend on.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{DynamicObject, ListParams};
use multipod_engine::pattern::Settings;
use multipod_engine::pattern::object::{self, Kind};
use multipod_engine::pod::{Version, objects};
use multipod_engine::policy::{Layer, Layers, ObjectState, Objects};
use serde_json::Value;

use crate::live::coverage::Coverage;
use crate::live::{self, Changed, Changes, Entry, Known, Namespace};
use crate::watch::{as_written, ip_families, names};

use super::installation::Installation;
use super::objects::{Resource, WORKLOADS, controller, is_on_its_own};
use super::reach::{Reader, Seen, Unread};

/// What is said instead of read.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The settings, and whether they say which addresses pods have.
    pub settings: Option<(Settings, bool)>,
    /// The files of the policies that the server has besides those of the cluster.
    pub policies: Option<Vec<(String, String)>>,
}

/// What is in force in a cluster.
#[derive(Debug)]
pub(crate) struct InForce {
    pub known: Known,
    /// What became of each policy and pattern.
    pub objects: Vec<ObjectState>,
    /// What could not be told, for people.
    pub notes: Vec<String>,
    /// Each layer, so that others can be put in its place.
    folder: Objects,
    cluster: Objects,
}

/// Controllers of controllers of controllers: a `CronJob` is the longest way.
const LONGEST_WAY: usize = 4;

impl Reader {
    /// Reads what is in force.
    pub(crate) async fn in_force(&self, given: Given) -> Result<InForce, String> {
        let mut notes = Vec::new();
        let info = self.answer(self.client.apiserver_version()).await.map_err(Unread::text)?;
        let version = Version::parse(&info.git_version)?;
        let (mut written, mut changed) = (Vec::new(), Changes::new());
        for kind in [Kind::InjectionPolicy, Kind::Pattern] {
            for object in self.ours(kind).await? {
                let value = serde_json::to_value(&object).unwrap_or_default();
                if let (Some(name), Some(since)) = (&object.metadata.name, live::changed(&value)) {
                    changed.insert((kind, name.clone()), since.to_owned());
                }
                written.push(as_written(kind, object));
            }
        }
        let resource = Resource::new("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration");
        let configurations = self.all(&resource, None).await.map_err(Unread::text)?;
        let entries: Vec<Entry> = configurations.iter().flat_map(Entry::of).collect();
        let mut installation = Installation::default();
        if given.settings.is_none() || given.policies.is_none() {
            match Installation::of(self, &entries).await {
                Ok(found) => installation = found,
                Err(unread) => notes.push(format!(
                    "the settings and policies of the installation cannot be read; --config and --policy-dir name them: {}",
                    unread.text()
                )),
            }
        }
        let (mut settings, says_families) = match (given.settings, &installation.settings) {
            (Some(given), _) => given,
            (None, Some(text)) => (
                object::read(text)
                    .map_err(|(line, problem)| format!("settings of the installation:{line}: {problem}"))?,
                text.contains("ipFamilies"),
            ),
            (None, None) => <_>::default(),
        };
        if !says_families {
            let services: Api<Service> = Api::namespaced(self.client.clone(), "default");
            match self.answer(services.get("kubernetes")).await {
                Ok(service) => settings.ip_families = ip_families(service),
                Err(unread) => {
                    notes.push(format!("which addresses pods have is not known: {}", unread.text()));
                }
            }
        }
        let folder = Objects::of_files(&given.policies.unwrap_or(installation.policies));
        let cluster = Objects::of_cluster(&written);
        let mut layers = Layers::default();
        layers.replace(Layer::Folder, folder.clone());
        layers.replace(Layer::Cluster, cluster.clone());
        let loaded = layers.merge();
        let known = Known {
            settings,
            policies: loaded.policies,
            catalogue: loaded.catalogue,
            version,
            entries,
            changed,
        };
        Ok(InForce { known, objects: loaded.objects, notes, folder, cluster })
    }

    /// The objects of a kind of ours; none where the kind is not installed.
    async fn ours(&self, kind: Kind) -> Result<Vec<DynamicObject>, String> {
        let api = Api::<DynamicObject>::all_with(self.client.clone(), &names(kind));
        match self.answer(api.list(&ListParams::default())).await {
            Ok(list) => Ok(list.items),
            Err(Unread::NotThere(_)) => Ok(Vec::new()),
            Err(unread) => Err(unread.text()),
        }
    }

    /// One namespace, or all of them: of each only what decides about its pods.
    pub(crate) async fn namespaces(&self, only: Option<&str>) -> Result<BTreeMap<String, Namespace>, String> {
        let resource = Resource::new("v1", "Namespace");
        let mut all = BTreeMap::new();
        let mut keep = |object: &Value| {
            let namespace = Namespace::of(object);
            all.insert(namespace.name.clone(), namespace);
        };
        if let Some(name) = only {
            keep(&self.get(&resource, None, name).await.map_err(Unread::text)?);
        } else {
            let none = |_: &Value| false;
            let each = self.each(&resource, None, Some(&none), |seen| match seen {
                Seen::Metadata(object) => keep(object),
                Seen::Whole(object) => keep(&object),
            });
            each.await.map_err(Unread::text)?;
        }
        Ok(all)
    }

    /// A pod, and what has made it, the nearest first, as far as that can be read.
    pub(crate) async fn pod(&self, namespace: &str, name: &str) -> Result<(Value, Vec<Value>), String> {
        let pod = self.get(&Resource::new("v1", "Pod"), Some(namespace), name).await.map_err(Unread::text)?;
        let mut owners: Vec<Value> = Vec::new();
        while owners.len() < LONGEST_WAY {
            let Some(reference) = controller(owners.last().unwrap_or(&pod)) else { break };
            let text = |field: &str| reference[field].as_str().unwrap_or_default();
            let resource = Resource::new(text("apiVersion"), text("kind"));
            match self.get(&resource, Some(namespace), text("name")).await {
                Ok(owner) => owners.push(owner),
                // It may be gone, or of a kind that nobody else may read.
                Err(_) => break,
            }
        }
        Ok((pod, owners))
    }
}

impl Reader {
    /// Looks at all pods of a namespace or of the cluster.
    pub(crate) async fn coverage(&self, known: &Known, only: Option<&str>) -> Result<Coverage, String> {
        let namespaces = self.namespaces(only).await?;
        let of = |object: &Value| {
            let name = object["metadata"]["namespace"].as_str().unwrap_or_default();
            namespaces.get(name).map_or_else(|| Cow::Owned(Namespace::named(name)), Cow::Borrowed)
        };
        let concerns = |head: &Value| live::may_concern(head, known, &of(head));
        let mut coverage = Coverage::default();
        let resource = Resource::new("v1", "Pod");
        let each = self.each(&resource, only, Some(&concerns), |seen| match seen {
            Seen::Metadata(head) => coverage.unconcerned(&of(head).name),
            Seen::Whole(pod) if pod["metadata"]["deletionTimestamp"].is_null() => {
                coverage.see(&pod, known, &of(&pod));
            }
            Seen::Whole(_) => {}
        });
        each.await.map_err(Unread::text)?;
        Ok(coverage)
    }

    /// Compares what two sets of policies make of all workloads; how many there are, and how many would change.
    pub(crate) async fn changes(
        &self,
        now: &Known,
        then: &Known,
        only: Option<&str>,
        mut tell: impl FnMut(&str, &Changed),
    ) -> Result<(usize, usize), String> {
        let namespaces = self.namespaces(only).await?;
        let (mut count, mut changes) = (0, 0);
        for (version, kind) in WORKLOADS {
            let resource = Resource::new(version, kind);
            let each = self.each(&resource, only, None, |seen| {
                let Seen::Whole(value) = seen else { return };
                if !is_on_its_own(&value) {
                    return;
                }
                count += 1;
                let name = value["metadata"]["namespace"].as_str().unwrap_or_default();
                let Some(namespace) = namespaces.get(name) else { return };
                for object in objects(&value) {
                    if let Some(changed) = live::change(&object, namespace, now, then) {
                        changes += 1;
                        tell(name, &changed);
                    }
                }
            });
            each.await.map_err(Unread::text)?;
        }
        Ok((count, changes))
    }
}

impl InForce {
    /// The same cluster where other files, without a mistake, are applied: what they define takes the place of what has its
    /// name.
    pub(crate) fn with(&self, files: &[(String, String)]) -> Known {
        let mut layers = Layers::default();
        layers.replace(Layer::Folder, Objects::of_files(files).in_place_of(&self.folder));
        layers.replace(Layer::Cluster, self.cluster.clone());
        let loaded = layers.merge();
        Known {
            settings: self.known.settings.clone(),
            policies: loaded.policies,
            catalogue: loaded.catalogue,
            version: self.known.version,
            entries: Vec::new(),
            changed: Changes::new(),
        }
    }
}
