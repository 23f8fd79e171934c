//! Reads a `Pattern`: first its params, then the holes that they fill, then all the rest, in the types that the built-in
//! patterns build. What stands in its spec:
//!
//! ```yaml
//! kind: metrics | custom            # multipod/metrics or multipod/patterns; custom where absent
//! description: one line
//! params:
//!   NAME: {type: port, default: 80, description: …}    # or optional: true; else the annotation must give it
//! containers:                       # the fields of a Kubernetes container, and:
//!   - {name: a, image: b, role: sidecar | step, loopbackPorts: [{port: 9125, protocol: UDP}]}
//! volumes: […]                      # as in Kubernetes; all names become multipod-NAME
//! app: {container: default | all | NAME, mounts: […], env: […]}
//! scrape: {port: 9113, path: /metrics, name: nginx-prom}    # metrics only; the named port of the first sidecar
//! annotations: {…}
//! sysctls: [{name: …, value: …}]
//! shareProcessNamespace: true
//! allow: [hostPath, hostPort, privileged, capabilities, root, sysctls]
//! ```
//!
//! `$(params.NAME)` stands for a value in arguments, variables, names of `Secret`s and `ConfigMap`s, ports, checks,
//! annotations and the app's mount paths. Entries that name an optional param are left out where it is not given;
//! of several variables with one name the first complete one counts.

mod container;
mod holes;
mod node;
mod params;
mod parts;
mod reader;
mod shape;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

use multipod_values as value;

use crate::annotation::key;
use crate::pattern::container::{Mount, Volume};
use crate::pattern::object::{Document, Problem, Spot, spot_of};
use crate::pattern::written::{List, Placed, Quoted, rule};

use super::ceiling::{self, Privilege};
use super::definition::{App, AppContainer, ContainerTemplate, Definition, Parts, PatternKind, Scrape};
use super::params::Type;
use super::template::{Annotation, Template};

use holes::Holes;
use node::{Node, Tree};
use parts::port_name;
use reader::Reader;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Object {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    metadata: Metadata,
    spec: Spanned<Spec>,
    /// Written by the cluster.
    #[serde(rename = "status", default)]
    _status: IgnoredAny,
}

/// Whatever else the cluster writes there is its own.
#[derive(Deserialize)]
struct Metadata {
    name: Placed<253>,
}

/// What the pattern adds to the pods that ask for it. What annotations may say are its params: `$(params.NAME)` stands for
/// one in arguments, variables, names of `Secret`s and `ConfigMap`s, ports, checks, annotations and the app's mount paths.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    rule(ADDS_SOMETHING, ADDS_NOTHING),
    rule("self.kind != 'metrics' || has(self.scrape)", NEEDS_SCRAPE),
    rule("self.kind == 'metrics' || !has(self.scrape)", NO_SCRAPE),
]))]
pub struct Spec {
    /// Which annotation asks for it: `multipod/metrics` for metrics, `multipod/patterns` for custom.
    #[schemars(extend("default" = "custom"))]
    kind: Option<PatternKind>,
    /// What it is for, in one line.
    description: Option<Quoted>,
    /// What annotations may say of it, by name.
    #[schemars(with = "Option<shape::Params>")]
    params: Option<Node>,
    /// Where Prometheus scrapes; for patterns of kind metrics.
    #[schemars(with = "Option<shape::Scrape>")]
    scrape: Option<Node>,
    /// The containers that it adds.
    #[schemars(
        with = "Option<shape::Containers>",
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    containers: Option<Node>,
    /// The volumes that its containers and those of the app mount.
    #[schemars(
        with = "Option<shape::Volumes>",
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    volumes: Option<Node>,
    /// What the containers of the app get.
    #[schemars(with = "Option<shape::App>")]
    app: Option<Node>,
    /// Annotations that the pod gets.
    #[schemars(
        with = "Option<shape::Annotations>",
        extend("x-kubernetes-validations" = [rule(NOT_OURS, OUR_ANNOTATIONS)])
    )]
    annotations: Option<Node>,
    /// Kernel settings that the pod gets.
    #[schemars(with = "Option<shape::Sysctls>")]
    sysctls: Option<Node>,
    /// Whether the containers of the pod see each other's processes.
    share_process_namespace: Option<bool>,
    /// What it may do that Pod Security `restricted` forbids.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    allow: List<Privilege, 256>,
}

