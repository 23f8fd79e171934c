//! One pod in one cluster, decided on.

use multipod_engine::inject::{Decision, Injection, Patch, SkipReason, Verdict, decide};
use multipod_engine::pod::Head;
use proptest::prelude::*;
use serde_json::Value;

use super::cluster::{Cluster, Read};
use super::dice::Dice;
use super::pods;
use crate::support::sound;

/// One pod and its context.
pub struct Trial {
    pub pod: Value,
    pub read: Read,
    /// More choices, for what happens to the pod afterwards.
    pub rest: Vec<u8>,
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pod: {:#}\ncluster: {:#?}", self.pod, self.read.cluster)
    }
}

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    Injected {
        result: Box<Value>,
        patch: Patch,
    },
    Skipped(SkipReason),
    /// Slugs and texts.
    Denied(Vec<(&'static str, String)>),
}

/// A value that won, as text.
pub struct Winner {
    pub value: String,
}

pub struct Outcome {
    pub ended: Ended,
    pub warnings: Vec<String>,
    pub winners: Vec<Winner>,
}

/// Any pod, any cluster.
pub fn any_trial() -> impl Strategy<Value = Trial> {
    trials(Cluster::of)
}

/// Any pod in a cluster where nobody has set anything.
pub fn any_pod() -> impl Strategy<Value = Trial> {
    trials(|_| Cluster::bare())
}

fn trials(cluster: fn(&mut Dice<'_>) -> Cluster) -> impl Strategy<Value = Trial> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..900);
    // Apart, so that shrinking one does not change the other.
    (bytes(), bytes(), prop::collection::vec(any::<u8>(), 0..64)).prop_map(move |(pod, context, rest)| {
        Trial { pod: pods::pod(&mut Dice::new(&pod)), read: cluster(&mut Dice::new(&context)).read(), rest }
    })
}

impl Trial {
    pub fn decide(&self) -> Outcome {
        self.decide_on(&self.pod)
    }

    /// The same cluster, another pod.
    pub fn decide_on(&self, pod: &Value) -> Outcome {
        decide_in(&self.read, pod)
    }

    /// The pod with what is added, where something is.
    pub fn injected(&self) -> Option<(Value, Patch)> {
        match self.decide().ended {
            Ended::Injected { result, patch } => Some((*result, patch)),
            _ => None,
        }
    }

    /// The pod's own values of our keys.
    pub fn asks(&self) -> impl Iterator<Item = (&str, &Value)> {
        let annotations = self.pod["metadata"]["annotations"].as_object();
        annotations
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.strip_prefix("multipod/")?, value)))
    }
}

pub fn decide_in(read: &Read, pod: &Value) -> Outcome {
    let text = pod.to_string();
    let head = Head::read(&text).expect("a pod with a head");
    let decision = decide(&head, &read.context(), &read.loaded.policies).expect("a decision");
    let Decision { verdict, warnings, resolution, .. } = decision;
    let winners = resolution.iter().flat_map(|resolution| &resolution.effective);
    let winners = winners.map(|won| Winner { value: won.value.to_owned() }).collect();
    let ended = match verdict {
        Verdict::Skip(reason) => Ended::Skipped(reason),
        Verdict::Deny(refusals) => Ended::Denied(
            refusals.iter().map(|refusal| (refusal.reason.slug(), refusal.to_string())).collect(),
        ),
        Verdict::Inject(injection) => {
            let Injection { patch, .. } = *injection;
            Ended::Injected { result: Box::new(sound::apply(pod, &patch)), patch }
        }
    };
    Outcome { ended, warnings, winners }
}
