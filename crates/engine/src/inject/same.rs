//! Whether a thing that is there is the one that we would add, and what it has besides: ours ⊆ theirs, nothing around it
//! makes it another, and whatever others have added is listed here, or told.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::pattern::Context;
use crate::pattern::others::{LEAST_CPU, LEAST_MEMORY, LEAST_STORAGE, is_moved};
use crate::pod::path::covers as lies_in;
use multipod_values::{Resource, quantity, short};

/// Fields that make something else of what they stand in: where we leave one out, it must be out.
const DECISIVE: [&str; 8] =
    ["command", "args", "restartPolicy", "subPath", "subPathExpr", "privileged", "add", "hostPort"];

/// What others add to what is ours, and what leaves it ours.
struct Addition {
    /// Where: fields with dots between, `*` for any item of a list, `PROBE` for any of the three probes. The first word
    /// is the kind of thing.
    at: &'static str,
    is: Is,
    /// Who adds it.
    by: &'static str,
}

/// What may stand there.
enum Is {
    Text(&'static str),
    Number(i64),
    /// Any amount.
    Amount,
    /// From this amount, and twice our request, up.
    From(&'static str),
    /// Nothing but empty fields.
    Empty,
    /// A user, where the platform assigns users.
    AssignedUser,
    /// A variable that the settings name.
    InjectorVariable,
    /// A mount in a folder that the settings name.
    InjectorMount,
}

/// How many additions are told one by one.
const MOST_TOLD: usize = 4;

const DEFAULT: &str = "a default of the API server";
const LIMIT_RANGE: &str = "a LimitRange";

#[rustfmt::skip]
const ADDITIONS: [Addition; 28] = [
    Addition { at: "container.terminationMessagePath", is: Is::Text("/dev/termination-log"), by: DEFAULT },
    Addition { at: "container.terminationMessagePolicy", is: Is::Text("File"), by: DEFAULT },
    Addition { at: "container.imagePullPolicy", is: Is::Text("Always"), by: "the admission plugin AlwaysPullImages" },
    Addition { at: "container.ports.*.protocol", is: Is::Text("TCP"), by: DEFAULT },
    Addition { at: "container.PROBE.timeoutSeconds", is: Is::Number(1), by: DEFAULT },
    Addition { at: "container.PROBE.periodSeconds", is: Is::Number(10), by: DEFAULT },
    Addition { at: "container.PROBE.successThreshold", is: Is::Number(1), by: DEFAULT },
    Addition { at: "container.PROBE.failureThreshold", is: Is::Number(3), by: DEFAULT },
    Addition { at: "container.PROBE.httpGet.scheme", is: Is::Text("HTTP"), by: DEFAULT },
    Addition { at: "container.lifecycle.*.httpGet.scheme", is: Is::Text("HTTP"), by: DEFAULT },
    Addition { at: "container.securityContext.procMount", is: Is::Text("Default"), by: DEFAULT },
    Addition { at: "container.securityContext.runAsUser", is: Is::AssignedUser, by: "a platform that assigns users" },
    Addition { at: "container.resources.requests.*", is: Is::Amount, by: "the API server (from limits), or a LimitRange" },
    Addition { at: "container.resources.limits.cpu", is: Is::From(LEAST_CPU), by: LIMIT_RANGE },
    Addition { at: "container.resources.limits.memory", is: Is::From(LEAST_MEMORY), by: LIMIT_RANGE },
    Addition { at: "container.resources.limits.ephemeral-storage", is: Is::From(LEAST_STORAGE), by: LIMIT_RANGE },
    Addition { at: "container.env.*", is: Is::InjectorVariable, by: "an injector that the settings name" },
    Addition { at: "container.env.*.valueFrom.fieldRef.apiVersion", is: Is::Text("v1"), by: DEFAULT },
    Addition { at: "container.volumeMounts.*", is: Is::InjectorMount, by: "an injector that the settings name" },
    Addition { at: "variable.valueFrom.fieldRef.apiVersion", is: Is::Text("v1"), by: DEFAULT },
    Addition { at: "volume.configMap.defaultMode", is: Is::Number(0o644), by: DEFAULT },
    Addition { at: "volume.downwardAPI.defaultMode", is: Is::Number(0o644), by: DEFAULT },
    Addition { at: "volume.downwardAPI.items.*.fieldRef.apiVersion", is: Is::Text("v1"), by: DEFAULT },
    Addition { at: "volume.projected.defaultMode", is: Is::Number(0o644), by: DEFAULT },
    Addition { at: "volume.projected.sources.*.downwardAPI.items.*.fieldRef.apiVersion", is: Is::Text("v1"), by: DEFAULT },
    Addition { at: "volume.projected.sources.*.serviceAccountToken.expirationSeconds", is: Is::Number(3600), by: DEFAULT },
    Addition { at: "volume.secret.defaultMode", is: Is::Number(0o644), by: DEFAULT },
    Addition { at: "volume.ephemeral.volumeClaimTemplate.metadata", is: Is::Empty, by: DEFAULT },
];

/// The same as people read it: the place, what may stand there, who adds it.
pub fn additions() -> impl Iterator<Item = [String; 3]> {
    ADDITIONS.iter().map(|Addition { at, is, by }| [(*at).to_owned(), is.to_string(), (*by).to_owned()])
}

impl fmt::Display for Is {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Is::Text(text) => f.write_str(text),
            Is::Number(number) => write!(f, "{number}"),
            Is::Amount => f.write_str("any amount of CPU, memory or ephemeral storage"),
            Is::From(least) => write!(f, "from {least}, and twice what is requested, up"),
            Is::Empty => f.write_str("nothing but empty fields"),
            Is::AssignedUser => f.write_str("any but root, where users are assigned"),
            Is::InjectorVariable => f.write_str("a variable with a prefix of `injectors.environment`"),
            Is::InjectorMount => f.write_str("a mount below a folder of `injectors.mounts`"),
        }
    }
}

