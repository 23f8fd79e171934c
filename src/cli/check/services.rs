//! Services that lead past an ambassador.

use std::collections::HashMap;

use multipod_engine::inject::{Decision, Verdict};
use serde_json::Value;

use crate::explain::{Route, routes};
use crate::manifest::{Cluster, Finding, Opened, Target, Template};

use super::related::Related;

/// A Service whose every port leads to the app's own port, behind the ambassador's back, was most likely forgotten.
pub(super) struct Services<'m> {
    all: Vec<Related<'m>>,
    /// By namespace and one label that they select by, so that a template only meets those that may be for it.
    by_label: HashMap<(&'m str, &'m str, &'m str), Vec<usize>>,
}

impl<'m> Services<'m> {
    pub(super) const KIND: &'static str = "Service";

    /// Those in these documents.
    pub(super) fn of(opened: &'m [Opened<'m>], cluster: &'m Cluster) -> Services<'m> {
        let all = Related::all(Self::KIND, opened, cluster);
        let mut by_label: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, service) in all.iter().enumerate() {
            let selector = service.object().value["spec"]["selector"].as_object();
            if let Some((key, value)) = selector.and_then(|selector| selector.iter().next()) {
                let value = value.as_str().unwrap_or_default();
                by_label.entry((service.namespace, &**key, value)).or_default().push(index);
            }
        }
        Services { all, by_label }
    }

    /// Those that lead past the ambassador of a template.
    pub(super) fn past(&self, template: &Template<'_>) -> Vec<Finding> {
        let (target, Some(decided)) = (template.target, &template.decided) else { return Vec::new() };
        let labels = target.value["metadata"]["labels"].as_object().into_iter().flatten();
        let may_be = labels.filter_map(|(key, value)| {
            self.by_label.get(&(decided.context.namespace, &**key, value.as_str().unwrap_or_default()))
        });
        let may_be = may_be.flatten().filter_map(|index| self.all.get(*index));
        let mut for_it = may_be.filter(|service| selects(service.object().value, target.value)).peekable();
        if for_it.peek().is_none() {
            return Vec::new();
        }
        let routes = inbound(target, &decided.decision);
        for_it.filter_map(|service| past(service, target, &routes)).collect()
    }
}

/// What is told where a Service leads past the routes of a template.
fn past(service: &Related<'_>, target: &Target<'_>, routes: &[Route]) -> Option<Finding> {
    let (at, route) = bypass(service.object().value, target.value, routes)?;
    let (name, port) = (service.object().name(), route.app_port.unwrap_or_default());
    let message = format!(
        "Service {name} leads to port {port} of {}, past its ambassador\nLet it lead to the ambassador: \
         targetPort: {}",
        target.title(),
        route.listen
    );
    Some(service.warning("past_the_ambassador", &format!("/spec/ports/{at}"), message))
}

/// The routes of an ambassador that the template gets, as far as they lead to its app.
fn inbound(target: &Target<'_>, decision: &Decision<'_>) -> Vec<Route> {
    let Verdict::Inject(injection) = &decision.verdict else { return Vec::new() };
    let all = routes(&injection.plan, target.value);
    all.into_iter().filter(|route| route.app_port.is_some()).collect()
}

/// Whether a Service is for the pods of a template.
fn selects(service: &Value, template: &Value) -> bool {
    let labels = &template["metadata"]["labels"];
    let selector = service["spec"]["selector"].as_object();
    selector
        .is_some_and(|wanted| !wanted.is_empty() && wanted.iter().all(|(key, value)| labels[key] == *value))
}

/// The first port that leads to an app's port, where no port of the Service leads to an ambassador.
fn bypass<'r>(service: &Value, template: &Value, routes: &'r [Route]) -> Option<(usize, &'r Route)> {
    let ports = service["spec"]["ports"].as_array()?;
    let leads: Vec<Option<u64>> = ports.iter().map(|port| leads_to(port, template)).collect();
    let reaches = |port: u16| leads.contains(&Some(u64::from(port)));
    if routes.iter().any(|route| reaches(route.listen)) {
        return None;
    }
    leads.iter().enumerate().find_map(|(at, port)| {
        let route = routes.iter().find(|route| route.app_port.map(u64::from) == *port && port.is_some())?;
        Some((at, route))
    })
}

/// The port of the pod that a port of a Service leads to.
fn leads_to(port: &Value, template: &Value) -> Option<u64> {
    match &port["targetPort"] {
        Value::String(name) => {
            let containers = template["spec"]["containers"].as_array()?;
            let mut declared =
                containers.iter().filter_map(|container| container["ports"].as_array()).flatten();
            declared.find(|port| port["name"] == name.as_str())?["containerPort"].as_u64()
        }
        Value::Number(number) => number.as_u64(),
        _ => port["port"].as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_service_that_never_reaches_the_ambassador_goes_past_it() {
        let template =
            json!({"spec": {"containers": [{"ports": [{"containerPort": 8775, "name": "http"}]}]}});
        let routes = [Route {
            of: "multipod-ambassador".into(),
            listen: 80,
            loopback: false,
            to: "app:8775".into(),
            app_port: Some(8775),
        }];
        for (ports, expected) in [
            (json!([{"port": 80, "targetPort": "http"}]), Some(0)),
            (json!([{"port": 80, "targetPort": 8775}]), Some(0)),
            (json!([{"port": 9113, "targetPort": 9113}, {"port": 8775}]), Some(1)),
            (json!([{"port": 80}]), None),
            (json!([{"port": 80, "targetPort": 80}, {"port": 8775}]), None),
            (json!([{"port": 80, "targetPort": "unknown"}]), None),
            (json!(null), None),
        ] {
            let service = json!({"spec": {"ports": ports}});
            assert_eq!(bypass(&service, &template, &routes).map(|(at, _)| at), expected, "{service}");
        }
    }

    #[test]
    fn a_service_without_a_selector_is_for_no_pod() {
        let template = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        for (selector, expected) in [
            (json!({"app": "web"}), true),
            (json!({"app": "web", "tier": "back"}), false),
            (json!({}), false),
            (json!(null), false),
        ] {
            assert_eq!(selects(&json!({"spec": {"selector": selector}}), &template), expected, "{selector}");
        }
    }
}
