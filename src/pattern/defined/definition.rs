//! A `Pattern` object, read into everything that a request needs only to fill in.

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::annotation::{Key, key, value};
use crate::pattern::container::Container;
use crate::pattern::node::{Node, Tree};
use crate::pattern::object::{Document, Problem, line_of};

use super::ceiling::{self, Privilege};
use super::container::{ContainerTemplate, not_allowed};
use super::params::{self, Param, Type};
use super::parts::{EnvTemplate, MountTemplate, PortTemplate, VolumeTemplate, port_name};
use super::reader::{Place, Reader};
use super::template::Phrase;

/// One pattern that is defined by a file.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What people write in the annotation.
    pub name: String,
    /// Which annotation.
    pub kind: Kind,
    /// What it is for, in one line.
    pub description: String,
    /// In the order of the file.
    pub params: Vec<Param>,
    /// The privileges that it says it needs.
    pub allow: Vec<Privilege>,
    /// Whether it is part of multipod, so that its images follow the cluster's registry.
    pub(in crate::pattern) built_in: bool,
    /// Where its name stands in its document.
    pub(in crate::pattern) line: usize,
    pub(super) scrape: Option<Scrape>,
    pub(super) containers: Vec<ContainerTemplate>,
    pub(super) volumes: Vec<VolumeTemplate>,
    pub(super) app: App,
    pub(super) notes: Vec<(String, Phrase)>,
    pub(super) sysctls: Vec<(String, String)>,
    pub(super) share_process_namespace: bool,
}

/// Which annotation a pattern belongs to.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An adapter of `multipod/metrics`.
    Metrics,
    /// A pattern of `multipod/patterns`.
    #[default]
    Custom,
}

impl Kind {
    /// The annotation that asks for it.
    pub const fn key(self) -> Key {
        match self {
            Kind::Metrics => Key::Metrics,
            Kind::Custom => Key::Patterns,
        }
    }
}

/// Where Prometheus finds the metrics.
#[derive(Clone, Debug)]
pub(super) struct Scrape {
    pub(super) port: u16,
    pub(super) path: String,
    pub(super) name: String,
}

/// What the app's own containers get.
#[derive(Clone, Debug, Default)]
pub(super) struct App {
    pub(super) container: AppContainer,
    pub(super) mounts: Vec<MountTemplate>,
    pub(super) env: Vec<EnvTemplate>,
}

/// Which of the app's containers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum AppContainer {
    #[default]
    Default,
    All,
    Named(String),
}

impl Definition {
    /// Reads a `Pattern`; every fault of it is told with its line.
    pub fn read(document: &Document<'_>) -> Result<Definition, Vec<Problem>> {
        let object: Object = document.read().map_err(|problem| vec![problem])?;
        let mut issues = Vec::new();
        let name = match value::name(&object.metadata.name.value) {
            Ok(name) => name,
            Err(expected) => {
                issues
                    .push((line_of(&object.metadata.name.referenced), format!("metadata.name: {expected}")));
                String::new()
            }
        };
        let params = params::read(object.spec.params.as_ref(), &mut issues);
        let mut reader = Reader::new(&params, issues);
        let read = Read::new(&name, &object.spec, &mut reader);
        let (mut issues, used) = reader.finish();
        let lines = object.spec.params.iter().flat_map(|node| match &node.tree {
            Tree::Map(entries) => entries.as_slice(),
            _ => &[],
        });
        for ((param, used), (_, node)) in params.iter().zip(used).zip(lines) {
            if !used {
                issues.push((node.line, format!("params: nothing says $(params.{})", param.name)));
            }
        }
        if !issues.is_empty() {
            issues.sort();
            return Err(issues.into_iter().map(|(line, message)| document.problem(line, message)).collect());
        }
        Ok(Definition {
            name,
            kind: object.spec.kind,
            description: object.spec.description,
            params,
            allow: object.spec.allow,
            built_in: false,
            line: line_of(&object.metadata.name.referenced),
            scrape: read.scrape,
            containers: read.containers,
            volumes: read.volumes,
            app: read.app,
            notes: read.notes,
            sysctls: read.sysctls,
            share_process_namespace: object.spec.share_process_namespace,
        })
    }

