//! What a cluster's operators decide once: default images, resources, mirrors, and how strict to be.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::annotation::option::Words;
use crate::annotation::settings::{Amount as Asked, Settings as PatternSettings, Sidecar, amount, sidecar};
use multipod_values::{self as value, Host, Parsed, Quantity, Resource};

use super::container::{Amount, Amounts, Resources, Text};
use super::others::{ImageRewrite, Injectors};

/// The settings of a cluster; every field has a default that works.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Where all default images come from: a mirror, for clusters without a way out.
    #[serde(deserialize_with = "registry")]
    #[schemars(with = "Option<String>")]
    pub registry: Option<String>,
    /// The image of multipod itself, for `wait-for` and `follow`.
    #[serde(deserialize_with = "image")]
    #[schemars(with = "Option<String>")]
    pub image: Option<String>,
    /// Secrets that pull images, added to pods that get a container.
    #[serde(deserialize_with = "object_names")]
    #[schemars(with = "Vec<String>")]
    pub pull_secrets: Vec<String>,
    /// The last part of Service names.
    #[serde(deserialize_with = "domain")]
    #[schemars(with = "String")]
    pub cluster_domain: String,
    /// Which addresses pods have.
    pub ip_families: IpFamilies,
    /// How sidecars run, whatever the server's version says.
    #[serde(deserialize_with = "sidecar_setting")]
    #[schemars(schema_with = "a_word::<Sidecar>")]
    pub sidecar: Option<Sidecar>,
    /// What a user's mistake gets.
    pub on_mistake: OnMistake,
    /// Namespaces whose pods are left alone.
    #[serde(deserialize_with = "object_names")]
    #[schemars(with = "Vec<String>")]
    pub excluded_namespaces: Vec<String>,
    /// Whether the platform gives each namespace its own users (`OpenShift`), so that we name none.
    pub assigned_users: bool,
    /// What webhooks behind us make of images.
    #[schemars(with = "Vec<String>")]
    pub image_rewrites: Vec<ImageRewrite>,
    /// What webhooks behind us put into every container.
    pub injectors: Injectors,
    /// Defaults of single patterns, by name: `ambassador`, `logging`, `metrics-nginx`, `clone`…
    pub patterns: BTreeMap<String, PatternDefaults>,
    /// How the server runs, which only the server reads; the same file serves both.
    #[schemars(with = "serde_json::Value")]
    pub serve: IgnoredAny,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            registry: None,
            image: None,
            pull_secrets: Vec::new(),
            cluster_domain: "cluster.local".to_owned(),
            ip_families: IpFamilies::Ipv4,
            sidecar: None,
            on_mistake: OnMistake::Deny,
            excluded_namespaces: Vec::new(),
            assigned_users: false,
            image_rewrites: Vec::new(),
            injectors: Injectors::default(),
            patterns: BTreeMap::new(),
            serve: IgnoredAny,
        }
    }
}

/// Which addresses pods have.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
pub enum IpFamilies {
    /// IPv4 only.
    #[default]
    #[serde(rename = "IPv4")]
    Ipv4,
    /// IPv6 only.
    #[serde(rename = "IPv6")]
    Ipv6,
    /// Both.
    #[serde(rename = "Dual")]
    Dual,
}

/// What a mistake in an annotation gets.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum OnMistake {
    /// The pod is refused, with the reason.
    #[default]
    Deny,
    /// The pod is admitted without anything of ours, with the reason as a warning.
    Warn,
}

/// Defaults of one pattern.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PatternDefaults {
    /// Its image; taken as it stands, without `registry`.
    #[serde(deserialize_with = "image")]
    #[schemars(with = "Option<String>")]
    pub(crate) image: Option<String>,
    /// `REQUEST[/LIMIT]`
    #[serde(deserialize_with = "cpu")]
    #[schemars(schema_with = "an_amount")]
    pub(crate) cpu: Option<Asked>,
    /// `REQUEST[/LIMIT]`
    #[serde(deserialize_with = "memory")]
    #[schemars(schema_with = "an_amount")]
    pub(crate) memory: Option<Asked>,
}

