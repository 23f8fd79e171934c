//! From a decision to the report about it.

use multipod_engine::annotation::{Key, Source};
use multipod_engine::inject::{Decision, Verdict as Decided, tasks};
use multipod_engine::pattern::Context;
use multipod_engine::pattern::task::Task;
use multipod_engine::pod::Head;
use multipod_engine::policy::Policies;
use serde_json::Value;

use super::added;
use super::asked;
use super::picture::Picture;
use super::report::{Origin, Refused, Report, Verdict};
use super::routes::{Route, declares, routes};

impl Report {
    /// All that is told about a pod, given as JSON and as it was read from there. `line_of` knows where the pod's own
    /// annotations stand.
    pub(crate) fn of<'a>(
        origin: Origin,
        json: &str,
        head: &'a Head<'a>,
        context: &Context<'a>,
        policies: &'a Policies,
        decision: &Decision<'a>,
        line_of: impl Fn(&str) -> Option<usize>,
    ) -> Report {
        let before: Value = serde_json::from_str(json).unwrap_or(Value::Null);
        let injection = match &decision.verdict {
            Decided::Inject(injection) => Some(&**injection),
            Decided::Skip(_) | Decided::Deny(_) => None,
        };
        let plan = injection.map(|injection| &injection.plan);
        let whole = plan.or(decision.standing.as_deref());
        let routes = whole.map(|plan| routes(plan, &before)).unwrap_or_default();
        let tasks = whole.map(|_| tasks_of(head, context, decision)).unwrap_or_default();
        let mut warnings = decision.warnings.clone();
        if plan.is_some() {
            warnings.extend(undeclared(&before, &routes));
        }
        let after = injection.and_then(|injection| injection.patch.applied(&before));
        Report {
            origin,
            asked: asked::asked(head, decision, line_of),
            policies: asked::considered(head, context, policies, decision),
            verdict: verdict(&decision.verdict),
            added: plan.map(|plan| added::added(plan, &before)),
            warnings,
            before: injection.map(|_| Picture::plain(&before)),
            pod: before["spec"]
                .is_object()
                .then(|| Picture::of(after.as_ref().unwrap_or(&before), whole, &routes, &tasks)),
        }
    }

    /// Whether the pod is refused.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.verdict, Verdict::Deny { .. })
    }
}

/// What the containers that a decision asks for do.
fn tasks_of<'a>(head: &'a Head<'a>, context: &Context<'a>, decision: &Decision<'a>) -> Vec<Task> {
    let Some((resolution, pod)) = decision.resolution.as_ref().zip(head.open(None).ok()) else {
        return Vec::new();
    };
    tasks(resolution, &pod, &context.of_pod(head))
}

/// Ports are declared or not; only a declared one is known to be there.
fn undeclared(before: &Value, routes: &[Route]) -> Vec<String> {
    let containers = before["spec"]["containers"].as_array();
    let declared = |port| containers.into_iter().flatten().any(|container| declares(container, port));
    let missing =
        routes.iter().filter_map(|route| route.app_port.filter(|port| !declared(*port)).zip(Some(route)));
    missing
        .map(|(port, route)| {
            let app = route.to.split(':').next().unwrap_or_default();
            format!(
                "no container declares port {port}, where {} passes connections of port {} on to: {app} has to listen \
                 there",
                Key::Ambassador.full(),
                route.listen
            )
        })
        .collect()
}

fn verdict(decided: &Decided) -> Verdict {
    match decided {
        Decided::Inject(_) => Verdict::Inject,
        Decided::Skip(reason) => {
            Verdict::Skip { reason: reason.slug().to_owned(), because: reason.sentence().to_owned() }
        }
        Decided::Deny(refusals) => {
            let refused = refusals.iter().map(|refusal| Refused {
                reason: refusal.reason.slug().to_owned(),
                key: refusal.key.clone(),
                message: refusal.message.clone(),
            });
            Verdict::Deny { refusals: refused.collect() }
        }
    }
}

impl From<&Source> for super::report::Author {
    fn from(source: &Source) -> Self {
        match source {
            Source::Pod => Self::Pod,
            Source::Namespace(name) => Self::Namespace(name.clone()),
            Source::Policy(name) => Self::Policy(name.clone()),
        }
    }
}
