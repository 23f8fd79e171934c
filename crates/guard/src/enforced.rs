//! The rule that pods have what an enforced policy adds.

use multipod_engine::annotation::Key;
use multipod_engine::pattern::change::Kind;
use multipod_engine::pattern::context::ASSIGNED_USERS;
use multipod_engine::pattern::others::{LEAST_LIMITS, TOKEN};
use multipod_engine::pattern::{AppContainers, Settings};
use multipod_engine::pod::view::OWN_NAMES;
use multipod_engine::policy::{Mode, OnObstacle, Policy, Requirement};
use serde_json::Value;

use super::cel;
use super::known::{self, Known};
use super::object::Admission;
use super::source::Guard;

/// Fields of a container that change what runs in it, and that must not be there where we do not set them.
const DECISIVE: [&str; 11] = [
    "command",
    "args",
    "workingDir",
    "envFrom",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "volumeDevices",
    "restartPolicyRules",
    "stdin",
];

pub(super) fn policy(guard: &Guard<'_>, policy: &Policy, limits: &mut Vec<String>) -> Option<Admission> {
    if policy.mode != Mode::Enforce {
        return None;
    }
    if policy.on_obstacle == OnObstacle::Skip {
        limits.push(format!(
            "Policy {}: it leaves pods alone that cannot have what it sets (onObstacle: skip), so nothing is asked for",
            policy.name
        ));
        return None;
    }
    if !policy.rollout.is_complete() {
        limits.push(format!(
            "Policy {}: it is rolled out to {} of workloads, so nothing is asked for",
            policy.name, policy.rollout
        ));
        return None;
    }
    let name = format!("multipod-enforce-{}", policy.name);
    let mut written = Admission::of(guard, &name, &["CREATE", "UPDATE"], policy);
    let (_, pods, owners) = policy.matches.parts();
    if !owners.is_empty() {
        limits.push(format!(
            "Policy {}: who may create a pod can name any owner in it, so ownerKinds are the author's word",
            policy.name
        ));
    }
    if let Some(conditions) = conditions(policy) {
        written.variable(CONCERNED, &conditions);
        limits.push(format!(
            "Policy {}: its matchConditions are asked about the pod as it is in the end, with what multipod and others have \
             added; one that has no answer refuses the pod",
            policy.name
        ));
    }
    written.variable("annotations", "object.metadata.?annotations.orValue({})");
    written.variable(
        "sidecars",
        "object.spec.containers + object.spec.?initContainers.orValue([]).filter(c, c.?restartPolicy.orValue(\"\") == \"Always\")",
    );
    written.variable(
        "steps",
        "object.spec.?initContainers.orValue([]).filter(c, c.?restartPolicy.orValue(\"\") != \"Always\")",
    );
    written.variable("ids", ids());
    for (key, value) in &policy.annotations {
        match known::changes(guard, policy, &value.request) {
            Ok(changes) => {
                for change in &changes {
                    written.validation(
                        format!(
                            "request.operation != \"CREATE\" || {}({})",
                            if policy.matches.conditions().is_empty() { "" } else { EXCLUDED },
                            condition(change, policy, guard.settings)
                        ),
                        format!(
                            "policy {} enforces {}, and {} of it is missing or is not what multipod adds",
                            policy.name,
                            key.full(),
                            what(change)
                        ),
                    );
                    limits.extend(left_open(policy, *key, change));
                }
            }
            Err(why) => limits.push(format!(
                "Policy {}: what {} adds depends on the pod ({why}), so nothing is asked for",
                policy.name,
                key.full()
            )),
        }
    }
    if !pods.requirements().is_empty() {
        let holds = |object: &str| {
            let labels = format!("{object}.metadata.?labels.orValue({{}})");
            cel::all(&pods.requirements().iter().map(|wanted| holds_for(wanted, &labels)).collect::<Vec<_>>())
        };
        written.validation(
            format!("request.operation != \"UPDATE\" || (({}) && ({}))", holds("object"), holds("oldObject")),
            format!("policy {} is enforced for pods with these labels, so a live pod can neither gain nor lose them", policy.name),
        );
        limits.push(format!(
            "Policy {}: the author of a pod chooses its labels; select by namespace where that matters",
            policy.name
        ));
    }
    (!written.is_empty()).then_some(written)
}