/// What a thing that is there has to do with ours.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Likeness {
    /// Whether every field that we would write is there, and nothing around them makes it another thing.
    pub(crate) ours: bool,
    /// What it has besides, where nothing in the table allows it: the first few by their places,
    pub(crate) more: Vec<String>,
    /// and how many follow.
    pub(crate) uncounted: usize,
    /// Its image, where that has only moved to another registry, and the settings do not say so.
    pub(crate) moved: Option<String>,
}

impl Likeness {
    /// What it has besides, in words; nothing where it has nothing.
    pub(super) fn besides(&self) -> Option<String> {
        let told = self.more.iter().map(|one| short(one)).collect::<Vec<_>>().join(", ");
        let rest = if self.uncounted > 0 { format!(" and {} more", self.uncounted) } else { String::new() };
        (!told.is_empty()).then_some(told + &rest)
    }
}

/// Compares a `kind` of thing (the first word of the table's places) with the one that we would add.
pub(super) fn compare(kind: &str, ours: &impl Serialize, theirs: &Value, context: &Context<'_>) -> Likeness {
    let Ok(ours) = serde_json::to_value(ours) else { return Likeness::default() };
    let requests = &ours["resources"]["requests"];
    let mut comparison =
        Comparison { context, requests, path: vec![kind.into()], found: Likeness::default() };
    let is_ours = comparison.covers(theirs, &ours);
    Likeness { ours: is_ours, ..comparison.found }
}

/// One walk through both.
struct Comparison<'v, 'c> {
    context: &'v Context<'c>,
    /// What we request, which limits of others must leave room for.
    requests: &'v Value,
    path: Vec<Cow<'v, str>>,
    found: Likeness,
}

