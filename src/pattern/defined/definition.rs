//! A `Pattern` object, read into everything that a request needs only to fill in.

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::annotation::Key;
use crate::pattern::node::Tree;
use crate::pattern::object::{Document, Problem, line_of};
use multipod_values as value;

use super::ceiling::Privilege;
use super::container::ContainerTemplate;
use super::params::{self, Param};
use super::parts::{EnvTemplate, MountTemplate, PortTemplate, VolumeTemplate};
use super::reader::Reader;
use super::spec::{Parts, Spec};
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
    pub(crate) built_in: bool,
    /// Where its name stands in its document.
    pub(crate) line: usize,
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
    /// Reads a `Pattern`; every fault of it is told with its line. One that is `built_in` takes its images from the table.
    pub(crate) fn read(document: &Document<'_>, built_in: bool) -> Result<Definition, Vec<Problem>> {
        let object: Object = document.read().map_err(|problem| vec![problem])?;
        let (spec, spec_line) = (object.spec.value, line_of(&object.spec.referenced));
        let mut issues = Vec::new();
        let name = match value::name(&object.metadata.name.value) {
            Ok(name) => name,
            Err(expected) => {
                issues
                    .push((line_of(&object.metadata.name.referenced), format!("metadata.name: {expected}")));
                String::new()
            }
        };
        let params = params::read(spec.params.as_ref(), &mut issues);
        let mut reader = Reader::new(&params, built_in, issues);
        let parts = Parts::read(&name, &spec, spec_line, &mut reader);
        let (mut issues, used) = reader.finish();
        let lines = spec.params.iter().flat_map(|node| match &node.tree {
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
            kind: spec.kind,
            description: spec.description,
            params,
            allow: spec.allow,
            built_in,
            line: line_of(&object.metadata.name.referenced),
            scrape: parts.scrape,
            containers: parts.containers,
            volumes: parts.volumes,
            app: parts.app,
            notes: parts.notes,
            sysctls: parts.sysctls,
            share_process_namespace: spec.share_process_namespace,
        })
    }

    /// The param with this name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }

    /// A value of its annotation: the name, and what must stand behind it.
    pub fn example(&self) -> String {
        let required = self.params.iter().filter(|param| param.required());
        let params = required.map(|param| format!(" {}={}", param.name, param.kind.example()));
        std::iter::once(self.name.clone()).chain(params).collect()
    }

    /// The images, in the order of the containers.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().map(|container| &*container.fixed.image)
    }

    #[cfg(test)]
    pub(in crate::pattern) fn has_container(&self, name: &str) -> bool {
        self.containers.iter().any(|container| container.fixed.name == name)
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
    spec: Spanned<Spec>,
    /// Written by the cluster.
    #[serde(rename = "status", default)]
    _status: Option<serde::de::IgnoredAny>,
}

/// Whatever else the cluster writes there is its own.
#[derive(Deserialize)]
struct Metadata {
    name: Spanned<String>,
}