/// The variable that says whether the conditions of a policy hold.
const CONCERNED: &str = "concerned";
/// Without an answer this is none either, and the API server refuses the pod.
const EXCLUDED: &str = "!variables.concerned || ";

/// They cannot be `matchConditions`: there, `namespaceObject` is null. Each ends with its line, because it may end with a
/// comment.
fn conditions(policy: &Policy) -> Option<String> {
    let conditions = policy.matches.conditions();
    let written: Vec<String> =
        conditions.iter().map(|condition| format!("({}\n)", condition.expression())).collect();
    (!written.is_empty()).then(|| cel::all(&written))
}

/// Whether labels are as a selector wants them.
fn holds_for(wanted: &Requirement, labels: &str) -> String {
    let key = cel::text(wanted.key());
    let (operator, values) = wanted.operator();
    let values = cel::list(values.iter().map(String::as_str));
    match operator {
        "In" => format!("{key} in {labels} && {labels}[{key}] in {values}"),
        "NotIn" => format!("!({key} in {labels} && {labels}[{key}] in {values})"),
        "Exists" => format!("{key} in {labels}"),
        _ => format!("!({key} in {labels})"),
    }
}

/// The users and groups that the pod and its own containers name. A platform that assigns users gives others, so there
/// every one is among them.
fn ids() -> String {
    let of = |containers: &str| {
        let of = |field: &str| format!("{containers}.map(c, c.?securityContext.?{field}.orValue(-1))");
        [of("runAsUser"), of("runAsGroup")].join(" + ")
    };
    let own = format!("object.spec.containers.filter(c, !c.name.startsWith({}))", cel::text(OWN_NAMES));
    let every = "(object.spec.containers + object.spec.?initContainers.orValue([]))";
    let pod =
        ["runAsUser", "runAsGroup"].map(|field| format!("object.spec.?securityContext.?{field}.orValue(-1)"));
    format!(
        "{} in namespaceObject.metadata.?annotations.orValue({{}}) ? {} : [{}] + {}",
        cel::text(ASSIGNED_USERS),
        of(every),
        pod.join(", "),
        of(&own)
    )
}

fn condition(change: &Known, policy: &Policy, settings: &Settings) -> String {
    let value = &change.value;
    match change.kind {
        Kind::Container if change.is_step => container("variables.steps", change, settings),
        Kind::Container => container("variables.sidecars", change, settings),
        Kind::Volume => format!("object.spec.?volumes.orValue([]).exists(v, {})", volume(value)),
        Kind::AppMount => {
            let all = [cel::covers("i", value), whole("i", value)];
            of_app(change, policy, &format!("c.?volumeMounts.orValue([]).exists(i, {})", cel::all(&all)))
        }
        Kind::AppVariable => {
            // Of two variables with one name the last one counts.
            let name = cel::text(&change.name);
            let once = format!("size(c.?env.orValue([]).filter(e, e.name == {name})) == 1");
            let is = format!("c.?env.orValue([]).exists(i, {})", cel::covers("i", value));
            of_app(change, policy, &cel::all(&[is, once]))
        }
        Kind::Annotation => {
            format!("variables.annotations[?{}].orValue(\"\") == {value}", cel::text(&change.name))
        }
        Kind::Sysctl => {
            format!(
                "object.spec.?securityContext.?sysctls.orValue([]).exists(s, {})",
                cel::covers("s", value)
            )
        }
        // Added only where no image can be pulled without; it gives way to the pod's own.
        Kind::PullSecret => "true".to_owned(),
        Kind::SharedProcesses => "object.spec.?shareProcessNamespace.orValue(false)".to_owned(),
    }
}

