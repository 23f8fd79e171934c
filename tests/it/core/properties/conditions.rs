//! Conditions over any pod: a condition and its opposite never both let a pod pass, and what one of them cannot tell, the
//! other cannot either.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use multipod_engine::inject::{SkipReason, Undecidable, Verdict, decide};
use multipod_engine::pattern::Context;
use multipod_engine::pattern::context::Annotations;
use multipod_engine::pod::{Head, Meter};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::cluster::{Cluster, Read};
use super::config;
use super::dice::Dice;
use super::pods;

/// What all conditions of a policy may take for one pod; what else a decision takes is little beside it.
const MOST_STEPS: usize = 100_000;

const FIELDS: [&str; 10] = [
    "object.spec.nodeName",
    "object.spec.containers[0].name",
    "object.spec.containers[0].ports[0].containerPort",
    "object.spec.securityContext.runAsUser",
    "object.spec.shareProcessNamespace",
    "object.spec.hostNetwork",
    "object.spec.volumes",
    "object.spec.absent.deeper",
    "object.metadata.labels.app",
    "namespaceObject.metadata.annotations.other",
];
const LISTS: [&str; 6] = [
    "object.spec.containers",
    "object.spec.?initContainers.orValue([])",
    "object.spec.volumes",
    "object.spec.containers[0].args",
    "['a', 'b']",
    "object.spec.nodeName",
];
const OF_ITEMS: [&str; 5] = ["i.name", "i.image", "i.ports[0].containerPort", "i.?args.orValue([])", "i"];

const OF_ANNOTATION: &str = "namespaceObject.metadata.annotations.other == 'a'";

/// A condition out of all that there is in the language, with its own opinion of types. In a loop there is an item.
fn condition(dice: &mut Dice<'_>, depth: usize, in_loop: bool) -> String {
    let both = |dice: &mut Dice<'_>, of: fn(&mut Dice<'_>, usize, bool) -> String| {
        (of(dice, depth.saturating_sub(1), in_loop), of(dice, depth.saturating_sub(1), in_loop))
    };
    match dice.below(if depth == 0 { 6 } else { 13 }) {
        0 => format!(
            "has({})",
            dice.pick(&["object.metadata.labels", "object.spec.hostNetwork", "object.spec.absent.x"])
        ),
        1 => dice.pick(&["true", "false"]).to_owned(),
        2 | 3 => {
            let (one, other) = both(dice, text);
            format!("{one} {} {other}", dice.pick(&["==", "!=", "<", "in"]))
        }
        4 => {
            let (one, other) = both(dice, number);
            format!("{one} {} {other}", dice.pick(&["==", "!=", "<", ">="]))
        }
        5 => {
            let (one, other) = both(dice, text);
            format!("{one}.{}({other})", dice.pick(&["startsWith", "endsWith", "contains"]))
        }
        6 | 7 => {
            let (one, other) = both(dice, condition);
            format!("({one} {} {other})", dice.pick(&["&&", "||"]))
        }
        8 => format!("!({})", condition(dice, depth - 1, in_loop)),
        9 if !in_loop => {
            let over = list(dice, depth - 1, false);
            let body = condition(dice, depth - 1, true);
            format!("{over}.{}(i, {body})", dice.pick(&["exists", "all", "exists_one"]))
        }
        10 => format!("{} in {}", text(dice, depth - 1, in_loop), list(dice, depth - 1, in_loop)),
        11 => {
            let (one, other) = both(dice, list);
            format!("{one} == {other}")
        }
        _ => {
            let (one, other) = both(dice, condition);
            format!("({} ? {one} : {other})", condition(dice, depth - 1, in_loop))
        }
    }
}

