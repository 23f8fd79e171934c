//! Where containers pass connections on to, in words.

use multipod_engine::inject::Plan;
use multipod_engine::pattern::change::{self, Destination};
use multipod_engine::pod::view::DEFAULT_CONTAINER;
use serde_json::Value;

/// One listener of a container that passes connections on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub of: String,
    /// The port it listens on.
    pub listen: u16,
    /// Whether only the pod itself can reach it.
    pub loopback: bool,
    /// Where connections go.
    pub to: String,
    /// The port of the app, where they go there.
    pub app_port: Option<u16>,
}

impl Route {
    /// The container of the pod that it leads to.
    pub(super) fn container(&self) -> Option<String> {
        let app = self.app_port.and(self.to.rsplit_once(':'))?.0;
        Some(app.to_owned())
    }
}

/// The routes of everything that a plan has in this pod, be it new or there already.
pub(crate) fn routes(plan: &Plan, pod: &Value) -> Vec<Route> {
    let containers = plan.changes.iter().filter_map(|planned| planned.change.container());
    let routes = containers.flat_map(|new| new.routes.iter().map(move |route| (&*new.container.name, route)));
    routes.map(|(of, route)| in_words(of, route, pod)).collect()
}

fn in_words(of: &str, route: &change::Route, pod: &Value) -> Route {
    let to = match &route.to {
        Destination::App(port) => format!("{}:{port}", app_with(pod, *port)),
        Destination::Outside { host, port } => format!("{host}:{port}"),
        Destination::OwnConfig(name) => format!("ConfigMap {name}"),
    };
    let loopback = route.on_loopback();
    Route { of: of.to_owned(), listen: route.listen, loopback, to, app_port: route.app_port() }
}

/// The container that says it has a port; the pod's default container where none does, though it may not be there yet.
pub(super) fn app_with(pod: &Value, port: u16) -> &str {
    let containers = || pod["spec"]["containers"].as_array().into_iter().flatten();
    let default = pod["metadata"]["annotations"][DEFAULT_CONTAINER].as_str();
    let declaring = containers().find(|container| declares(container, port));
    let first = || containers().next().and_then(|container| container["name"].as_str());
    declaring.and_then(|container| container["name"].as_str()).or(default).or_else(first).unwrap_or("app")
}

/// Whether a container says that it has a port.
pub(super) fn declares(container: &Value, port: u16) -> bool {
    let ports = container["ports"].as_array().into_iter().flatten();
    ports.into_iter().any(|declared| declared["containerPort"] == port)
}

pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_port_is_that_of_the_container_that_declares_it_or_else_of_the_default_one() {
        let containers = json!([{"name": "other", "ports": [{"containerPort": 9000}]}, {"name": "web"}]);
        for (default, port, expected) in [
            (json!("web"), 8775, "web"),
            (json!("web"), 9000, "other"),
            (json!(null), 8775, "other"),
            // Another webhook may add it later, and then it is the one.
            (json!("later"), 8775, "later"),
        ] {
            let pod = json!({"metadata": {"annotations": {DEFAULT_CONTAINER: default}}, "spec": {"containers": containers}});
            assert_eq!(app_with(&pod, port), expected, "{default} {port}");
        }
    }
}