/// [`Parts::add_nothing`], as an API server asks it.
const ADDS_SOMETHING: &str = "\
    has(self.containers) && size(self.containers) > 0 || has(self.annotations) && size(self.annotations) > 0 || \
    has(self.sysctls) && size(self.sysctls) > 0 || has(self.shareProcessNamespace) && self.shareProcessNamespace || \
    has(self.app) && (has(self.app.mounts) && size(self.app.mounts) > 0 || has(self.app.env) && size(self.app.env) > 0)";
const ADDS_NOTHING: &str = "the pattern adds nothing to a pod";
const NEEDS_SCRAPE: &str = "a pattern of kind metrics needs scrape: {port: \u{2026}}";
const NO_SCRAPE: &str = "only patterns of kind metrics have scrape";
const NOT_OURS: &str =
    "self.all(name, !name.startsWith('multipod/') && !name.startsWith('rendered.multipod/'))";
const OUR_ANNOTATIONS: &str = "multipod/ and rendered.multipod/ are multipod's own";

impl Definition {
    /// Reads a `Pattern`; everything wrong with it is reported, with its line. One that is `built_in` has its images in a
    /// file of their own.
    pub(crate) fn read(document: &Document<'_>, built_in: bool) -> Result<Definition, Vec<Problem>> {
        let object: Object = document.read().map_err(|problem| vec![problem])?;
        let (mut spec, spec_line) = (object.spec.value, spot_of(&object.spec.referenced));
        let mut reader = Reader::default();
        let line = spot_of(&object.metadata.name.referenced);
        let name = value::name(&object.metadata.name.value.0).unwrap_or_else(|expected| {
            reader.problem(line, format!("metadata.name: {expected}"));
            String::new()
        });
        // Nothing stands for another param in a param.
        Holes::of(&[]).find("params", spec.params.as_mut());
        let params = params::params(spec.params.as_ref(), &mut reader);
        let mut holes = Holes::of(&params);
        for (field, node) in [
            ("scrape", &mut spec.scrape),
            ("containers", &mut spec.containers),
            ("volumes", &mut spec.volumes),
            ("app", &mut spec.app),
            ("annotations", &mut spec.annotations),
            ("sysctls", &mut spec.sysctls),
        ] {
            holes.find(field, node.as_mut());
        }
        let lines = spec.params.iter().flat_map(|node| match &node.tree {
            Tree::Map(entries) => entries.as_slice(),
            _ => &[],
        });
        for ((param, used), (_, node)) in params.iter().zip(holes.used).zip(lines) {
            if !used {
                reader.problem(node.line, format!("params: nothing says $(params.{})", param.name));
            }
        }
        let parts = spec.parts(&name, spec_line, built_in, &mut reader);
        if !reader.problems.is_empty() {
            let mut problems = reader.problems;
            problems.sort();
            let problems = problems.into_iter().map(|(line, message)| document.problem(line, message));
            return Err(problems.collect());
        }
        Ok(Definition {
            name,
            kind: spec.kind(),
            description: spec.description.unwrap_or_default().0,
            params,
            allow: spec.allow.0,
            built_in,
            line,
            parts,
        })
    }
}

impl Spec {
    fn kind(&self) -> PatternKind {
        self.kind.unwrap_or_default()
    }

    fn parts(&self, name: &str, line: Spot, built_in: bool, reader: &mut Reader) -> Parts {
        let volumes = self.volumes(reader);
        let containers = self.containers(&volumes, built_in, reader);
        let app = self.app.as_ref().map(|node| app(node, &volumes, reader)).unwrap_or_default();
        let served = containers.iter().any(|container| !container.step);
        let scrape = self.scrape(name, line, served, reader);
        let annotations = self.annotations.as_ref().map(|node| annotations(node, reader));
        let parts = Parts {
            scrape,
            containers,
            volumes,
            app,
            annotations: annotations.unwrap_or_default(),
            sysctls: self.sysctls(reader),
            share_process_namespace: self.share_process_namespace == Some(true),
        };
        if parts.add_nothing() {
            reader.problem(line, format!("spec: {ADDS_NOTHING}"));
        }
        parts
    }

    fn volumes(&self, reader: &mut Reader) -> Vec<Template<Volume>> {
        let mut volumes: Vec<Template<Volume>> = Vec::new();
        for node in reader.items(self.volumes.as_ref(), "volumes") {
            let Some(volume) = parts::volume(node, reader) else { continue };
            if volumes.iter().any(|other| other.unfilled().name == volume.name) {
                reader.problem(node.line, format!("volumes: {} is there twice", volume.name));
            }
            if let Some(privilege) =
                ceiling::of_volume(&volume).filter(|needed| !self.allow.0.contains(needed))
            {
                reader.problem(node.line, ceiling::not_allowed(&volume.name, privilege));
            }
            volumes.push(Template::new(volume, node.holes()));
        }
        volumes
    }