fn text(dice: &mut Dice<'_>, depth: usize, in_loop: bool) -> String {
    match dice.below(if depth == 0 { 4 } else { 6 }) {
        0 => dice.pick(&["'app'", "'a'", "''", "'registry.example/app:1'"]).to_owned(),
        1 if in_loop => dice.pick(&OF_ITEMS).to_owned(),
        1 | 2 => dice.pick(&FIELDS).to_owned(),
        3 => dice
            .pick(&[
                "object.metadata.namespace",
                "object.metadata.?labels[?'app'].orValue('')",
                "namespaceObject.metadata.?annotations[?'other'].orValue('')",
            ])
            .to_owned(),
        _ => format!("({} + {})", text(dice, depth - 1, in_loop), text(dice, depth - 1, in_loop)),
    }
}

fn number(dice: &mut Dice<'_>, depth: usize, in_loop: bool) -> String {
    match dice.below(if depth == 0 { 4 } else { 7 }) {
        0 | 1 => dice.pick(&["0", "1", "2", "1000", "9223372036854775807", "1.5", "0.0"]).to_owned(),
        2 if in_loop => dice.pick(&OF_ITEMS).to_owned(),
        2 => dice.pick(&FIELDS).to_owned(),
        3 => format!("size({})", list(dice, depth.saturating_sub(1), in_loop)),
        4 => format!("-{}", dice.pick(&FIELDS)),
        _ => {
            let sign = dice.pick(&["+", "-", "*", "/", "%"]);
            format!("({} {sign} {})", number(dice, depth - 1, in_loop), number(dice, depth - 1, in_loop))
        }
    }
}

fn list(dice: &mut Dice<'_>, depth: usize, in_loop: bool) -> String {
    match dice.below(if depth == 0 { 2 } else { 5 }) {
        2 => format!("({} + {})", list(dice, depth - 1, in_loop), list(dice, depth - 1, in_loop)),
        3 if !in_loop => {
            format!("{}.filter(i, {})", list(dice, depth - 1, false), condition(dice, depth - 1, true))
        }
        4 if !in_loop => format!("{}.map(i, {})", list(dice, depth - 1, false), text(dice, depth - 1, true)),
        _ => dice.pick(&LISTS).to_owned(),
    }
}

/// What an enforced policy with this condition does with a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    No,
    Yes,
    None,
    NotYet,
}

/// Nothing where the condition is refused when it is read.
fn enforced(condition: &str, cluster: Cluster) -> Option<Read> {
    let policy = json!({"apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy", "metadata": {"name": "p"}, "spec": {
        "mode": "enforce", "annotations": {"multipod/init": "wait-for gate:1"},
        "match": {"matchConditions": [{"name": "one", "expression": condition}]}}});
    let read = Cluster { files: vec![("p.yaml".to_owned(), policy.to_string())], ..cluster }.read();
    read.loaded.problems.is_empty().then_some(read)
}

fn answer(read: &Read, annotations: Annotations<'_>, pod: &Value) -> Result<Answer, String> {
    let text = pod.to_string();
    let never = || false;
    let meter = Meter::new(&never);
    let head = Head::read(&text).map_err(|error| error.to_string())?;
    let context = Context { meter: Some(&meter), annotations, ..read.context() };
    let decision = match decide(&head, &context, &read.loaded.policies) {
        Ok(decision) => decision,
        Err(Undecidable::NotYet) => return Ok(Answer::NotYet),
        Err(error) => return Err(error.to_string()),
    };
    if meter.steps() > MOST_STEPS + 10 * text.len() {
        return Err(format!("{} steps", meter.steps()));
    }
    Ok(match decision.verdict {
        Verdict::Skip(SkipReason::NotRequested) => Answer::No,
        Verdict::Deny(refusals) if refusals.iter().any(|one| one.reason.slug() == "condition_failed") => {
            Answer::None
        }
        _ => Answer::Yes,
    })
}

#[derive(Debug)]
struct Trial {
    pod: Value,
    condition: String,
    opposite: String,
    /// The condition, and one about an annotation of the namespace.
    beside_annotation: String,
    has_namespace: bool,
}