/// The resources that a pattern needs when nobody says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// CPU request, in thousandths of a core.
    pub(crate) cpu: (&'static str, u64),
    /// Memory request, in MiB.
    pub(crate) memory: (&'static str, u64),
    /// Memory limit, in MiB.
    pub(crate) memory_limit: (&'static str, u64),
}

/// The image of multipod's own programs where nobody names another one. No registry has it: whoever runs multipod pushes it to
/// one of their own.
pub const OWN_IMAGE: &str = concat!("multipod/multipod:", env!("CARGO_PKG_VERSION"));

impl Settings {
    /// The image of a pattern: what the annotation asks for, else the cluster's default, else ours (from the mirror).
    pub(crate) fn image_for(&self, pattern: &str, asked: &PatternSettings, default: impl Into<Text>) -> Text {
        let default = default.into();
        self.image_instead(pattern, asked).unwrap_or_else(|| match &self.registry {
            Some(registry) => Cow::Owned(format!("{registry}/{default}")),
            None => default,
        })
    }

    /// What the annotation or the cluster's settings put in place of a pattern's own image.
    pub(crate) fn image_instead(&self, pattern: &str, asked: &PatternSettings) -> Option<Text> {
        let cluster = || self.patterns.get(pattern).and_then(|defaults| defaults.image.as_ref());
        asked.image.as_ref().or_else(cluster).map(|image| Cow::Owned(image.clone()))
    }

    fn names_image(&self, pattern: &str) -> bool {
        self.patterns.get(pattern).is_some_and(|defaults| defaults.image.is_some())
    }

    /// Whether one of multipod's own programs has an image that these settings name.
    pub fn names_own_image(&self, pattern: &str) -> bool {
        self.image.is_some() || self.names_image(pattern)
    }

    /// The image of multipod's own programs (`wait-for`, `follow`).
    pub fn own_image(&self, pattern: &str, asked: &PatternSettings) -> Text {
        let set_for_pattern = asked.image.is_some() || self.names_image(pattern);
        match &self.image {
            Some(image) if !set_for_pattern => Cow::Owned(image.clone()),
            _ => self.image_for(pattern, asked, OWN_IMAGE),
        }
    }

    /// The resources of a pattern, by the same precedence. A request above the default limit raises the limit.
    pub(crate) fn resources_for(&self, pattern: &str, asked: &PatternSettings, needs: Needs) -> Resources {
        self.resources_over(pattern, asked, needs.into())
    }

    /// The same for a pattern that is defined by a file, whose needs are read when it is loaded.
    pub(crate) fn resources_over(
        &self,
        pattern: &str,
        asked: &PatternSettings,
        needs: Resources,
    ) -> Resources {
        let defaults = self.patterns.get(pattern);
        let cpu = asked.cpu.as_ref().or(defaults.and_then(|d| d.cpu.as_ref()));
        let memory = asked.memory.as_ref().or(defaults.and_then(|d| d.memory.as_ref()));
        let (requested_cpu, cpu_limit) = over(needs.requests.cpu, needs.limits.cpu, cpu);
        let (requested_memory, memory_limit) = over(needs.requests.memory, needs.limits.memory, memory);
        Resources {
            requests: Amounts { cpu: requested_cpu, memory: requested_memory },
            limits: Amounts { cpu: cpu_limit, memory: memory_limit },
        }
    }
}

impl From<Needs> for Resources {
    fn from(needs: Needs) -> Self {
        let mebi = |(text, count): (&'static str, u64)| {
            Some(Amount(Quantity::known(text, count * 1024 * 1024 * 1000)))
        };
        let cpu = Some(Amount(Quantity::known(needs.cpu.0, needs.cpu.1)));
        Resources {
            requests: Amounts { cpu, memory: mebi(needs.memory) },
            limits: Amounts { cpu: None, memory: mebi(needs.memory_limit) },
        }
    }
}

/// Request and limit: what was asked for, else what is needed. A limit never stays below a request.
fn over(
    request: Option<Amount>,
    limit: Option<Amount>,
    asked: Option<&Asked>,
) -> (Option<Amount>, Option<Amount>) {
    let Some(asked) = asked else { return (request, limit) };
    let limit = match (&asked.limit, limit) {
        (Some(limit), _) => Some(Amount(limit.clone())),
        (None, Some(limit)) if limit.0 < asked.request => Some(Amount(asked.request.clone())),
        (None, limit) => limit,
    };
    (Some(Amount(asked.request.clone())), limit)
}

fn image<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, value::image)
}

