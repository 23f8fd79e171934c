//! What holds for every pod, whatever it asks for and whatever its context.
//!
//! `PROPTEST_CASES=20000 cargo test --release --test it properties` looks longer. What it finds becomes a test of its own
//! or a golden case, so that nothing depends on a file of seeds.

mod added;
mod asked;
mod cluster;
mod conditions;
mod dice;
mod foreign;
mod found;
mod kubelet;
mod pods;
mod subset;
mod trial;

use std::collections::BTreeSet;

use crate::support::sound;
use proptest::prelude::*;
use serde_json::{Value, json};

use dice::Dice;
use multipod_engine::annotation::Key;
use multipod_engine::inject::{SkipReason, removals};
use multipod_engine::policy;
use trial::{Ended, any_pod, any_trial, decide_in};

const STATUS: &str = "multipod/status";

/// As many cases as the environment says, and no file of seeds.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, max_global_rejects: 1 << 20, ..ProptestConfig::default() }
}

/// Half of all trials must get somewhere, or the properties prove little.
#[test]
fn the_generators_reach_every_ending() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut injected, mut skipped, mut denied) = (0, 0, BTreeSet::new());
    for _ in 0..600 {
        let trial = any_trial().new_tree(&mut runner).unwrap().current();
        match trial.decide().ended {
            Ended::Injected { .. } => injected += 1,
            Ended::Skipped(_) => skipped += 1,
            Ended::Denied(refusals) => denied.extend(refusals.into_iter().map(|(slug, _)| slug)),
        }
    }
    assert!(injected > 120 && skipped > 60, "{injected} injected, {skipped} skipped");
    assert!(denied.len() >= 15, "{denied:?}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_pod_gets_an_answer_that_can_be_shown(trial in any_trial()) {
        let outcome = trial.decide();
        if let Ended::Denied(refusals) = &outcome.ended {
            prop_assert!(!refusals.is_empty());
            for (slug, text) in refusals {
                prop_assert!(!text.trim().is_empty(), "{slug} says nothing");
                prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{slug}: {text:?}");
            }
        }
        for warning in &outcome.warnings {
            prop_assert!(!warning.contains(|c: char| c.is_control() && c != '\n'), "{warning:?}");
        }
    }

    #[test]
    fn an_injected_pod_has_a_patch_that_only_adds_at_allowed_places(trial in any_trial()) {
        let Some((_, patch)) = trial.injected() else { return Ok(()) };
        prop_assert!(patch.operations().len() > 0);
        let json: Value = serde_json::from_str(patch.json()).unwrap();
        for operation in json.as_array().unwrap() {
            prop_assert_eq!(&operation["op"], "add");
            let path = operation["path"].as_str().unwrap();
            prop_assert!(added::is_allowed_place(path), "{path}");
        }
    }

    #[test]
    fn all_that_a_pod_has_stays_as_it_is(trial in any_trial()) {
        let Some((result, _)) = trial.injected() else { return Ok(()) };
        let (mut before, mut after) = (trial.pod.clone(), result);
        for pod in [&mut before, &mut after] {
            if let Some(annotations) = pod["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.shift_remove(STATUS);
            }
        }
        let lost = subset::lost(&before, &after);
        prop_assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn an_injected_pod_has_no_fault_that_it_had_not_before(trial in any_trial()) {
        let Some((result, _)) = trial.injected() else { return Ok(()) };
        let (before, after) = (sound::problems(&trial.pod), sound::problems(&result));
        // Whoever reads the files of a volume that is not there misses the same volume.
        let missing = |problem: &str| problem.split_once(" mounts ").map(|(_, volume)| volume.to_owned());
        let missed: BTreeSet<String> = before.iter().filter_map(|problem| missing(problem)).collect();
        let is_new = |problem: &&String| !missing(problem).is_some_and(|volume| missed.contains(&volume));
        let new: Vec<_> = after.difference(&before).filter(is_new).collect();
        prop_assert!(new.is_empty(), "{new:?}");
    }

    #[test]
    fn an_injected_pod_is_left_alone_the_second_time(trial in any_trial()) {
        let Some((result, _)) = trial.injected() else { return Ok(()) };
        let again = trial.decide_on(&result).ended;
        prop_assert!(matches!(again, Ended::Skipped(SkipReason::AlreadyInjected)), "{again:?}");
    }

    #[test]
    fn an_injected_pod_is_left_alone_whatever_others_did_to_it(trial in any_trial()) {
        let Some((mut result, _)) = trial.injected() else { return Ok(()) };
        // This one is for every container, those of others included.
        prop_assume!(!trial.decide().winners.iter().any(|won| won.value.contains("taster")));
        foreign::meddle(&mut result, &mut Dice::new(&trial.rest));
        let again = trial.decide_on(&result);
        let ended = &again.ended;
        // An enforced policy is for every container of the app, and who came later gets its mounts too. Nobody else does.
        if let Ended::Injected { result: after, .. } = ended {
            let early = foreign::without_late_containers(&result);
            prop_assert_ne!(&early["spec"], &result["spec"], "nobody came: {:#}", after);
            prop_assert_eq!(foreign::without_late_containers(after), early);
            return Ok(());
        }
        prop_assert!(matches!(ended, Ended::Skipped(SkipReason::AlreadyInjected)), "{result:#}\n{ended:?}");
        let told = again.warnings.iter().find(|warning| warning.contains("is there already") || warning.contains("taken for"));
        prop_assert!(told.is_none(), "{told:?}");
    }

    #[test]
    fn the_same_pod_gets_the_same_bytes_whatever_the_order_of_the_policies(trial in any_trial()) {
        let first = trial.decide();
        let second = trial.decide();
        let mut other = cluster::Cluster::read(trial.read.cluster.clone());
        other.cluster.files.reverse();
        other.loaded = policy::load(&other.cluster.files);
        let third = decide_in(&other, &trial.pod);
        for again in [second, third] {
            prop_assert_eq!(format!("{:?}", first.ended), format!("{:?}", again.ended));
            prop_assert_eq!(&first.warnings, &again.warnings);
        }
    }

    #[test]
    fn a_policy_that_is_not_for_a_pod_changes_nothing(trial in any_trial(), kind in 0usize..3) {
        prop_assume!(trial.read.loaded.policies.iter().next().is_some());
        let (mode, spec) = [
            ("enforce", "match: {podSelector: {matchLabels: {nobody: here}}}"),
            ("default", "match: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: nowhere}}}"),
            ("enforce", "rollout: {percent: 0}"),
        ][kind];
        let text = format!(
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: a-nobody}}\nspec: {{mode: {mode}, {spec}, \
             annotations: {{multipod/ambassador: \"80:1\"}}, upstreams: {{db: \"x:1\"}}, bounds: {{images: [], keys: []}}}}\n"
        );
        let mut other = cluster::Cluster::read(trial.read.cluster.clone());
        other.cluster.files.push(("nobody.yaml".to_owned(), text));
        other.loaded = policy::load(&other.cluster.files);
        prop_assert!(other.loaded.policies.find("a-nobody").is_some(), "{:?}", other.loaded.problems);
        let (first, second) = (trial.decide(), decide_in(&other, &trial.pod));
        prop_assert_eq!(format!("{:?}", first.ended), format!("{:?}", second.ended));
        prop_assert_eq!(&first.warnings, &second.warnings);
    }

    #[test]
    fn a_policy_that_skips_a_pod_changes_nothing_but_what_is_told(trial in any_trial(), kind in 0usize..4) {
        let annotations = ["ambassador: \"80:8775\"", "init: \"wait-for gate:1\"", "metrics: nginx", "ambassador: \"81:@none\""][kind];
        let policy = |mode: &str, on_obstacle: &str| {
            let text = format!(
                "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: a-trial}}\n\
                 spec: {{mode: {mode}, onObstacle: {on_obstacle}, annotations: {{multipod/{annotations}}}}}\n"
            );
            let mut other = cluster::Cluster::read(trial.read.cluster.clone());
            other.cluster.files.push(("trial.yaml".to_owned(), text));
            other.loaded = policy::load(&other.cluster.files);
            other
        };
        let without = trial.decide();
        for mode in ["default", "enforce"] {
            let found = decide_in(&policy(mode, "skip"), &trial.pod);
            let told = found.warnings.iter().find(|warning| warning.starts_with("policy a-trial is skipped for "));
            if told.is_none() {
                continue;
            }
            // What it says another policy may say as well, and is skipped with it.
            let others = found.warnings.iter().filter(|warning| warning.contains(" is skipped for ")).count();
            if others == 1 && !matches!(without.ended, Ended::Skipped(_)) {
                prop_assert_eq!(format!("{:?}", found.ended), format!("{:?}", without.ended));
            }
            if matches!(without.ended, Ended::Skipped(_)) {
                prop_assert!(matches!(found.ended, Ended::Skipped(_)), "{:?}", found.ended);
            }
            let insisting = decide_in(&policy(mode, "deny"), &trial.pod);
            prop_assert!(matches!(insisting.ended, Ended::Denied(_) | Ended::Skipped(SkipReason::Mistake)), "{mode}: {:?}", insisting.ended);
        }
    }

    #[test]
    fn uninject_gives_back_the_pod_that_was_injected(trial in any_trial()) {
        let text = trial.pod.to_string();
        // What has our name already cannot be told from ours, and names that are there twice mean nothing.
        prop_assume!(!text.contains("\"multipod-") && !text.contains(STATUS));
        prop_assume!(!sound::problems(&trial.pod).iter().any(|problem| problem.contains("two ")));
        let Some((result, _)) = trial.injected() else { return Ok(()) };
        let back = sound::undo(&result, &removals(&result).unwrap());
        prop_assert_eq!(&back, &trial.pod, "injected: {:#}", result);
    }

    #[test]
    fn what_is_added_is_what_the_patterns_define(trial in any_trial()) {
        let outcome = trial.decide();
        let Ended::Injected { result, .. } = &outcome.ended else { return Ok(()) };
        let wrong = added::beyond_the_patterns(&trial, result, &outcome.winners);
        prop_assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn what_an_annotation_says_never_becomes_structure(trial in any_trial()) {
        let Some((result, _)) = trial.injected() else { return Ok(()) };
        let wrong = added::beyond_the_grammar(&trial.pod, &result);
        prop_assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_forged_status_changes_nothing(trial in any_trial()) {
        let forged = pods::forged_status(&mut Dice::new(&trial.rest));
        let mut pod = trial.pod.clone();
        let Some(annotations) = pod["metadata"].get_mut("annotations").and_then(Value::as_object_mut) else {
            return Ok(());
        };
        annotations.shift_remove(STATUS);
        let honest = trial.decide_on(&pod);
        pod["metadata"]["annotations"][STATUS] = forged;
        let lied_to = trial.decide_on(&pod);
        let without_status = |ended: Ended| match ended {
            Ended::Injected { mut result, .. } => {
                result["metadata"]["annotations"][STATUS] = Value::Null;
                let mut annotations: Vec<String> =
                    result["metadata"]["annotations"].as_object().unwrap().iter().map(|entry| format!("{entry:?}")).collect();
                annotations.sort();
                result["metadata"]["annotations"] = json!(annotations);
                format!("{result}")
            }
            other => format!("{other:?}"),
        };
        prop_assert_eq!(without_status(honest.ended), without_status(lied_to.ended));
        // That it is replaced is told, and nothing else.
        let others: Vec<_> = lied_to.warnings.into_iter().filter(|warning| !warning.starts_with(STATUS)).collect();
        prop_assert_eq!(honest.warnings, others);
    }

    #[test]
    fn a_container_with_our_name_is_ours_only_with_all_our_fields(trial in any_trial()) {
        let Some((mut result, _)) = trial.injected() else { return Ok(()) };
        let mut dice = Dice::new(&trial.rest);
        let spoilt = added::spoil_one_of_ours(&trial.pod, &mut result, &mut dice);
        prop_assume!(spoilt);
        let outcome = trial.decide_on(&result);
        // A policy that skips such pods.
        let skipped = outcome.warnings.iter().any(|warning| warning.contains(" is skipped for ") && warning.contains("(container_name_taken)"));
        match outcome.ended {
            Ended::Denied(refusals) => {
                prop_assert!(refusals.iter().any(|(slug, _)| *slug == "container_name_taken"), "{refusals:?}");
            }
            Ended::Skipped(SkipReason::Mistake) => {}
            _ if skipped => {}
            other => prop_assert!(false, "{result:#}\n{other:?}"),
        }
    }

    #[test]
    fn a_pod_that_asks_is_injected_or_told_why_not(trial in any_trial()) {
        let asks = trial.asks().any(|(key, value)| {
            let key = Key::from_name(key).filter(|key| *key != Key::OptOut);
            key.is_some() && value.as_str().is_none_or(|text| text.trim() != "false")
        });
        prop_assume!(asks);
        if let Ended::Skipped(reason) = trial.decide().ended {
            let told = [
                SkipReason::AlreadyInjected, SkipReason::MirrorPod, SkipReason::ExcludedNamespace, SkipReason::Mistake,
            ];
            // Only an enforced policy can say otherwise, and then it says so.
            let overridden = trial.decide().warnings.iter().any(|warning| warning.contains("of the pod is overridden by"));
            prop_assert!(told.contains(&reason) || overridden, "{reason}");
        }
    }

    #[test]
    fn a_pod_that_asks_for_nothing_is_not_ours(trial in any_pod()) {
        let mut pod = trial.pod.clone();
        if let Some(annotations) = pod["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !key.starts_with("multipod/") || key == STATUS);
        }
        let ended = trial.decide_on(&pod).ended;
        prop_assert!(matches!(ended, Ended::Skipped(SkipReason::NotRequested)), "{ended:?}");
    }

    #[test]
    fn a_pod_that_asks_for_nothing_is_never_refused_for_where_it_runs(trial in any_trial()) {
        let mut trial = trial;
        if let Some(annotations) = trial.pod["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, value| !key.starts_with("multipod/") || key == "multipod/opt-out" && value.is_string());
        }
        // What is enforced must not be missed anywhere.
        prop_assume!(!trial.read.cluster.files.iter().any(|(_, text)| text.contains("enforce")));
        if let Ended::Denied(refusals) = trial.decide().ended {
            prop_assert!(refusals.iter().all(|(slug, _)| !["windows", "host_network"].contains(slug)), "{refusals:?}");
        }
    }
}