    /// The param with this name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }

    /// The images, in the order of the containers.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().map(|container| &*container.fixed.image)
    }

    /// The ports that it opens whatever the params say.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        let own =
            self.containers.iter().flat_map(|container| &container.ports).filter_map(PortTemplate::known);
        self.scrape.iter().map(|scrape| scrape.port).chain(own)
    }

    /// The name under which the cluster's settings know it: `metrics-nginx`.
    pub fn settings_name(&self) -> String {
        format!("{}-{}", self.kind.key().name(), self.name)
    }

    /// Whether it gives the app's own containers anything, so that `container=` has a meaning.
    pub fn touches_app(&self) -> bool {
        !(self.app.mounts.is_empty() && self.app.env.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Object {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: Metadata,
    spec: Spec,
    /// Written by the cluster.
    #[serde(rename = "status", default)]
    _status: Option<serde::de::IgnoredAny>,
}

/// Whatever else the cluster writes there is its own.
#[derive(Deserialize)]
struct Metadata {
    name: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    description: String,
    params: Option<Node>,
    scrape: Option<Node>,
    containers: Option<Node>,
    volumes: Option<Node>,
    app: Option<Node>,
    annotations: Option<Node>,
    sysctls: Option<Node>,
    #[serde(default)]
    share_process_namespace: bool,
    #[serde(default)]
    allow: Vec<Privilege>,
}

/// The parts that may hold params.
struct Read {
    scrape: Option<Scrape>,
    containers: Vec<ContainerTemplate>,
    volumes: Vec<VolumeTemplate>,
    app: App,
    notes: Vec<(String, Phrase)>,
    sysctls: Vec<(String, String)>,
}

impl Read {
    fn new(name: &str, spec: &Spec, reader: &mut Reader<'_>) -> Read {
        let volumes = volumes(spec, reader);
        let containers = containers(spec, &volumes, reader);
        let app = spec.app.as_ref().map(|node| app(node, &volumes, reader)).unwrap_or_default();
        let scrape = scrape(name, spec, !containers.is_empty(), reader);
        let notes = spec.annotations.as_ref().map(|node| notes(node, reader)).unwrap_or_default();
        let sysctls = sysctls(spec, reader);
        Read { scrape, containers, volumes, app, notes, sysctls }
    }
}

fn volumes(spec: &Spec, reader: &mut Reader<'_>) -> Vec<VolumeTemplate> {
    let mut volumes: Vec<VolumeTemplate> = Vec::new();
    for node in reader.items(spec.volumes.as_ref(), "volumes") {
        let Some(volume) = VolumeTemplate::read(node, reader) else { continue };
        if volumes.iter().any(|other| other.name == volume.name) {
            reader.issue(node.line, format!("volumes: {} is there twice", volume.name));
        }
        if volume.is_host_path() && !spec.allow.contains(&Privilege::HostPath) {
            reader.issue(node.line, not_allowed(&volume.name, Privilege::HostPath));
        }
        volumes.push(volume);
    }
    volumes
}

fn containers(spec: &Spec, volumes: &[VolumeTemplate], reader: &mut Reader<'_>) -> Vec<ContainerTemplate> {
    let mut containers: Vec<ContainerTemplate> = Vec::new();
    for node in reader.items(spec.containers.as_ref(), "containers") {
        let Some(container) = ContainerTemplate::read(node, volumes, &spec.allow, reader) else { continue };
        let Container { name, .. } = &container.fixed;
        if containers.iter().any(|other| other.fixed.name == *name) {
            reader.issue(node.line, format!("containers: {name} is there twice"));
        }
        containers.push(container);
    }
    containers
}

fn app(node: &Node, volumes: &[VolumeTemplate], reader: &mut Reader<'_>) -> App {
    reader.only(node, "app", &["container", "mounts", "env"]);
    let container = node.get("container").and_then(|node| {
        reader.fixed(node, "app: container", |text| {
            Ok(match text {
                "default" => AppContainer::Default,
                "all" => AppContainer::All,
                name => AppContainer::Named(value::name(name)?),
            })
        })
    });
    let mounts = reader.items(node.get("mounts"), "app: mounts");
    let env = reader.items(node.get("env"), "app: env");
    App {
        container: container.unwrap_or_default(),
        mounts: mounts
            .iter()
            .filter_map(|node| MountTemplate::read(node, Place::MountPath, volumes, reader))
            .collect(),
        env: env.iter().filter_map(|node| EnvTemplate::read(node, reader)).collect(),
    }
}

fn scrape(pattern: &str, spec: &Spec, any_container: bool, reader: &mut Reader<'_>) -> Option<Scrape> {
    let Some(node) = &spec.scrape else {
        if spec.kind == Kind::Metrics {
            reader.issue(1, "a pattern of kind metrics needs scrape: {port: …}");
        }
        return None;
    };
    // Two patterns cannot both say where Prometheus scrapes; multipod/metrics knows what to do about it.
    if spec.kind != Kind::Metrics {
        reader.issue(node.line, "scrape: only patterns of kind metrics have it");
    }
    if !any_container {
        reader.issue(node.line, "scrape: there is no container that could serve it");
    }
    reader.only(node, "scrape", &["port", "path", "name"]);
    let path = node.get("path").and_then(|node| {
        reader.fixed(node, "scrape: path", |text| Type::UrlPath.parse(text).map(|_| text.to_owned()))
    });
    let name = match node.get("name") {
        Some(name) => reader.fixed(name, "scrape: name", port_name),
        None => port_name(&format!("{pattern}-prom"))
            .map_err(|_| reader.issue(node.line, "scrape: give the port a name of at most 15 letters"))
            .ok(),
    };
    let Some(port) = node.get("port") else {
        reader.issue(node.line, "scrape: the port is missing");
        return None;
    };
    let port = reader.number(port, "scrape: port", 1, 65535).and_then(|port| u16::try_from(port).ok())?;
    Some(Scrape { port, path: path.unwrap_or_else(|| "/metrics".to_owned()), name: name? })
}

fn notes(node: &Node, reader: &mut Reader<'_>) -> Vec<(String, Phrase)> {
    let mut notes = Vec::new();
    for (name, node) in reader.entries(node, "annotations") {
        if name.starts_with(key::PREFIX) || name.starts_with(key::RENDERED_PREFIX) {
            reader.issue(node.line, format!("annotations: {name} is multipod's own"));
        }
        notes.extend(reader.phrase(node, name, Place::Text).map(|phrase| (name.clone(), phrase)));
    }
    notes
}

fn sysctls(spec: &Spec, reader: &mut Reader<'_>) -> Vec<(String, String)> {
    let mut sysctls = Vec::new();
    for node in reader.items(spec.sysctls.as_ref(), "sysctls") {
        reader.only(node, "sysctls", &["name", "value"]);
        let (Some(name), Some(value)) = (node.get("name"), node.get("value")) else {
            reader.issue(node.line, "sysctls: expected name and value");
            continue;
        };
        let owned = |text: &str| Ok(text.to_owned());
        let name = reader.fixed(name, "sysctls: name", owned);
        let value = reader.fixed(value, "sysctls: value", owned);
        let (Some(name), Some(value)) = (name, value) else { continue };
        if let Some(privilege) = ceiling::of_sysctl(&name).filter(|needed| !spec.allow.contains(needed)) {
            reader.issue(node.line, not_allowed(&name, privilege));
        }
        sysctls.push((name, value));
    }
    sysctls
}
