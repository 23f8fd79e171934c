//! Where an ambassador passes connections on to, in words.

use serde_json::Value;

use crate::pattern::Names;
use crate::pattern::ambassador::{self, Target};
use multipod_values as value;

/// One listener of the ambassador.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The port it listens on.
    pub listen: u16,
    /// Whether only the pod itself can reach it.
    pub loopback: bool,
    /// Where connections go.
    pub to: String,
    /// The port of the app, where they go there.
    pub app_port: Option<u16>,
}

/// The routes that a value asks for, as they come to be in this pod; none where the value is wrong.
pub fn routes(
    value: &str,
    pod: &Value,
    upstreams: &Names<'_>,
    namespace: &str,
    cluster_domain: &str,
) -> Vec<Route> {
    let Ok(request) = ambassador::parse(value) else { return Vec::new() };
    let own_config = request.config.map(|name| format!("ConfigMap {name}"));
    let complete = |host: &multipod_values::Host, port: u16| {
        format!("{}:{port}", host.complete(namespace, cluster_domain))
    };
    let routes = request.routes.iter().map(|route| {
        let listen = route.listen.get();
        let (to, app_port) = match &route.target {
            None => (own_config.clone().unwrap_or_default(), None),
            Some(Target::App(port)) => (format!("{}:{port}", app_with(pod, port.get())), Some(port.get())),
            Some(Target::Host(host, port)) => {
                (complete(host, port.map_or(listen, std::num::NonZero::get)), None)
            }
            Some(Target::Upstream(name)) => {
                let found = upstreams.resolve(name).and_then(value::host_and_port);
                (found.map_or(format!("@{name}"), |(host, port)| complete(&host, port.get())), None)
            }
        };
        let loopback = matches!(route.target, Some(Target::Host(..) | Target::Upstream(_)));
        Route { listen, loopback, to, app_port }
    });
    routes.collect()
}

/// The container that says it has a port; the pod's default container where none does.
fn app_with(pod: &Value, port: u16) -> &str {
    let containers = || pod["spec"]["containers"].as_array().into_iter().flatten();
    let declares = |container: &&Value| declares(container, port);
    let default = pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].as_str();
    let named = containers().find(|container| default.is_some() && container["name"].as_str() == default);
    let found = containers().find(declares).or(named).or_else(|| containers().next());
    found.and_then(|container| container["name"].as_str()).unwrap_or("app")
}

/// Whether a container says that it has a port.
pub(super) fn declares(container: &Value, port: u16) -> bool {
    let ports = container["ports"].as_array().into_iter().flatten();
    ports.into_iter().any(|declared| declared["containerPort"] == port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_route_is_told_as_it_comes_to_be() {
        let pod = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "web"}},
            "spec": {"containers": [{"name": "other", "ports": [{"containerPort": 9000}]}, {"name": "web"}]}});
        let entry = crate::pattern::context::Name {
            name: "orders",
            value: "o.example.com:1",
            policy: "p",
            enforced: false,
        };
        let upstreams = Names { entries: vec![entry] };
        for (value, to, loopback, app_port) in [
            ("80:8775", "web:8775", false, Some(8775)),
            ("80:9000", "other:9000", false, Some(9000)),
            ("5432:db", "db.shop.svc.cluster.local:5432", true, None),
            ("5432:db.example.com:1", "db.example.com:1", true, None),
            ("6379:@orders", "o.example.com:1", true, None),
            ("6379:@unknown", "@unknown", true, None),
            ("80, config=own", "ConfigMap own", false, None),
        ] {
            let found = routes(value, &pod, &upstreams, "shop", "cluster.local");
            assert_eq!(
                (found[0].to.as_str(), found[0].loopback, found[0].app_port),
                (to, loopback, app_port),
                "{value}"
            );
        }
        assert!(routes("8o:1", &pod, &upstreams, "shop", "cluster.local").is_empty());
    }
}
