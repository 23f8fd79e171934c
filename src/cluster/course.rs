//! In which order workloads are rolled, and how far each is.

use std::fmt::Write as _;

use serde_json::Value;

use multipod_engine::policy::Selector;

use super::objects::Workload;

/// How far one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    NotBegun,
    /// It is its turn, and nothing has been changed yet.
    Waits,
    /// It is changed; its controller goes on with it, whoever looks.
    InFlight,
    Done,
    LeftAlone,
    Failed,
}

/// All of them. Those that share a disruption budget roll one after the other: rolling out asks no budget, so that two at
/// once could take from its pods what it allows one of them.
#[derive(Debug)]
pub(super) struct Course<'w>(Vec<Step<'w>>);

#[derive(Debug)]
struct Step<'w> {
    workload: &'w Workload,
    /// Of its pods, by their names.
    budgets: Vec<String>,
    stage: Stage,
}

impl<'w> Course<'w> {
    /// Each with the budgets of its pods.
    pub(super) fn of(all: impl IntoIterator<Item = (&'w Workload, Vec<String>)>) -> Self {
        let step = |(workload, budgets)| Step { workload, budgets, stage: Stage::NotBegun };
        Course(all.into_iter().map(step).collect())
    }

    /// The first whose turn it may be now, which it then is.
    pub(super) fn next(&mut self) -> Option<&'w Workload> {
        let under_way = |step: &&Step<'w>| matches!(step.stage, Stage::Waits | Stage::InFlight);
        let is_free = |step: &Step<'w>| {
            let mut others = self.0.iter().filter(under_way);
            step.stage == Stage::NotBegun && !others.any(|other| step.shares_a_budget(other))
        };
        let at = self.0.iter().position(is_free)?;
        let step = self.0.get_mut(at)?;
        step.stage = Stage::Waits;
        Some(step.workload)
    }

    pub(super) fn reaches(&mut self, workload: &Workload, stage: Stage) {
        if let Some(step) = self.0.iter_mut().find(|step| step.workload == workload) {
            step.stage = stage;
        }
    }

    /// What has become of all where one has failed.
    pub(super) fn report(&self) -> String {
        let mut report = String::new();
        for (what, stages) in [
            ("restarted", &[Stage::Done][..]),
            ("left alone", &[Stage::LeftAlone]),
            ("in flight, and nobody waits for them any more", &[Stage::InFlight]),
            ("not begun", &[Stage::NotBegun, Stage::Waits]),
        ] {
            let those = self.0.iter().filter(|step| stages.contains(&step.stage));
            let names: Vec<String> = those.map(|step| step.workload.to_string()).collect();
            if !names.is_empty() {
                let _ = write!(report, "\n  {what}: {}", names.join(", "));
            }
        }
        report
    }
}

impl Step<'_> {
    fn shares_a_budget(&self, other: &Self) -> bool {
        self.workload.namespace == other.workload.namespace
            && self.budgets.iter().any(|budget| other.budgets.contains(budget))
    }
}

/// The budgets, of those of its namespace, that a workload's pods are under.
pub(super) fn budgets_of<'b>(workload: &Value, budgets: &'b [Value]) -> impl Iterator<Item = &'b Value> {
    let labels = &workload["spec"]["template"]["metadata"]["labels"];
    budgets.iter().filter(move |budget| {
        let selector = &budget["spec"]["selector"];
        // One without a selector is for no pod; one whose selector is empty is for all.
        selector.is_object() && Selector::legible(selector).unmet(|label| labels[label].as_str()).is_none()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(namespace: &str, name: &str) -> Workload {
        Workload { namespace: namespace.to_owned(), kind: "Deployment".to_owned(), name: name.to_owned() }
    }

    fn course<'w>(all: &'w [Workload], budgets: &[&[&str]]) -> Course<'w> {
        let named = |budgets: &&[&str]| budgets.iter().map(|&name| name.to_owned()).collect();
        Course::of(all.iter().zip(budgets.iter().map(named)))
    }

    #[test]
    fn those_that_share_a_budget_roll_one_after_the_other_and_the_others_beside_them() {
        let all = ["a", "b", "c", "d"].map(|name| workload("shop", name));
        let [a, b, c, d] = &all;
        let mut course = course(&all, &[&["front"], &["front", "back"], &["back"], &[]]);
        assert_eq!([course.next(), course.next(), course.next()], [Some(a), Some(c), Some(d)]);
        assert_eq!(course.next(), None);
        course.reaches(a, Stage::Done);
        assert_eq!(course.next(), None, "c is under its other budget");
        course.reaches(c, Stage::InFlight);
        assert_eq!(course.next(), None, "one that rolls is under way as well");
        course.reaches(c, Stage::LeftAlone);
        assert_eq!(course.next(), Some(b));
        assert_eq!(course.next(), None, "each has one turn");
    }

    #[test]
    fn budgets_of_two_namespaces_may_have_one_name() {
        let all = [workload("shop", "a"), workload("bank", "a")];
        let mut course = course(&all, &[&["all"], &["all"]]);
        assert_eq!([course.next(), course.next()], [Some(&all[0]), Some(&all[1])]);
    }

    #[test]
    fn a_failure_tells_what_is_done_what_is_in_flight_and_what_was_not_begun() {
        let all = ["a", "b", "c", "d", "e", "f"].map(|name| workload("shop", name));
        let mut course = course(&all, &[&[], &[], &[], &[], &[], &[]]);
        for (one, stage) in all.iter().zip([
            Stage::Done,
            Stage::Failed,
            Stage::InFlight,
            Stage::Waits,
            Stage::NotBegun,
            Stage::LeftAlone,
        ]) {
            course.reaches(one, stage);
        }
        assert_eq!(
            course.report(),
            "\n  restarted: Deployment shop/a\n  left alone: Deployment shop/f\n  in flight, and nobody waits for them any more: \
             Deployment shop/c\n  not begun: Deployment shop/d, Deployment shop/e"
        );
    }

    #[test]
    fn a_budget_is_for_the_pods_that_its_selector_takes() {
        let workload =
            json!({"spec": {"template": {"metadata": {"labels": {"app": "web", "tier": "front"}}}}});
        let budget =
            |name: &str, selector: Value| json!({"metadata": {"name": name}, "spec": {"selector": selector}});
        let budgets = [
            budget("own", json!({"matchLabels": {"app": "web"}})),
            budget("other", json!({"matchLabels": {"app": "web", "tier": "back"}})),
            budget("all", json!({})),
            budget("none", Value::Null),
            budget(
                "tiers",
                json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]}),
            ),
        ];
        let of: Vec<&str> = budgets_of(&workload, &budgets)
            .filter_map(|budget| budget["metadata"]["name"].as_str())
            .collect();
        assert_eq!(of, ["own", "all", "tiers"]);
    }
}
