//! Names of Services that are completed with a namespace that neither the object nor the user sets.

use multipod_engine::annotation::Key;
use multipod_engine::inject::{Decision, Verdict, decide};
use multipod_engine::pattern::Context;
use multipod_engine::pattern::change::Destination;

use super::{Cluster, Finding, Level, Template};

/// Any other namespace.
const ANOTHER: &str = "multipod-elsewhere";

/// That a route leads into the namespace that is assumed, where the file may be applied in another one.
pub(super) fn finding(template: &Template<'_>, cluster: &Cluster) -> Option<Finding> {
    let target = template.target;
    let is_named = target.placed.object.namespace().or(cluster.namespace.as_deref()).is_some();
    let decided = template.decided.as_ref().filter(|_| !is_named)?;
    let here = hosts(&decided.decision)?;
    // A name that is whole already says the same everywhere.
    let assumed = format!(".{}.svc.", decided.context.namespace);
    if !here.iter().any(|host| host.contains(&assumed)) {
        return None;
    }
    let elsewhere = Context { namespace: ANOTHER, ..*decided.context };
    let elsewhere = decide(decided.head, &elsewhere, &cluster.policies).ok()?;
    let elsewhere = hosts(&elsewhere)?;
    let host = here.iter().find(|host| !elsewhere.contains(host))?;
    let message = format!(
        "{} is completed to {host}, and neither {} nor --namespace names a namespace\n\
         Where it is applied in another one, the name is still that one: write metadata.namespace, or give --namespace",
        host.split('.').next().unwrap_or_default(),
        target.title(),
    );
    Some(target.finding_about(Key::Ambassador.full(), Level::Warning, "namespace_assumed", message))
}

/// Where the routes lead, if the pod is injected.
fn hosts<'d>(decision: &'d Decision<'_>) -> Option<Vec<&'d str>> {
    let Verdict::Inject(injection) = &decision.verdict else { return None };
    let routes = injection.plan.new_containers().flat_map(|new| &new.routes);
    let outside = routes.filter_map(|route| match &route.to {
        Destination::Outside { host, .. } => Some(&**host),
        _ => None,
    });
    Some(outside.collect())
}
