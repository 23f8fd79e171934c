//! What a policy adds to every pod alike, found by asking the engine about pods that differ in all that it reads.

use multipod_engine::annotation::Key;
use multipod_engine::annotation::key::STATUS;
use multipod_engine::annotation::settings::Sidecar;
use multipod_engine::inject::{Plan, alone};
use multipod_engine::pattern::change::{self, Kind};
use multipod_engine::pattern::container::Container;
use multipod_engine::pattern::context::ASSIGNED_USERS;
use multipod_engine::pattern::{Change, Context, Role};
use multipod_engine::pod::view::DEFAULT_CONTAINER;
use multipod_engine::pod::{Head, Version};
use multipod_engine::policy::Policy;
use serde_json::{Value, json};

use multipod_guard::Guard;

use super::lost::Lost;

/// All that is added, in the order of the webhook's patch.
#[derive(Debug)]
pub(super) struct Fixed {
    /// Before the app, sidecars first.
    pub containers: Vec<OfUsers>,
    pub volumes: Vec<Value>,
    pub pull_secrets: Vec<Value>,
    /// In the order of the record.
    pub annotations: Vec<(String, Note)>,
    /// The record without its end, and without the annotations, secrets and lists that depend on the pod.
    pub record: String,
    pub ports: Ports,
}

/// A container, as it is where the pod and the platform leave users alone; where the pod is root's; and where the platform
/// assigns users.
#[derive(Debug, PartialEq)]
pub(super) struct OfUsers {
    pub plain: Value,
    pub root: Value,
    pub assigned: Value,
}

/// The value of an annotation.
#[derive(Debug, PartialEq)]
pub(super) enum Note {
    Text(String),
    /// The name of the first container, where the pod names no other.
    FirstContainer,
}

/// What is listened on.
#[derive(Debug, Default)]
pub(super) struct Ports {
    /// Numbers and protocols.
    pub taken: Vec<(u16, String)>,
    pub names: Vec<String>,
    pub on_node: Vec<(u16, String)>,
}

/// One pod, and what surrounds it.
struct Scene {
    pod: Value,
    namespace: &'static str,
    annotations: Vec<(String, String)>,
    owner: Option<&'static str>,
}

/// No pod's own container, volume or secret has this name.
const OWN: &str = "own";

impl Scene {
    /// A pod that has a list of everything, so that nothing has to be made, and none of what is added.
    fn plain() -> Scene {
        let pod = json!({
            "metadata": {"annotations": {OWN: OWN}},
            "spec": {
                "containers": [{"name": OWN, "image": "own:1"}],
                "initContainers": [{"name": "first", "image": "own:1"}],
                "volumes": [{"name": OWN, "emptyDir": {}}],
                "imagePullSecrets": [{"name": ""}],
            },
        });
        Scene { pod, namespace: "one", annotations: Vec::new(), owner: None }
    }

    fn of_root() -> Scene {
        let mut scene = Scene::plain();
        scene.pod["spec"]["securityContext"] = json!({"runAsUser": 0});
        scene
    }

    fn with_assigned_users() -> Scene {
        let annotations = vec![(ASSIGNED_USERS.to_owned(), "1000/1000".to_owned())];
        Scene { annotations, ..Scene::of_root() }
    }

    /// Different in everything else.
    fn unlike() -> Scene {
        let mut scene = Scene { namespace: "other", owner: Some("Job"), ..Scene::plain() };
        let spec = &mut scene.pod["spec"];
        spec["securityContext"] = json!({"runAsUser": 4711, "runAsGroup": 4711, "runAsNonRoot": true});
        spec["restartPolicy"] = json!("Never");
        spec["containers"] = json!([
            {"name": OWN, "image": "other:2", "ports": [{"containerPort": 5, "name": "other"}],
             "volumeMounts": [{"name": OWN, "mountPath": "/other"}], "env": [{"name": "OTHER", "value": "x"}],
             "securityContext": {"runAsUser": 4712}},
            {"name": "second", "image": "second:1"},
        ]);
        scene
    }