impl<'v> Comparison<'v, '_> {
    fn within<T>(&mut self, step: impl Into<Cow<'v, str>>, look: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.into());
        let found = look(self);
        self.path.pop();
        found
    }

    fn is_at(&self, path: &str) -> bool {
        let is = |pattern: &str, step: &str| match pattern {
            "*" => true,
            "PROBE" => ["startupProbe", "livenessProbe", "readinessProbe"].contains(&step),
            name => name == step,
        };
        let mut steps = self.path.iter();
        path.split('.').all(|pattern| steps.next().is_some_and(|step| is(pattern, step)))
            && steps.next().is_none()
    }

    fn covers(&mut self, theirs: &'v Value, ours: &'v Value) -> bool {
        match (theirs, ours) {
            (Value::Object(theirs), Value::Object(ours)) => {
                let decided =
                    |key: &&str| ours.contains_key(*key) || theirs.get(*key).is_none_or(says_nothing);
                let mut is_ours = DECISIVE.iter().all(decided);
                for (key, value) in ours {
                    is_ours &= if let Some(other) = theirs.get(key) {
                        self.within(&**key, |inside| inside.covers(other, value))
                    } else {
                        // Neither an empty list of amounts nor an empty value is stored.
                        let is_empty = says_nothing(value) || value.as_object().is_some_and(Map::is_empty);
                        matches!(&**key, "requests" | "limits" | "value") && is_empty
                    };
                    if !is_ours {
                        return false;
                    }
                }
                for (key, other) in theirs.iter().filter(|(key, _)| !ours.contains_key(*key)) {
                    self.within(&**key, |inside| inside.more(other));
                }
                is_ours
            }
            (Value::Array(theirs), Value::Array(ours)) => match self.path.last().map_or("", |step| step) {
                // Order and number matter where a list is one command line.
                "command" | "args" | "drop" | "add" => theirs == ours,
                "env" => self.has_variables(theirs, ours),
                "volumeMounts" => !hides(theirs, ours) && self.has_all(theirs, ours),
                _ => self.has_all(theirs, ours),
            },
            (Value::String(theirs), Value::String(ours)) => theirs == ours || self.is_same_text(theirs, ours),
            (theirs, ours) => theirs == ours,
        }
    }

    fn is_same_text(&mut self, theirs: &str, ours: &str) -> bool {
        if self.is_at("container.image") {
            let rewrites = &self.context.settings.image_rewrites;
            let is_known = rewrites.iter().any(|rewrite| rewrite.makes(theirs, ours));
            if !is_known && is_moved(theirs, ours) {
                self.found.moved = Some(theirs.to_owned());
            }
            return is_known || self.found.moved.is_some();
        }
        same_quantity(theirs, ours, self.path.last().map_or("", |step| step))
            || self.is_at("container.imagePullPolicy") && self.is_listed(&theirs.into())
    }

    /// Others may add their own items between ours.
    fn has_all(&mut self, theirs: &'v [Value], ours: &'v [Value]) -> bool {
        let mut wanted = ours.iter().peekable();
        for other in theirs {
            let told = (self.found.more.len(), self.found.uncounted);
            let is_next = wanted
                .peek()
                .is_some_and(|next| self.within(name_of(other), |inside| inside.covers(other, next)));
            if is_next {
                wanted.next();
            } else {
                self.found.more.truncate(told.0);
                self.found.uncounted = told.1;
                self.within(name_of(other), |inside| inside.more(other));
            }
        }
        wanted.next().is_none()
    }

    /// Of two variables with one name the last one counts.
    fn has_variables(&mut self, theirs: &'v [Value], ours: &'v [Value]) -> bool {
        let last = |name: &Value| theirs.iter().rposition(|other| other["name"] == *name);
        let places: Vec<Option<usize>> = ours.iter().map(|variable| last(&variable["name"])).collect();
        let all_there = ours.iter().zip(&places).all(|(variable, at)| {
            at.is_some_and(|at| self.within(name_of(variable), |inside| inside.covers(&theirs[at], variable)))
        });
        for (_, other) in theirs.iter().enumerate().filter(|(at, _)| !places.contains(&Some(*at))) {
            self.within(name_of(other), |inside| inside.more(other));
        }
        all_there
    }

    /// Something that we would not write.
    fn more(&mut self, value: &'v Value) {
        if says_nothing(value) || self.is_listed(value) {
            return;
        }
        match value {
            Value::Array(items) => {
                for item in items {
                    self.within(name_of(item), |inside| inside.more(item));
                }
            }
            _ if self.found.more.len() < MOST_TOLD => self.found.more.push(self.path[1..].join(".")),
            _ => self.found.uncounted += 1,
        }
    }

    fn is_listed(&self, value: &Value) -> bool {
        ADDITIONS.iter().any(|addition| self.is_at(addition.at) && self.fits(&addition.is, value))
    }

    fn fits(&self, is: &Is, value: &Value) -> bool {
        let injectors = &self.context.settings.injectors;
        let text = |field: &str| value[field].as_str().unwrap_or_default();
        match is {
            Is::Text(text) => value == text,
            Is::Number(number) => value == number,
            Is::Amount => self.amount(value).is_some(),
            Is::From(least) => {
                let resource = self.path.last().map_or("", |step| step);
                let request = self.amount(&self.requests[resource]).unwrap_or(0);
                let least = self.amount(&Value::from(*least)).unwrap_or(u64::MAX);
                self.amount(value).is_some_and(|limit| limit >= least.max(request.saturating_mul(2)))
            }
            Is::Empty => value.as_object().is_some_and(|map| map.values().all(says_nothing)),
            Is::AssignedUser => self.context.assigns_users() && value.as_i64().is_some_and(|user| user != 0),
            Is::InjectorVariable => injectors.set(text("name")),
            Is::InjectorMount => {
                injectors.mount_at(text("mountPath"))
                    && ["subPath", "subPathExpr"].iter().all(|field| text(field).is_empty())
            }
        }
    }

    fn amount(&self, value: &Value) -> Option<u64> {
        let resource = resource(self.path.last().map_or("", |step| step))?;
        match value {
            Value::String(text) => quantity::thousandths(text, resource).ok(),
            Value::Number(number) => quantity::thousandths(&number.to_string(), resource).ok(),
            _ => None,
        }
    }
}