/// That the containers of the app have it which the policy means; one of them, where it means the default one.
fn of_app(change: &Known, policy: &Policy, condition: &str) -> String {
    if !change.everywhere {
        return format!("object.spec.containers.exists(c, {condition})");
    }
    let mut meant = vec![format!("!c.name.startsWith({})", cel::text(OWN_NAMES))];
    if let AppContainers::Fitting { these, but } = &policy.containers {
        let among = |patterns: &[String]| {
            let fits = patterns.iter().map(|pattern| match pattern.replace('*', ".*") {
                regex if regex == *pattern => format!("c.name == {}", cel::text(pattern)),
                regex => format!("c.name.matches({})", cel::text(&format!("^{regex}$"))),
            });
            fits.collect::<Vec<_>>().join(" || ")
        };
        if !these.iter().any(|pattern| pattern == "*") {
            meant.push(format!("({})", among(these)));
        }
        if !but.is_empty() {
            meant.push(format!("!({})", among(but)));
        }
    }
    format!("object.spec.containers.filter(c, {}).all(c, {condition})", cel::all(&meant))
}

/// That a mount is of the whole volume, where ours is.
fn whole(mount: &str, ours: &Value) -> String {
    let parts = ["subPath", "subPathExpr"].into_iter().filter(|part| ours.get(*part).is_none());
    cel::all(&parts.map(|part| format!("!has({mount}.{part})")).collect::<Vec<_>>())
}

/// Fields of volumes that no default sets, and that make another thing of one where ours leaves them out.
const OF_VOLUMES: [(&str, &[&str]); 3] = [
    ("emptyDir", &["medium", "sizeLimit"]),
    ("configMap", &["items", "optional"]),
    ("secret", &["items", "optional"]),
];
/// Volumes whose files have a mode.
const WITH_MODES: [&str; 4] = ["configMap", "secret", "downwardAPI", "projected"];

fn volume(ours: &Value) -> String {
    let mut conditions = vec![cel::covers("v", ours)];
    for (source, fields) in OF_VOLUMES {
        let Some(own) = ours.get(source) else { continue };
        let others = fields.iter().filter(|field| own.get(**field).is_none());
        conditions.extend(others.map(|field| format!("!has(v.{source}.{field})")));
    }
    for source in WITH_MODES {
        let Some(own) = ours.get(source) else { continue };
        if own.get("defaultMode").is_none() {
            conditions.push(format!("v.{source}.?defaultMode.orValue(420) == 420"));
        }
        if own["items"].as_array().is_some_and(|items| items.iter().all(|item| item.get("mode").is_none())) {
            conditions.push(format!("v.{source}.items.all(i, !has(i.mode))"));
        }
    }
    cel::all(&conditions)
}

fn container(list: &str, change: &Known, settings: &Settings) -> String {
    let mut ours = change.value.clone();
    let has = |field: &str| change.value.get(field).is_some();
    let is_open = |field: &str| change.open.iter().any(|open| open == field);
    let mut conditions = Vec::new();
    if let Some(fields) = ours.as_object_mut() {
        // The API server writes amounts in its own way, a LimitRange may add some, and AlwaysPullImages always pulls.
        let resources = fields.shift_remove("resources").unwrap_or_default();
        conditions.extend(limits(&resources["limits"]));
        fields.shift_remove("imagePullPolicy");
        if let Some(Value::String(ours)) = fields.shift_remove("image") {
            conditions.push(image(&ours, settings));
        }
    }
    for mount in list_of(&mut ours, "volumeMounts") {
        let same = [cel::covers("m", &mount), whole("m", &mount)];
        conditions.push(format!("c.?volumeMounts.orValue([]).exists(m, {})", cel::all(&same)));
    }
    conditions.insert(0, cel::covers("c", &ours));
    for field in DECISIVE.into_iter().filter(|field| !has(field) && !is_open(field)) {
        conditions.push(format!("!has(c.{field})"));
    }
    if !is_open("env") {
        let names = names(&ours, "env", "name");
        let injectors = settings.injectors.environment.iter();
        let begins = injectors.map(|prefix| format!(" || e.name.startsWith({})", cel::text(prefix)));
        let ours = cel::list(names.iter().map(String::as_str));
        conditions.push(format!("c.?env.orValue([]).all(e, e.name in {ours}{})", begins.collect::<String>()));
        // Of two variables with one name the last one counts.
        conditions.push(format!("size(c.?env.orValue([]).filter(e, e.name in {ours})) == {}", names.len()));
    }
    if !is_open("volumeMounts") {
        let paths = names(&change.value, "volumeMounts", "mountPath");
        let paths = paths.iter().map(String::as_str).chain([TOKEN]);
        let injectors = settings.injectors.mounts.iter();
        let below = injectors.map(|folder| {
            let folder = folder.trim_end_matches('/');
            format!(
                " || (m.mountPath == {} || m.mountPath.startsWith({})) && !m.mountPath.contains(\"..\")",
                cel::text(folder),
                cel::text(&format!("{folder}/"))
            )
        });
        conditions.push(format!(
            "c.?volumeMounts.orValue([]).all(m, m.mountPath in {}{})",
            cel::list(paths),
            below.collect::<String>()
        ));
    }
    for (field, safe) in [("privileged", "false"), ("procMount", "\"Default\"")] {
        conditions.push(format!("c.?securityContext.?{field}.orValue({safe}) == {safe}"));
    }
    for field in ["seLinuxOptions", "windowsOptions", "appArmorProfile"] {
        conditions.push(format!("!c.?securityContext.?{field}.hasValue()"));
    }
    if is_open("securityContext") && !settings.assigned_users {
        conditions.extend(["runAsUser", "runAsGroup"].map(|field| {
            let ids: Vec<String> = change.ids.iter().map(ToString::to_string).collect();
            format!(
                "c.?securityContext.?{field}.optMap(id, id in [{}] || id in variables.ids).orValue(true)",
                ids.join(", ")
            )
        }));
    }
    conditions.push("size(c.?securityContext.?capabilities.?add.orValue([])) == 0".to_owned());
    format!("{list}.exists(c, {})", cel::all(&conditions))
}

