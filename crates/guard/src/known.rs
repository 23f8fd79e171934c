//! What a value adds to every pod, whatever else is in the pod: what differs between pods as unlike as can be is left out.

use std::collections::BTreeSet;

use multipod_engine::pattern::change::Kind;
use multipod_engine::pattern::context::{ASSIGNED_USERS, Name};
use multipod_engine::pattern::{AppContainers, Change, Context, Names, Request, Role};
use multipod_engine::pod::Head;
use multipod_engine::policy::{Named, Policy};
use serde_json::{Value, json};

use super::source::Guard;

/// One change that an enforced value makes to any pod.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Whether it is a container that runs once, before the app.
    pub(super) is_step: bool,
    /// Only the fields that all pods get alike.
    pub(super) value: Value,
    /// Fields that differ from pod to pod.
    pub(super) open: Vec<String>,
    /// Whether every container of the app that is meant gets it.
    pub(super) everywhere: bool,
    /// The users and groups that a container was given in one pod or another.
    pub(super) ids: BTreeSet<i64>,
}

/// What a request of a policy adds to any pod; the error is why that cannot be known without the pod.
pub(super) fn changes(
    guard: &Guard<'_>,
    policy: &Policy,
    request: &Request<'_>,
) -> Result<Vec<Known>, String> {
    let containers = &policy.containers;
    let names = containers.examples();
    let apps =
        names.iter().filter(|name| *containers == AppContainers::Default || containers.fit(name)).count();
    let plain = json!({"spec": {"containers": [{"name": names[0], "image": "app:1"}]}});
    let mut known = added(guard, policy, request, &plain, ("one", &[]))?;
    let scenes = [
        (unlike(&known, &names), ("one", &[][..]), apps),
        (plain, ("other", &[(ASSIGNED_USERS, "1000/1000")][..]), apps.min(1)),
    ];
    for (pod, namespace, apps) in scenes {
        let other = added(guard, policy, request, &pod, namespace).unwrap_or_default();
        known.retain_mut(|change| {
            let same = |other: &&Known| other.kind == change.kind && other.name == change.name;
            change.everywhere &= other.iter().filter(same).count() >= apps;
            match other.iter().find(same) {
                Some(other) => {
                    change.ids.extend(&other.ids);
                    change.open.extend(differing(&change.value, &other.value));
                    change.value = common(&change.value, &other.value);
                    // A text that differs from pod to pod says nothing.
                    change.value.is_object() || change.value == other.value
                }
                // Its container is always there, by its name; the rest may be the pod's own.
                None if change.kind == Kind::Container => {
                    change.open.extend(fields(&change.value));
                    change.value = json!({"name": change.name});
                    true
                }
                None => false,
            }
        });
    }
    Ok(known)
}

/// A pod that differs in all that patterns look at: another user, another container first, and volumes of its own wherever
/// the first one got some.
fn unlike(first: &[Known], [name, other]: &[String; 2]) -> Value {
    let mounted = first.iter().filter(|change| change.kind == Kind::AppMount).enumerate();
    let mounts: Vec<Value> = mounted
        .map(|(index, change)| json!({"name": format!("own-{index}"), "mountPath": change.name}))
        .collect();
    let volumes: Vec<Value> =
        mounts.iter().map(|mount| json!({"name": mount["name"], "emptyDir": {}})).collect();
    json!({"spec": {
        "securityContext": {"runAsUser": 4711, "runAsGroup": 4711},
        "containers": [
            {"name": other, "image": "other:1", "volumeMounts": mounts},
            {"name": name, "image": "app:1", "volumeMounts": mounts},
        ],
        "volumes": volumes,
    }})
}

fn added(
    guard: &Guard<'_>,
    policy: &Policy,
    request: &Request<'_>,
    pod: &Value,
    (namespace, annotations): (&str, &[(&str, &str)]),
) -> Result<Vec<Known>, String> {
    let json = pod.to_string();
    let head = Head::read(&json).map_err(|error| error.to_string())?;
    let pod = head.open(None).map_err(|unreadable| unreadable.to_string())?;
    let (upstreams, destinations) = (names(policy, &policy.upstreams), names(policy, &policy.destinations));
    let annotations: Vec<(String, String)> =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let context = Context {
        upstreams: &upstreams,
        destinations: &destinations,
        namespace,
        namespace_annotations: &annotations,
        containers: &policy.containers,
        ..Context::new(guard.settings, guard.catalogue)
    };
    let fragments = request
        .fragments(&pod, &context)
        .map_err(|problems| problems.first().map_or_else(String::new, |problem| problem.label.clone()))?;
    Ok(fragments.iter().flat_map(|fragment| &fragment.changes).filter_map(Known::of).collect())
}

fn names<'a, T>(policy: &'a Policy, named: &'a [Named<T>]) -> Names<'a, T> {
    let entry = |named: &'a Named<T>| Name {
        name: &named.name,
        text: &named.text,
        value: &named.value,
        policy: &policy.name,
        enforced: true,
    };
    Names { entries: named.iter().map(entry).collect() }
}

impl Known {
    /// Nothing for what gives way to the pod's own.
    fn of(change: &Change) -> Option<Known> {
        let gives_way = match change {
            Change::Annotation(note) => !note.must_be_ours,
            Change::PullSecret(_) => true,
            _ => false,
        };
        (!gives_way).then_some(())?;
        let value = serde_json::to_value(change).ok()?;
        let id = |field: &str| value["securityContext"][field].as_i64();
        let ids = ["runAsUser", "runAsGroup"].into_iter().filter_map(id).collect();
        Some(Known {
            kind: change.kind(),
            name: change.name().to_owned(),
            is_step: change.container().is_some_and(|new| new.role == Role::Step),
            value,
            open: Vec::new(),
            everywhere: true,
            ids,
        })
    }
}

/// What two values have in common; of lists, all or nothing.
fn common(one: &Value, other: &Value) -> Value {
    let (Value::Object(one), Value::Object(other)) = (one, other) else { return one.clone() };
    let members = one.iter().filter_map(|(key, value)| match (value, other.get(key)?) {
        (Value::Object(_), other @ Value::Object(_)) => Some((key.clone(), common(value, other))),
        (value, other) => (value == other).then(|| (key.clone(), value.clone())),
    });
    Value::Object(members.collect())
}

fn differing(one: &Value, other: &Value) -> Vec<String> {
    fields(one).filter(|field| one.get(field) != other.get(field)).collect()
}

fn fields(value: &Value) -> impl Iterator<Item = String> {
    value.as_object().into_iter().flatten().map(|(field, _)| field.clone())
}