/// A pod that asks for nothing itself.
fn any_trial() -> impl Strategy<Value = Trial> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..900);
    (bytes(), bytes()).prop_map(|(pod, choices)| {
        let mut pod = pods::pod(&mut Dice::new(&pod));
        let metadata = pod.get_mut("metadata").and_then(Value::as_object_mut);
        metadata.and_then(|metadata| metadata.remove("annotations"));
        let mut dice = Dice::new(&choices);
        let condition = condition(&mut dice, 3, false);
        let opposite = format!("!({condition})");
        let annotation = dice.pick(&["has(namespaceObject.metadata.annotations.other)", OF_ANNOTATION]);
        let both = if dice.chance(50) { [&*condition, annotation] } else { [annotation, &*condition] };
        let beside_annotation = both.join(dice.pick(&[" && ", " || "]));
        Trial { pod, condition, opposite, beside_annotation, has_namespace: dice.chance(80) }
    })
}

impl Trial {
    fn read(&self, condition: &str) -> Option<Read> {
        let bare = Cluster::bare();
        let labels = if self.has_namespace { bare.labels.clone() } else { None };
        let annotations =
            if self.has_namespace { vec![("other".to_owned(), "app".to_owned())] } else { Vec::new() };
        enforced(condition, Cluster { labels, annotations, ..bare })
    }

    fn answers(&self) -> Result<Option<(Answer, Answer)>, String> {
        let (Some(one), Some(other)) = (self.read(&self.condition), self.read(&self.opposite)) else {
            return Ok(None);
        };
        let known = Annotations::All;
        Ok(Some((answer(&one, known, &self.pod)?, answer(&other, known, &self.pod)?)))
    }

    /// The answer while the annotations of the namespace are being read, and those that there may be then.
    fn before_and_after(&self) -> Result<Option<(Answer, BTreeSet<Answer>)>, String> {
        let Some(policy) = self.read(&self.beside_annotation) else { return Ok(None) };
        let before = answer(&policy, Annotations::Named { named: &[], read: Some(&[]) }, &self.pod)?;
        let named: [Arc<str>; 1] = ["other".into()];
        let values = [Some("app"), Some("a"), Some(""), None];
        let mut reads: Vec<Vec<_>> =
            values.map(|value| vec![(Arc::clone(&named[0]), value.map(Arc::from))]).into();
        reads.push(Vec::new());
        let after = reads
            .iter()
            .map(|read| answer(&policy, Annotations::Named { named: &named, read: Some(read) }, &self.pod));
        Ok(Some((before, after.collect::<Result<_, _>>()?)))
    }
}

/// Each ending must be had often, or the property proves little.
#[test]
fn conditions_reach_every_answer() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut found = BTreeMap::new();
    for _ in 0..2000 {
        let trial = any_trial().new_tree(&mut runner).unwrap().current();
        if let Ok(Some((answer, _))) = trial.answers() {
            *found.entry(answer).or_insert(0) += 1;
        }
    }
    assert!(found.len() == 3 && found.values().all(|count| *count > 100), "{found:?}");
}

#[test]
fn conditions_often_wait_for_an_annotation_and_often_need_not() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut waits, mut need_not) = (0, 0);
    for _ in 0..2000 {
        let trial = any_trial().new_tree(&mut runner).unwrap().current();
        if let Ok(Some((before, after))) = trial.before_and_after() {
            waits += usize::from(before == Answer::NotYet && after.len() > 1);
            need_not += usize::from(before != Answer::NotYet);
        }
    }
    assert!(waits > 100 && need_not > 100, "{waits} {need_not}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_a_condition_cannot_tell_never_lets_a_pod_pass(trial in any_trial()) {
        match trial.answers() {
            Err(why) => prop_assert!(false, "{why}"),
            Ok(None | Some((Answer::No, Answer::Yes) | (Answer::Yes, Answer::No) | (Answer::None, Answer::None))) => {}
            Ok(Some(both)) => prop_assert!(false, "{both:?}"),
        }
    }

    #[test]
    fn an_answer_that_waits_for_nothing_is_the_same_whatever_is_read_then(trial in any_trial()) {
        match trial.before_and_after() {
            Err(why) => prop_assert!(false, "{why}"),
            Ok(Some((before, after))) if before != Answer::NotYet => prop_assert_eq!(after, [before].into()),
            Ok(_) => {}
        }
    }
}