/// No limit below ours, and none that starves it where ours has none.
fn limits(ours: &Value) -> Vec<String> {
    let least = |resource: &str, least: &str| ours[resource].as_str().unwrap_or(least).to_owned();
    let all = LEAST_LIMITS.map(|(resource, lowest)| {
        let (field, least) = (cel::text(resource), cel::text(&least(resource, lowest)));
        format!("quantity(c.?resources.?limits[?{field}].orValue({least})).compareTo(quantity({least})) >= 0")
    });
    all.to_vec()
}

/// Takes a list out of a container.
fn list_of(container: &mut Value, list: &str) -> Vec<Value> {
    let taken = container.as_object_mut().and_then(|fields| fields.shift_remove(list));
    match taken {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// Ours, or what the settings say that another webhook makes of it, with a digest or without.
fn image(ours: &str, settings: &Settings) -> String {
    let rewritten = settings.image_rewrites.iter().flat_map(|rewrite| rewrite.of(ours));
    let mut may_be: Vec<String> = std::iter::once(ours.to_owned()).chain(rewritten).collect();
    may_be.sort_unstable();
    may_be.dedup();
    let digests = may_be.iter().filter(|_| !settings.image_rewrites.is_empty() && !ours.contains('@'));
    let digests = digests.map(|image| format!(" || c.image.startsWith({})", cel::text(&format!("{image}@"))));
    format!("(c.image in {}{})", cel::list(may_be.iter().map(String::as_str)), digests.collect::<String>())
}

fn names(container: &Value, list: &str, field: &str) -> Vec<String> {
    let items = container[list].as_array().into_iter().flatten();
    items.filter_map(|item| item[field].as_str().map(str::to_owned)).collect()
}

fn what(change: &Known) -> String {
    let name = &change.name;
    match change.kind {
        Kind::Container => format!("container {name}"),
        Kind::Volume => format!("volume {name}"),
        Kind::AppMount => format!("the mount at {name}"),
        Kind::AppVariable => format!("the variable {name}"),
        Kind::Annotation => format!("the annotation {name}"),
        Kind::Sysctl => format!("the kernel setting {name}"),
        Kind::PullSecret => format!("the pull secret {name}"),
        Kind::SharedProcesses => "the shared process namespace".to_owned(),
    }
}

fn left_open(policy: &Policy, key: Key, change: &Known) -> Option<String> {
    let open: Vec<&str> =
        change.open.iter().map(String::as_str).filter(|field| *field != "securityContext").collect();
    let fields = (!open.is_empty()).then(|| open.join(", "))?;
    Some(format!(
        "Policy {}: {fields} of {} ({}) depend on the pod and are not compared",
        policy.name,
        what(change),
        key.full()
    ))
}
