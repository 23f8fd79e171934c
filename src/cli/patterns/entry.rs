//! One pattern, wherever it is defined.

use std::borrow::Cow;

use multipod_engine::annotation::Key;
use multipod_engine::annotation::option::{Absent, Row};
use multipod_engine::pattern::Catalogue;
use multipod_engine::pattern::defined::{Definition, Param, PatternKind, Type};
use multipod_engine::pattern::topic::Topic;
use multipod_engine::pattern::topics;
use serde::Serialize;
use serde_json::Value;

/// One pattern.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Entry {
    pub name: String,
    pub key: Key,
    pub kind: &'static str,
    pub what: String,
    pub item: String,
    pub forms: Vec<(String, String)>,
    pub options: Vec<Choice>,
    pub settings: Vec<Choice>,
    pub images: Vec<String>,
    pub ports: Vec<String>,
    pub allow: Vec<String>,
    pub example: String,
}

/// One `NAME=VALUE`.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Choice {
    name: String,
    values: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    required: bool,
    meaning: String,
}

/// A line of the list, for machines.
#[derive(Serialize)]
pub(super) struct Brief<'e> {
    name: &'e str,
    annotation: &'static str,
    kind: &'static str,
    description: &'e str,
}

/// Everything about one pattern, for machines.
#[derive(Serialize)]
pub(super) struct Whole<'e> {
    #[serde(flatten)]
    brief: Brief<'e>,
    syntax: String,
    options: &'e [Choice],
    settings: &'e [Choice],
    images: &'e [String],
    ports: &'e [String],
    allow: &'e [String],
    example: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    adds: Option<Value>,
}

/// Every pattern, the built-in ones first.
pub(in crate::cli) fn entries(catalogue: &Catalogue) -> Vec<Entry> {
    // What files define stands in the list itself, and needs no line that says so.
    let topics = topics().filter(|topic| !matches!(topic.key, Key::Metrics | Key::Patterns));
    let defined =
        [PatternKind::Metrics, PatternKind::Custom].into_iter().flat_map(|kind| catalogue.of_kind(kind));
    topics.map(of_topic).chain(defined.map(of_definition)).collect()
}

impl Entry {
    pub(super) fn brief(&self) -> Brief<'_> {
        Brief { name: &self.name, annotation: self.key.full(), kind: self.kind, description: &self.what }
    }

    pub(super) fn whole(&self, adds: Option<Value>) -> Whole<'_> {
        Whole {
            brief: self.brief(),
            syntax: self.syntax(),
            options: &self.options,
            settings: &self.settings,
            images: &self.images,
            ports: &self.ports,
            allow: &self.allow,
            example: &self.example,
            adds,
        }
    }

    /// Takes the images and ports from what the example adds: mirrors and settings have their say there.
    pub(super) fn see(&mut self, added: &Value) {
        let lists = ["initContainers", "containers"].map(|list| added["spec"][list].as_array());
        let new = || lists.into_iter().flatten().flatten().filter(|container| container["image"].is_string());
        if new().next().is_some() {
            self.images =
                new().filter_map(|container| container["image"].as_str()).map(str::to_owned).collect();
            let ports = new().filter_map(|container| container["ports"].as_array()).flatten();
            self.ports = ports.map(|port| port["containerPort"].to_string()).collect();
        }
    }

    /// An item with its options: those that need not be written stand in brackets.
    pub(super) fn syntax(&self) -> String {
        let options = self.options.iter().map(|option| {
            let written = format!("{}={}", option.name, option.values);
            if option.required { format!(" {written}") } else { format!(" [{written}]") }
        });
        std::iter::once(self.item.clone()).chain(options).collect()
    }
}

impl Choice {
    /// What to write, and what it means.
    pub(super) fn told(&self) -> [String; 2] {
        let absent = match (&self.default, self.required) {
            (_, true) => " (required)".to_owned(),
            (Some(default), _) => format!(" [default: {default}]"),
            (None, _) => String::new(),
        };
        [format!("{}={}", self.name, self.values), format!("{}{absent}", self.meaning)]
    }
}

fn of_topic(topic: &Topic) -> Entry {
    Entry {
        name: topic.name.to_owned(),
        key: topic.key,
        kind: topic.kind,
        what: topic.what.to_owned(),
        item: topic.item.to_owned(),
        forms: topic
            .forms
            .iter()
            .map(|(form, meaning)| ((*form).to_owned(), (*meaning).to_owned()))
            .collect(),
        options: topic.options.iter().map(of_row).collect(),
        settings: topic.settings.iter().map(of_row).collect(),
        images: Vec::new(),
        ports: Vec::new(),
        allow: Vec::new(),
        example: topic.example.to_owned(),
    }
}

fn of_row(row: &Row) -> Choice {
    Choice {
        name: row.name.to_owned(),
        values: row.values.to_owned(),
        default: row.default.text().map(Cow::into_owned),
        required: row.default == Absent::Required,
        meaning: row.meaning.to_owned(),
    }
}

fn of_definition(definition: &Definition) -> Entry {
    let key = definition.kind.key();
    let settings = topics().find(|topic| topic.key == key).map_or(&[][..], |topic| topic.settings);
    let ports = definition.ports().map(|port| port.to_string()).collect::<Vec<_>>();
    Entry {
        name: definition.name.clone(),
        key,
        kind: if definition.kind == PatternKind::Metrics { "adapter" } else { "pattern" },
        what: definition.description.clone(),
        item: definition.name.clone(),
        forms: Vec::new(),
        options: definition.params.iter().map(of_param).collect(),
        settings: settings.iter().map(of_row).collect(),
        images: definition.images().map(str::to_owned).collect(),
        ports,
        allow: definition.allow.iter().map(|privilege| privilege.name().to_owned()).collect(),
        example: definition.example(),
    }
}

fn of_param(param: &Param) -> Choice {
    let default = param.default.as_ref().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    Choice {
        name: param.name.clone(),
        values: values_of(&param.kind),
        default,
        required: param.required(),
        meaning: param.description.clone(),
    }
}

fn values_of(kind: &Type) -> String {
    match kind {
        Type::Enum(words) => words.join("|"),
        Type::Boolean => "true|false".to_owned(),
        other => other.name().to_ascii_uppercase(),
    }
}
