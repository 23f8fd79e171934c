//! What a pod consists of, as far as a drawing shows it: read from its JSON, after everything was added.

use multipod_engine::inject::{NO_TOKEN, Plan};
use multipod_engine::pattern::Change;
use multipod_engine::pattern::change::{Kind, Parent};
use multipod_engine::pattern::task::Task;
use serde::Serialize;
use serde_json::Value;

use super::does::{Does, does};
use super::routes::{Route, items, text};

/// A pod, as it is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Picture {
    /// In the order in which they start; the ordinary containers start together.
    pub containers: Vec<Node>,
    /// What they keep files in.
    pub volumes: Vec<Volume>,
    /// Whether containers see each other's processes.
    pub share_process_namespace: bool,
    /// Whether the pod has the node's network.
    pub host_network: bool,
    /// The port whose metrics Prometheus is told to read, and their path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scraped: Option<(u16, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    pub name: String,
    pub role: Role,
    /// Whether it is new.
    pub added: bool,
    pub image: String,
    /// Where it listens, as far as is known.
    pub listens: Vec<Listen>,
    /// What else it does, as far as is known.
    pub does: Vec<Does>,
}

/// When a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Role {
    /// Once, before the next one starts.
    Step,
    /// From its turn before the app on, beside it.
    NativeSidecar,
    /// Together with the other ordinary containers.
    Container,
}

/// A port that a container listens on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listen {
    pub port: u16,
    /// Whether only the pod itself can reach it.
    pub loopback: bool,
    /// `UDP` or `SCTP`; TCP where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The port of the node that leads here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    /// Where it passes connections on to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The container of this pod that they reach there.
    #[serde(skip)]
    pub to_container: Option<String>,
}

/// One volume, and who has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volume {
    pub name: String,
    /// `emptyDir`, `configMap`…
    pub kind: String,
    /// Whether it is new.
    pub added: bool,
    /// Who has it, in the order in which containers start.
    pub mounts: Vec<Mount>,
}

/// One place at which a container has a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mount {
    pub container: String,
    /// Where it appears there.
    pub path: String,
    /// Which part of the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<String>,
    /// Whether it cannot be written there.
    pub read_only: bool,
    /// Whether it is new.
    pub added: bool,
}

impl Picture {
    /// A pod as it is, of which nobody has asked anything.
    pub(crate) fn plain(pod: &Value) -> Picture {
        Picture::of(pod, None, &[], &[])
    }

    /// The picture of a pod in which everything that `plan` adds is new, and does what `tasks` say.
    pub(crate) fn of(pod: &Value, plan: Option<&Plan>, routes: &[Route], tasks: &[Task]) -> Picture {
        let new = New(plan);
        let mut containers = Vec::new();
        let mut mounts = Vec::new();
        for list in ["initContainers", "containers"] {
            for (index, container) in items(&pod["spec"][list]).enumerate() {
                let name = text(container, "name");
                let added = new.has(Kind::Container, name);
                let app = (list == "containers").then_some(index);
                mounts.extend(mounts_of(container, |path| {
                    added || app.is_some_and(|app| new.mounts(app, path))
                }));
                let routes = routes.iter().filter(|route| route.of == name);
                containers.push(Node {
                    name: name.to_owned(),
                    role: role(list, container),
                    added,
                    image: text(container, "image").to_owned(),
                    listens: listens(container, routes),
                    does: does(name, container, (plan, tasks), pod),
                });
            }
        }
        let volumes = items(&pod["spec"]["volumes"]).map(|volume| (text(volume, "name"), volume));
        let volumes = volumes.filter(|(name, _)| *name != NO_TOKEN).map(|(name, volume)| Volume {
            name: name.to_owned(),
            kind: kind(volume).to_owned(),
            added: new.has(Kind::Volume, name),
            mounts: mounts.iter().filter(|(of, _)| of == name).map(|(_, mount)| mount.clone()).collect(),
        });
        Picture {
            volumes: volumes.collect(),
            containers,
            share_process_namespace: pod["spec"]["shareProcessNamespace"] == true,
            host_network: pod["spec"]["hostNetwork"] == true,
            scraped: scraped(pod),
        }
    }
}

/// What a plan adds.
struct New<'p>(Option<&'p Plan>);

impl New<'_> {
    fn has(&self, kind: Kind, name: &str) -> bool {
        self.changes().any(|change| change.kind() == kind && change.name() == name)
    }

    fn mounts(&self, app: usize, path: &str) -> bool {
        self.changes().any(|change| change.parent() == Parent::AppMounts(app) && change.name() == path)
    }

    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.0.into_iter().flat_map(Plan::missing).map(|planned| &planned.change)
    }
}

fn role(list: &str, container: &Value) -> Role {
    match list {
        "containers" => Role::Container,
        _ if text(container, "restartPolicy") == "Always" => Role::NativeSidecar,
        _ => Role::Step,
    }
}

