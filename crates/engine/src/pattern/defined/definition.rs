//! A `Pattern` object, read into everything that a request needs only to fill in.

use crate::pattern::object::Spot;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::annotation::Key;
use crate::pattern::container::{Container, Env, Mount, Port, Text, Volume};

use super::ceiling::Privilege;
use super::params::Param;
use super::phrase::Values;
use super::template::{Annotation, LoopbackPort, Slots, Template};

/// One pattern that is defined by a file.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What people write in the annotation.
    pub name: String,
    pub kind: PatternKind,
    /// What it is for, in one line.
    pub description: String,
    /// In the order of the file.
    pub params: Vec<Param>,
    /// The privileges that it says it needs.
    pub allow: Vec<Privilege>,
    /// Whether it is part of multipod, so that its images follow the cluster's registry.
    pub built_in: bool,
    /// Where its name stands in its document.
    pub(crate) line: Spot,
    pub(super) parts: Parts,
}

/// What a pattern adds to a pod.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) scrape: Option<Scrape>,
    pub(super) containers: Vec<ContainerTemplate>,
    pub(super) volumes: Vec<Template<Volume>>,
    pub(super) app: App,
    pub(super) annotations: Vec<Template<Annotation>>,
    pub(super) sysctls: Vec<(String, String)>,
    pub(super) share_process_namespace: bool,
}

impl Parts {
    pub(super) fn add_nothing(&self) -> bool {
        self.containers.is_empty()
            && self.app.mounts.is_empty()
            && self.app.env.is_empty()
            && self.annotations.is_empty()
            && self.sysctls.is_empty()
            && !self.share_process_namespace
    }
}

/// Which annotation a pattern belongs to.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum PatternKind {
    /// An adapter of `multipod/metrics`.
    Metrics,
    /// A pattern of `multipod/patterns`.
    #[default]
    Custom,
}

impl PatternKind {
    /// The annotation that asks for it.
    pub const fn key(self) -> Key {
        match self {
            PatternKind::Metrics => Key::Metrics,
            PatternKind::Custom => Key::Patterns,
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
    pub(super) mounts: Vec<Template<Mount>>,
    pub(super) env: Vec<Template<Env>>,
}

/// Which of the app's containers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum AppContainer {
    #[default]
    Default,
    All,
    Named(String),
}

/// A container, and those of its fields in which params may decide something, or what they leave out does.
#[derive(Clone, Debug)]
pub(super) struct ContainerTemplate {
    /// Whether it runs once, before the app.
    pub(super) step: bool,
    /// What no param decides.
    pub(super) fixed: Container,
    pub(super) args: Vec<Template<Text>>,
    pub(super) env: Vec<Template<Env>>,
    pub(super) ports: Vec<Template<Port>>,
    pub(super) loopback_ports: Vec<Template<LoopbackPort>>,
    pub(super) mounts: Vec<Mount>,
    /// Fields that are kept as they were written.
    pub(super) more: Vec<(String, More)>,
}

#[derive(Clone, Debug)]
pub(super) enum More {
    Whole(Template<Value>),
    Items(Vec<Template<Value>>),
}

impl ContainerTemplate {
    pub(super) fn new(fixed: Container) -> Self {
        ContainerTemplate {
            step: false,
            fixed,
            args: Vec::new(),
            env: Vec::new(),
            ports: Vec::new(),
            loopback_ports: Vec::new(),
            mounts: Vec::new(),
            more: Vec::new(),
        }
    }

    /// The container for one pod; `volumes` are those of its pattern that were not left out.
    pub(super) fn fill(&self, values: &Values, volumes: &[Volume]) -> Container {
        let mut container = self.fixed.clone();
        container.args = fill(&self.args, values).collect();
        container.env = fill_env(&self.env, values);
        container.ports = fill(&self.ports, values).collect();
        for LoopbackPort { port, udp } in fill(&self.loopback_ports, values) {
            let ports = if udp { &mut container.loopback_udp_ports } else { &mut container.loopback_ports };
            ports.push(port);
        }
        // One more is added to every container, and must not move them all.
        container.volume_mounts.reserve_exact(self.mounts.len() + 1);
        let is_there = |mount: &&Mount| volumes.iter().any(|volume| volume.name == mount.name);
        container.volume_mounts.extend(self.mounts.iter().filter(is_there).cloned());
        for (key, more) in &self.more {
            let value = match more {
                More::Whole(template) => template.fill(values),
                More::Items(items) => Some(fill(items, values).collect()),
            };
            container.more.extend(value.map(|value| (key.clone(), value)));
        }
        container
    }

    /// Whether the definition says when the container has started.
    pub(super) fn has_startup_probe(&self) -> bool {
        self.more.iter().any(|(key, _)| key == "startupProbe")
    }
}

/// Everything whose params were given.
pub(super) fn fill<T: Slots>(list: &[Template<T>], values: &Values) -> impl Iterator<Item = T> {
    list.iter().filter_map(|template| template.fill(values))
}

/// Of several variables with one name the first counts whose params were all given.
pub(super) fn fill_env(list: &[Template<Env>], values: &Values) -> Vec<Env> {
    let mut filled: Vec<Env> = Vec::with_capacity(list.len());
    for template in list {
        if filled.iter().all(|env| env.name != template.unfilled().name) {
            filled.extend(template.fill(values));
        }
    }
    filled
}

impl Definition {
    /// A value of its annotation: the name, and what must stand behind it.
    pub fn example(&self) -> String {
        let required = self.params.iter().filter(|param| param.required());
        let params = required.map(|param| format!(" {}={}", param.name, param.kind.example()));
        std::iter::once(self.name.clone()).chain(params).collect()
    }

    /// The images, in the order of the containers.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.parts.containers.iter().map(|container| &*container.fixed.image)
    }

    #[cfg(test)]
    pub(in crate::pattern) fn has_container(&self, name: &str) -> bool {
        self.parts.containers.iter().any(|container| container.fixed.name == name)
    }

    pub fn container_names(&self) -> impl Iterator<Item = &str> {
        self.parts.containers.iter().map(|container| &*container.fixed.name)
    }

    /// The ports that it opens whatever the params say.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        let own = self.parts.containers.iter().flat_map(|container| &container.ports);
        let own = own.filter(|port| port.is_fixed()).map(|port| port.unfilled().container_port);
        self.parts.scrape.iter().map(|scrape| scrape.port).chain(own)
    }

    /// The name under which the cluster's settings know it: `metrics-nginx`.
    pub(crate) fn settings_name(&self) -> String {
        format!("{}-{}", self.kind.key().name(), self.name)
    }

    /// Whether it gives the app's own containers anything, so that `container=` has a meaning.
    pub(crate) fn touches_app(&self) -> bool {
        !(self.parts.app.mounts.is_empty() && self.parts.app.env.is_empty())
    }
}
