//! The policies and patterns in force, as lists; `policies -o json` writes them as they are.

use std::collections::BTreeMap;

use multipod_engine::pattern::object::{Kind, Place};
use multipod_engine::pattern::{Catalogue, Request};
use multipod_engine::policy::{
    ImagePattern, Layer, Mode, ObjectState, Policies, Policy, disagreements, stronger,
};
use serde::Serialize;

use super::Changes;

/// All that is defined, in the order of layers and places.
#[derive(Debug, Serialize)]
pub(crate) struct InForce {
    pub policies: Vec<Row<Says>>,
    pub patterns: Vec<Row<Adds>>,
}

/// One object, and what became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row<T> {
    pub name: String,
    /// `folder` or `cluster`.
    pub layer: &'static str,
    /// The file and line, or the object.
    pub place: String,
    /// When it was changed last; nothing for one that stands in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// `in_force`, `last_good`, `refusing` or `left_out`.
    pub standing: &'static str,
    /// What is wrong with it.
    pub problems: Vec<String>,
    /// What is in force of it; nothing where nothing is.
    #[serde(flatten)]
    pub says: Option<T>,
}

/// What a pattern is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Adds {
    /// The annotation that names it.
    pub key: &'static str,
    /// What it is for.
    pub description: String,
    /// The policies in force that name it; pods may name it besides.
    pub used_by: Vec<String>,
}

/// What a policy says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Says {
    pub mode: &'static str,
    /// Of the workloads that it is for.
    pub percent: u8,
    /// What becomes of a pod that cannot have what it sets: `deny` or `skip`.
    pub on_obstacle: &'static str,
    /// What must hold for it to be for a pod; nothing where it is for all.
    #[serde(rename = "for")]
    pub matches: Vec<String>,
    /// Which containers of the app it means.
    pub containers: String,
    pub annotations: BTreeMap<String, String>,
    pub upstreams: BTreeMap<String, String>,
    pub destinations: BTreeMap<String, String>,
    /// What pods may choose; nothing where all is free.
    pub bounds: Vec<String>,
    /// To whom it gives way.
    pub gives_way_to: Vec<String>,
    pub conflicts: Vec<Conflict>,
}

/// Where another policy of the same strength says something else.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conflict {
    pub with: String,
    /// A key, or a name behind `@`.
    pub about: String,
    pub here: String,
    pub there: String,
    /// Whether it is so for every pod of one of the two, and not only where both happen to be for a pod.
    pub certain: bool,
}

impl InForce {
    pub(crate) fn of(
        objects: &[ObjectState],
        (policies, catalogue): (&Policies, &Catalogue),
        changed: &Changes,
    ) -> InForce {
        let of_kind = |kind: Kind| objects.iter().filter(move |object| object.kind == kind);
        let policy = |object: &ObjectState| {
            row(object, changed, policies.find(&object.name).map(|one| says(one, policies)))
        };
        let pattern = |object: &ObjectState| {
            let adds = catalogue.get(&object.name).map(|definition| Adds {
                key: definition.kind.key().full(),
                description: definition.description.clone(),
                used_by: policies
                    .iter()
                    .filter(|policy| names(policy, &object.name))
                    .map(|policy| policy.name.clone())
                    .collect(),
            });
            row(object, changed, adds)
        };
        InForce {
            policies: of_kind(Kind::InjectionPolicy).map(policy).collect(),
            patterns: of_kind(Kind::Pattern).map(pattern).collect(),
        }
    }
}

fn row<T>(object: &ObjectState, changed: &Changes, says: Option<T>) -> Row<T> {
    let since = changed.get(&(object.kind, object.name.clone()));
    Row {
        name: object.name.clone(),
        layer: match object.layer {
            Layer::Folder => "folder",
            Layer::Cluster => "cluster",
        },
        place: match &object.place {
            Place::Field { object, .. } => object.clone(),
            line @ Place::Line { .. } => line.to_string(),
        },
        since: since.filter(|_| object.layer == Layer::Cluster).cloned(),
        standing: object.standing.slug(),
        problems: object.problems.iter().map(ToString::to_string).collect(),
        says: says.filter(|_| object.standing.serves()),
    }
}

/// Whether a policy asks for a pattern.
fn names(policy: &Policy, pattern: &str) -> bool {
    policy.annotations.iter().any(|(_, value)| match &value.request {
        Request::Metrics(named) | Request::Patterns(named) => named.asks_for(pattern),
        _ => false,
    })
}

fn says(policy: &Policy, policies: &Policies) -> Says {
    let (namespaces, pods, owners) = policy.matches.parts();
    let mut matches: Vec<String> = Vec::new();
    for (whose, selector) in [("namespace", namespaces), ("pod", pods)] {
        let requirements = selector.requirements().iter();
        matches
            .extend(requirements.map(|wanted| format!("the {whose}'s label {} must {wanted}", wanted.key())));
    }
    if !owners.is_empty() {
        let kinds: Vec<String> = owners.iter().map(ToString::to_string).collect();
        matches.push(format!("the pod's owner must be {}", kinds.join(" or ")));
    }
    let conditions = policy.matches.conditions().iter();
    matches.extend(conditions.map(|condition| format!("the condition must hold: {condition}")));
    let conflicts = disagreements(policy, policies).into_iter().map(|one| Conflict {
        with: one.other.to_owned(),
        about: one.what.to_owned(),
        here: one.own_value.to_owned(),
        there: one.other_value.to_owned(),
        certain: one.is_certain,
    });
    Says {
        mode: policy.mode.name(),
        percent: policy.rollout.percent(),
        on_obstacle: policy.on_obstacle.name(),
        matches,
        containers: policy.containers.to_string(),
        annotations: policy
            .annotations
            .iter()
            .map(|(key, value)| (key.full().to_owned(), value.text.clone()))
            .collect(),
        upstreams: policy.upstreams.iter().map(|one| (one.name.clone(), one.text.clone())).collect(),
        destinations: policy.destinations.iter().map(|one| (one.name.clone(), one.text.clone())).collect(),
        bounds: bounds(policy),
        gives_way_to: gives_way_to(policy, policies),
        conflicts: conflicts.collect(),
    }
}

fn gives_way_to(policy: &Policy, policies: &Policies) -> Vec<String> {
    let mut all: Vec<String> = stronger(policy, policies)
        .into_iter()
        .map(|(name, key)| format!("policy {name} ({})", key.full()))
        .collect();
    if policy.mode == Mode::Default {
        all.push("pods and namespaces that say otherwise or opt out".to_owned());
    }
    all
}

fn bounds(policy: &Policy) -> Vec<String> {
    let bounds = &policy.bounds;
    let list = |what: &str, names: Vec<&str>| {
        format!("{what}: {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") })
    };
    let keys = bounds.keys.as_ref().map(|keys| list("keys", keys.iter().map(|key| key.full()).collect()));
    let images = bounds
        .images
        .as_ref()
        .map(|images| list("images", images.iter().map(ImagePattern::as_str).collect()));
    let most = |what, amount: &dyn std::fmt::Display| format!("{what}: at most {amount}");
    let cpu = bounds.cpu.as_ref().map(|cpu| most("cpu", cpu));
    let memory = bounds.memory.as_ref().map(|memory| most("memory", memory));
    [keys, images, cpu, memory].into_iter().flatten().collect()
}