fn listens<'r>(container: &Value, routes: impl Iterator<Item = &'r Route> + Clone) -> Vec<Listen> {
    let mut all: Vec<Listen> = items(&container["ports"])
        .filter_map(|port| {
            let number = port_number(&port["containerPort"])?;
            let route = routes.clone().find(|route| route.listen == number);
            Some(Listen {
                port: number,
                loopback: false,
                protocol: some(port, "protocol").filter(|protocol| protocol != "TCP"),
                name: some(port, "name"),
                host_port: port_number(&port["hostPort"]),
                to: route.map(|route| route.to.clone()),
                to_container: route.and_then(Route::container),
            })
        })
        .collect();
    let hidden = routes.filter(|route| route.loopback);
    all.extend(hidden.map(|route| Listen {
        port: route.listen,
        loopback: true,
        protocol: None,
        name: None,
        host_port: None,
        to: Some(route.to.clone()),
        to_container: route.container(),
    }));
    all
}

fn mounts_of(container: &Value, is_new: impl Fn(&str) -> bool) -> Vec<(String, Mount)> {
    items(&container["volumeMounts"])
        .map(|mount| {
            let path = text(mount, "mountPath");
            let there = Mount {
                container: text(container, "name").to_owned(),
                path: path.to_owned(),
                sub_path: some(mount, "subPath").or_else(|| some(mount, "subPathExpr")),
                read_only: mount["readOnly"] == true,
                added: is_new(path),
            };
            (text(mount, "name").to_owned(), there)
        })
        .collect()
}

/// The field that says what a volume is; one without any is an `emptyDir`.
fn kind(volume: &Value) -> &str {
    let fields = volume.as_object().into_iter().flatten();
    fields.map(|(key, _)| key.as_str()).find(|key| *key != "name").unwrap_or("emptyDir")
}

/// What the annotations of Prometheus say, which most of its configurations read.
fn scraped(pod: &Value) -> Option<(u16, String)> {
    let said = |key: &str| pod["metadata"]["annotations"][format!("prometheus.io/{key}")].as_str();
    let port = said("scrape").filter(|scrape| *scrape == "true").and(said("port"))?.parse().ok()?;
    Some((port, said("path").unwrap_or("/metrics").to_owned()))
}

fn some(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn port_number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use multipod_engine::inject::{Planned, Reason};
    use multipod_engine::pattern::container::{Amounts, Container, Resources};
    use multipod_engine::pattern::{Addition, Role as PodRole};

    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_new_is_marked_and_volumes_know_who_has_them() {
        let before = json!({"spec": {"containers": [{"name": "app", "image": "a:1",
            "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
            "volumeMounts": [{"name": "logs", "mountPath": "/log"}]}], "volumes": [{"name": "logs", "emptyDir": {}}]}});
        let mut after = before;
        after["spec"]["initContainers"] = json!([{"name": "multipod-x", "image": "x:1", "restartPolicy": "Always",
            "ports": [{"containerPort": 80}],
            "volumeMounts": [{"name": "logs", "mountPath": "/in", "readOnly": true}, {"name": NO_TOKEN, "mountPath": "/t"}]}]);
        after["spec"]["volumes"].as_array_mut().unwrap().push(json!({"name": NO_TOKEN, "emptyDir": {}}));
        let routes = [
            Route {
                of: "multipod-x".into(),
                listen: 80,
                loopback: false,
                to: "app:8080".into(),
                app_port: Some(8080),
            },
            Route {
                of: "multipod-x".into(),
                listen: 5432,
                loopback: true,
                to: "db:5432".into(),
                app_port: None,
            },
        ];
        let none = || Amounts { cpu: None, memory: None };
        let container = Container::new("multipod-x", "x:1", Resources { requests: none(), limits: none() });
        let new = Planned::new(0, Reason::Asked, Addition::new(PodRole::Sidecar(None), container));
        let plan = Plan { parts: Vec::new(), changes: vec![new], sidecars_at: 0, steps_at: 0 };
        let picture = Picture::of(&after, Some(&plan), &routes, &[]);

        let [sidecar, app] = &picture.containers[..] else { panic!("{picture:?}") };
        assert_eq!(
            (sidecar.role, sidecar.added, app.role, app.added),
            (Role::NativeSidecar, true, Role::Container, false)
        );
        let ports: Vec<_> = sidecar.listens.iter().map(|l| (l.port, l.loopback, l.to.as_deref())).collect();
        assert_eq!(ports, [(80, false, Some("app:8080")), (5432, true, Some("db:5432"))]);
        assert_eq!(
            (app.listens[0].protocol.as_deref(), app.listens[0].name.as_deref()),
            (None, Some("http"))
        );

        let [logs] = &picture.volumes[..] else { panic!("{picture:?}") };
        assert!(!logs.added && logs.kind == "emptyDir");
        let mounts: Vec<_> =
            logs.mounts.iter().map(|m| (&*m.container, &*m.path, m.read_only, m.added)).collect();
        assert_eq!(mounts, [("multipod-x", "/in", true, true), ("app", "/log", false, false)]);
    }

    #[test]
    fn a_pod_of_any_shape_can_be_looked_at() {
        for pod in [
            json!(null),
            json!({"spec": []}),
            json!({"spec": {"containers": [1, {"ports": [{}]}], "volumes": {}}}),
        ] {
            assert!(Picture::plain(&pod).volumes.is_empty());
        }
    }
}