/// What people know an item of a list by.
fn name_of(item: &Value) -> Cow<'_, str> {
    let field = ["name", "mountPath", "devicePath", "path", "containerPort", "configMapRef", "secretRef"]
        .iter()
        .rev()
        .find(|field| !item[**field].is_null());
    match field.map(|field| &item[*field]) {
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(Value::Number(number)) => Cow::Owned(number.to_string()),
        Some(other) => Cow::Borrowed(other["name"].as_str().unwrap_or_default()),
        None => Cow::Borrowed(item.as_str().unwrap_or("*")),
    }
}

/// Null, false and everything empty but maps: what the API server takes for "not said". Zero is a user, and a mode.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Number(_) | Value::Object(_) => false,
    }
}

/// Whether something of others is mounted inside a folder that we mount to be read only: our configuration.
fn hides(theirs: &[Value], ours: &[Value]) -> bool {
    fn path(mount: &Value) -> &str {
        mount["mountPath"].as_str().unwrap_or_default()
    }
    theirs.iter().map(path).any(|inner| {
        let is_own = ours.iter().any(|mount| path(mount) == inner);
        !is_own && ours.iter().any(|mount| mount["readOnly"] == true && lies_in(path(mount), inner))
    })
}

/// The API server rewrites quantities: `0.05` becomes `50m`.
fn same_quantity(theirs: &str, ours: &str, field: &str) -> bool {
    let Some(resource) = resource(field) else { return false };
    let theirs = quantity::thousandths(theirs, resource);
    theirs.is_ok() && theirs == quantity::thousandths(ours, resource)
}