    fn containers(
        &self,
        volumes: &[Template<Volume>],
        built_in: bool,
        reader: &mut Reader,
    ) -> Vec<ContainerTemplate> {
        let mut containers: Vec<ContainerTemplate> = Vec::new();
        for node in reader.items(self.containers.as_ref(), "containers") {
            let container = container::container(node, volumes, &self.allow.0, built_in, reader);
            let name = &container.fixed.name;
            if containers.iter().any(|other| other.fixed.name == *name) {
                reader.problem(node.line, format!("containers: {name} is there twice"));
            }
            containers.push(container);
        }
        containers
    }

    fn scrape(&self, pattern: &str, line: Spot, served: bool, reader: &mut Reader) -> Option<Scrape> {
        let Some(node) = &self.scrape else {
            if self.kind() == PatternKind::Metrics {
                reader.problem(line, NEEDS_SCRAPE);
            }
            return None;
        };
        // Two patterns cannot both say where Prometheus scrapes; multipod/metrics knows what to do about it.
        if self.kind() != PatternKind::Metrics {
            reader.problem(node.line, "scrape: only patterns of kind metrics have it");
        }
        if !served {
            reader.problem(node.line, "scrape: there is no sidecar that could serve it");
        }
        reader.only::<shape::Scrape>(node, "scrape");
        let path = node.get("path").and_then(|node| {
            reader.parsed(node, "scrape: path", |text| Type::UrlPath.parse(text).map(|_| text.to_owned()))
        });
        let name = match node.get("name") {
            Some(name) => reader.parsed(name, "scrape: name", port_name),
            None => port_name(&format!("{pattern}-prom"))
                .map_err(|_| reader.problem(node.line, "scrape: give the port a name of at most 15 letters"))
                .ok(),
        };
        let Some(port) = node.get("port") else {
            reader.problem(node.line, "scrape: the port is missing");
            return None;
        };
        let port = reader.number(port, "scrape: port", 1, 65535).and_then(|port| u16::try_from(port).ok())?;
        Some(Scrape { port, path: path.unwrap_or_else(|| "/metrics".to_owned()), name: name? })
    }

    fn sysctls(&self, reader: &mut Reader) -> Vec<(String, String)> {
        let mut sysctls = Vec::new();
        for node in reader.items(self.sysctls.as_ref(), "sysctls") {
            reader.only::<shape::Sysctl>(node, "sysctls");
            let (Some(name), Some(value)) = (node.get("name"), node.get("value")) else {
                reader.problem(node.line, "sysctls: expected name and value");
                continue;
            };
            let (name, value) = (reader.text(name, "sysctls: name"), reader.text(value, "sysctls: value"));
            let (Some(name), Some(value)) = (name, value) else { continue };
            if let Some(privilege) = ceiling::of_sysctl(name).filter(|needed| !self.allow.0.contains(needed))
            {
                reader.problem(node.line, ceiling::not_allowed(name, privilege));
            }
            sysctls.push((name.to_owned(), value.to_owned()));
        }
        sysctls
    }
}

fn app(node: &Node, volumes: &[Template<Volume>], reader: &mut Reader) -> App {
    reader.only::<shape::App>(node, "app");
    let container = node.get("container").and_then(|node| {
        reader.parsed(node, "app: container", |text| {
            Ok(match text {
                "default" => AppContainer::Default,
                "all" => AppContainer::All,
                name => AppContainer::Named(value::name(name)?),
            })
        })
    });
    let mount = |node: &Node, reader: &mut Reader| -> Option<Mount> { parts::mount(node, volumes, reader) };
    App {
        container: container.unwrap_or_default(),
        mounts: parts::templates(node.get("mounts"), "app: mounts", reader, mount),
        env: parts::templates(node.get("env"), "app: env", reader, parts::env),
    }
}

fn annotations(node: &Node, reader: &mut Reader) -> Vec<Template<Annotation>> {
    let mut annotations = Vec::new();
    for (name, node) in reader.entries(node, "annotations") {
        if name.starts_with(key::PREFIX) || name.starts_with(key::RENDERED_PREFIX) {
            reader.problem(node.line, format!("annotations: {name} is multipod's own"));
        }
        let Some(value) = reader.text(node, name) else { continue };
        let annotation = Annotation { name: name.clone(), value: value.to_owned() };
        annotations.push(Template::new(annotation, node.holes()));
    }
    annotations
}

#[cfg(test)]
mod tests;