    fn plan(&self, policy: &Policy, (guard, version): (&Guard<'_>, Version)) -> Result<Plan, Vec<Lost>> {
        let lost = |field: &str, what: String| {
            vec![Lost::new(policy, field, what, "Make the policy one that any pod can have")]
        };
        let json = self.pod.to_string();
        let head = Head::read(&json).map_err(|error| lost("spec", error.to_string()))?;
        let pod = head.open(None).map_err(|error| lost("spec", error.to_string()))?;
        let context = Context {
            namespace: self.namespace,
            namespace_annotations: &self.annotations,
            owner_kind: self.owner,
            version,
            ..Context::new(guard.settings, guard.catalogue)
        };
        alone(policy, &pod, &context).map_err(|refusals| {
            refusals.iter().flat_map(|refusal| lost("spec.annotations", refusal.to_string())).collect()
        })
    }
}

impl Fixed {
    /// What is lost by the policy's keys alone is told already.
    pub(super) fn of(policy: &Policy, (guard, version): (&Guard<'_>, Version)) -> Result<Fixed, Vec<Lost>> {
        if !policy.annotations.iter().all(|(key, _)| *key == Key::Patterns) {
            return Err(Vec::new());
        }
        let plan = Scene::plain().plan(policy, (guard, version))?;
        let lost: Vec<Lost> = added(&plan).filter_map(|new| reads(new, policy, &plan)).collect();
        if !lost.is_empty() {
            return Err(lost);
        }
        let [of_root, assigned, unlike] = [Scene::of_root(), Scene::with_assigned_users(), Scene::unlike()]
            .map(|scene| scene.plan(policy, (guard, version)));
        let (of_root, assigned) = (of_root?, assigned?);
        if !unlike.is_ok_and(|unlike| added(&unlike).eq(added(&plan))) {
            let (field, cure) = ("spec.annotations", "Leave this policy to the webhook");
            return Err(vec![Lost::new(policy, field, "what it adds differs from pod to pod", cure)]);
        }
        let [plain, root, assigned] = [&plan, &of_root, &assigned].map(containers);
        let containers = plain.into_iter().zip(root).zip(assigned);
        let of_kind = |kind: Kind| added(&plan).filter(move |change| change.kind() == kind);
        let values = |kind: Kind| of_kind(kind).map(|change| json!(change)).collect();
        let notes = || added(&plan).filter_map(Change::annotation);
        let record = notes().find(|note| *note.key == *STATUS).map_or("", |note| &*note.value);
        let others = || notes().filter(|note| *note.key != *STATUS);
        let fixed = [
            ("annotations", others().map(|note| &*note.key).collect::<Vec<_>>()),
            ("pullSecrets", of_kind(Kind::PullSecret).map(Change::name).collect()),
        ];
        Ok(Fixed {
            containers: containers
                .map(|((plain, root), assigned)| OfUsers { plain, root, assigned })
                .collect(),
            volumes: values(Kind::Volume),
            pull_secrets: values(Kind::PullSecret),
            annotations: others().map(|note| (note.key.to_string(), Note::of(note))).collect(),
            record: fixed
                .iter()
                .fold(record.strip_suffix("}").unwrap_or_default().to_owned(), |record, (field, all)| {
                    record.replace(&format!(",\"{field}\":{}", json!(all)), "")
                }),
            ports: Ports::of(added(&plan).filter_map(Change::container).map(|new| &new.container)),
        })
    }

    pub(super) fn volume_names(&self) -> impl Iterator<Item = &str> {
        self.volumes.iter().filter_map(|volume| volume["name"].as_str())
    }
}

/// What an earlier change adds is not added again.
fn added(plan: &Plan) -> impl Iterator<Item = &Change> {
    plan.missing().map(|planned| &planned.change)
}

fn containers(plan: &Plan) -> Vec<Value> {
    added(plan).filter_map(Change::container).map(|new| json!(new.container)).collect()
}

impl Note {
    fn of(note: &change::Note) -> Note {
        let is_first = *note.key == *DEFAULT_CONTAINER && note.value == OWN;
        if is_first { Note::FirstContainer } else { Note::Text(note.value.clone()) }
    }
}

/// What a pattern adds that has to be compared with what the pod has.
fn reads(change: &Change, policy: &Policy, plan: &Plan) -> Option<Lost> {
    let (field, what) = match change {
        Change::AppMount(_) => (
            "spec.app.mounts",
            "which container of the app is meant, and what it has mounted there, is read in the pod",
        ),
        Change::AppVariable(_) => (
            "spec.app.env",
            "which container of the app is meant, and whether it has the variable, is read in the pod",
        ),
        Change::Sysctl(_) => ("spec.sysctls", "the kernel settings of the pod are compared first"),
        Change::SharedProcesses => (
            "spec.shareProcessNamespace",
            "what the pod says of processes (hostPID, shareProcessNamespace) is compared first",
        ),
        Change::Container(new) if new.role == Role::Sidecar(Some(Sidecar::Classic)) => (
            "sidecar=classic",
            "an ordinary container would keep a Job from its end, and pods are asked whether they end",
        ),
        _ => return None,
    };
    let pattern = plan.parts.first().map_or("patterns", |part| &*part.name);
    Some(Lost::new(
        policy,
        "spec.annotations[multipod/patterns]",
        format!("{field} of {pattern}: {what}"),
        "Leave this policy to the webhook, or take that out of the pattern",
    ))
}

impl Ports {
    fn of<'c>(containers: impl Iterator<Item = &'c Container>) -> Ports {
        let mut ports = Ports::default();
        for container in containers {
            for port in &container.ports {
                let protocol = port.protocol.as_deref().unwrap_or("TCP").to_owned();
                ports.names.extend(port.name.as_deref().map(str::to_owned));
                ports.on_node.extend(port.host_port.map(|on_node| (on_node, protocol.clone())));
                ports.taken.push((port.container_port, protocol));
            }
            let loopback = [(&container.loopback_ports, "TCP"), (&container.loopback_udp_ports, "UDP")];
            for (numbers, protocol) in loopback {
                ports.taken.extend(numbers.iter().map(|number| (*number, protocol.to_owned())));
            }
        }
        ports
    }

    pub(super) fn are_none(&self) -> bool {
        self.taken.is_empty()
    }
}