fn resource(field: &str) -> Option<Resource> {
    match field {
        "cpu" => Some(Resource::Cpu),
        "memory" | "ephemeral-storage" | "storage" | "sizeLimit" => Some(Resource::Memory),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Catalogue;
    use serde_json::json;

    fn likeness(ours: &Value, theirs: &Value, settings: &Value) -> Likeness {
        let (settings, catalogue) =
            (serde_json::from_str(&settings.to_string()).unwrap(), Catalogue::default());
        compare("container", ours, theirs, &Context::new(&settings, &catalogue))
    }

    fn is_equal(found: &Likeness) -> bool {
        found.ours && found.more.is_empty() && found.moved.is_none()
    }

    fn is_part_of(ours: &Value, theirs: &Value) -> bool {
        likeness(ours, theirs, &json!({})).ours
    }

    fn ours() -> Value {
        json!({"name": "a", "args": ["x"], "resources": {"requests": {}, "limits": {"cpu": "50m"}},
            "env": [{"name": "MODE", "value": "m"}],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "c", "mountPath": "/etc/c", "readOnly": true}]})
    }

    fn theirs() -> Value {
        json!({"name": "a", "args": ["x"], "command": [], "resources": {"limits": {"cpu": "0.05"}},
            "restartPolicy": null, "terminationMessagePath": "/dev/termination-log",
            "env": [{"name": "OTHER", "value": "o"}, {"name": "MODE", "value": "m"}],
            "securityContext": {"runAsUser": 7},
            "volumeMounts": [{"name": "token", "mountPath": "/t"}, {"name": "v", "mountPath": "/v", "readOnly": false},
                {"name": "c", "mountPath": "/etc/c", "readOnly": true}]})
    }

    #[test]
    fn what_others_add_does_not_hide_what_is_ours() {
        let found = likeness(&ours(), &theirs(), &json!({}));
        assert!(found.ours && !is_equal(&found));
        let told = "env.OTHER, volumeMounts./t, securityContext";
        assert_eq!(found.besides().as_deref(), Some(told));
    }

    #[test]
    fn what_the_table_lists_is_no_addition() {
        let ours = json!({"image": "haproxy:3.2", "imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": 80}],
            "startupProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1},
            "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {}}});
        let theirs = json!({"image": "mirror.example/library/haproxy:3.2@sha256:00", "imagePullPolicy": "Always",
            "ports": [{"containerPort": 80, "protocol": "TCP"}],
            "startupProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1, "timeoutSeconds": 1,
                "successThreshold": 1, "failureThreshold": 3},
            "env": [{"name": "OTEL_X", "value": "x"},
                {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}}],
            "volumeMounts": [{"name": "aws", "mountPath": "/var/run/secrets/eks.amazonaws.com/x", "readOnly": true}],
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi", "ephemeral-storage": "1Gi"},
                "limits": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "2Gi"}},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"});
        let settings = json!({"imageRewrites": ["mirror.example/*"], "injectors": {"environment": ["OTEL_"],
            "mounts": ["/var/run/secrets/eks.amazonaws.com"]}});
        let found = likeness(&ours, &theirs, &settings);
        assert!(is_equal(&found), "{found:?}");
        let found = likeness(&ours, &theirs, &json!({}));
        assert!(found.ours && found.moved.is_some() && found.more.len() == 2, "{found:?}");
        for (place, value) in [
            ("/terminationMessagePath", json!("/usr/local/etc/haproxy/haproxy.cfg")),
            ("/startupProbe/timeoutSeconds", json!(7)),
            ("/resources/limits/cpu", json!("10m")),
            ("/resources/limits/memory", json!("64Mi")),
            ("/resources/limits/ephemeral-storage", json!("1Ki")),
            ("/env/0/name", json!("LD_PRELOAD")),
            ("/volumeMounts/0/mountPath", json!("/var/run/secrets/eks.amazonaws.com/../../../x")),
            ("/volumeMounts/0/subPathExpr", json!("$(A)")),
            ("/image", json!("evil.example/haproxy:3.2")),
            ("/securityContext", json!({"runAsUser": 0})),
        ] {
            let mut changed = theirs.clone();
            let (parent, field) = place.rsplit_once('/').unwrap();
            changed.pointer_mut(parent).unwrap()[field] = value.clone();
            assert!(!is_equal(&likeness(&ours, &changed, &settings)), "{place}: {value}");
        }
    }

    #[test]
    fn thousands_of_additions_are_counted() {
        let env: Vec<Value> = (0..1000).map(|at| json!({"name": format!("A{at}")})).collect();
        let found = likeness(&json!({"name": "a"}), &json!({"name": "a", "env": env}), &json!({}));
        assert_eq!(found.besides().as_deref(), Some("env.A0, env.A1, env.A2, env.A3 and 996 more"));
    }

    #[test]
    fn what_makes_it_another_thing_is_seen() {
        let more = |place: &str, item: Value| {
            let mut list = theirs().pointer(place).unwrap().clone();
            list.as_array_mut().unwrap().push(item);
            list
        };
        let first_mount =
            json!([{"name": "v", "mountPath": "/v", "subPath": "s"}, theirs()["volumeMounts"][2]]);
        for (place, other) in [
            ("/name", json!("b")),
            ("/args", json!(["x", "y"])),
            ("/command", json!(["sh"])),
            ("/restartPolicy", json!("Always")),
            ("/volumeMounts", json!([])),
            ("/volumeMounts", first_mount),
            ("/volumeMounts", more("/volumeMounts", json!({"name": "evil", "mountPath": "/etc/c/file"}))),
            ("/volumeMounts", more("/volumeMounts", json!({"name": "evil", "mountPath": "/etc//c/file"}))),
            ("/volumeMounts", more("/volumeMounts", json!({"name": "evil", "mountPath": "etc/./c/file"}))),
            ("/volumeMounts", more("/volumeMounts", json!({"name": "evil", "mountPath": "/etc/c/."}))),
            (
                "/volumeMounts",
                more("/volumeMounts", json!({"name": "evil", "mountPath": "/v/../etc/c/file"})),
            ),
            ("/env", more("/env", json!({"name": "MODE", "value": "other"}))),
            ("/env", json!([])),
        ] {
            let mut changed = theirs();
            *changed.pointer_mut(place).unwrap() = other.clone();
            assert!(!is_part_of(&ours(), &changed), "{place}: {other}");
        }
        let ours = json!({"securityContext": {"capabilities": {"drop": ["ALL"]}}});
        for security in [
            json!({"capabilities": {"drop": ["ALL"]}, "privileged": true}),
            json!({"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}),
        ] {
            assert!(!is_part_of(&ours, &json!({"securityContext": security})), "{security}");
        }
    }

    #[test]
    fn a_volume_of_another_kind_is_not_an_empty_one_of_ours() {
        let is_part_of = |ours: &Value, theirs: &Value| {
            let (settings, catalogue) = Default::default();
            compare("volume", ours, theirs, &Context::new(&settings, &catalogue)).ours
        };
        let ours = json!({"name": "v", "emptyDir": {}});
        assert!(is_part_of(&ours, &json!({"name": "v", "emptyDir": {"sizeLimit": "1Gi"}})));
        assert!(!is_part_of(&ours, &json!({"name": "v", "hostPath": {"path": "/"}})));
    }
}