fn sidecar_setting<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Sidecar>, D::Error> {
    checked(deserializer, sidecar)
}

fn registry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, value::registry)
}

/// It ends up in rendered configuration, so it must be a name and nothing else.
fn domain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |text| match Host::parse(text)? {
        Host::Name(name) if !name.ends_with('.') => Ok(name),
        _ => Err("expected a domain such as cluster.local".to_owned()),
    })?
    .ok_or_else(|| D::Error::custom("expected a domain such as cluster.local"))
}

fn object_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names: Vec<String> = Vec::deserialize(deserializer)?;
    let checked =
        |name: String| value::object_name(&name).map_err(|why| D::Error::custom(format!("{name:?}: {why}")));
    names.into_iter().map(checked).collect()
}

fn cpu<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Asked>, D::Error> {
    checked(deserializer, |text| amount(text, Resource::Cpu))
}

fn memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Asked>, D::Error> {
    checked(deserializer, |text| amount(text, Resource::Memory))
}

/// One of the words that the annotations take.
fn a_word<W: Words>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": W::ALL.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
}

/// `1` is one CPU, with quotes or without.
fn an_amount(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "number", "null"] })
}

/// The same parsers as the annotations have, so that one text means one thing everywhere.
fn checked<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Parsed<T>,
) -> Result<Option<T>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    text.map(|text| parse(&text).map_err(|expected| D::Error::custom(format!("{text:?}: {expected}"))))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotation_beats_the_cluster_and_the_cluster_beats_the_default() {
        let settings: Settings = serde_json::from_str(
            r#"{"registry": "mirror.example/", "patterns": {"b": {"image": "own:2", "memory": "1Gi"}}}"#,
        )
        .unwrap();
        let nothing = PatternSettings::default();
        let asked = PatternSettings { image: Some("mine:1".into()), ..PatternSettings::default() };
        assert_eq!(settings.image_for("a", &nothing, "x:1"), "mirror.example/x:1");
        assert_eq!(settings.image_for("b", &nothing, "x:1"), "own:2");
        assert_eq!(settings.image_for("b", &asked, "x:1"), "mine:1");
        let needs = Needs { cpu: ("10m", 10), memory: ("16Mi", 16), memory_limit: ("64Mi", 64) };
        let resources = serde_json::to_value(settings.resources_for("b", &nothing, needs)).unwrap();
        assert_eq!(
            resources,
            serde_json::json!({
                "requests": {"cpu": "10m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}
            })
        );
    }

    #[test]
    fn unknown_and_wrong_settings_are_errors() {
        for text in [
            r#"{"registri": "x"}"#,
            r#"{"sidecar": "nativ"}"#,
            r#"{"patterns": {"a": {"cpu": "x"}}}"#,
            r#"{"registry": "a b"}"#,
            r#"{"clusterDomain": "a\n  bind *:1"}"#,
            r#"{"clusterDomain": "10.0.0.1"}"#,
            r#"{"pullSecrets": ["A"]}"#,
            r#"{"excludedNamespaces": [""]}"#,
            r#"{"imageRewrites": ["mirror.example"]}"#,
            r#"{"injectors": {"environment": ["LD_"]}}"#,
            r#"{"injectors": {"mounts": ["/etc"]}}"#,
        ] {
            assert!(serde_json::from_str::<Settings>(text).is_err(), "{text}");
        }
    }
}
