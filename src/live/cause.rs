//! Why a pod has what it has: each cause with its name, its sentence, and what to do.

use std::fmt;

use multipod_engine::annotation::Key;
use multipod_engine::annotation::key::{INJECTION, PREFIX, STATUS};
use multipod_engine::inject::SkipReason;
use multipod_engine::pattern::object::Kind;
use multipod_engine::pod::Head;
use multipod_engine::policy::{Mismatch, Mode};
use serde_json::Value;

use super::{Assessed, Entry, Known, Namespace, State, time};

/// Why a pod has what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It has all that it should have.
    Covered,
    /// A policy was changed after it was made.
    OlderPolicy { policy: String, since: String },
    /// Another version of multipod has injected it.
    OlderVersion { version: String },
    /// It carries what nobody asks for any more.
    Surplus,
    /// It differs, and nobody can tell since when.
    Drift,
    /// It would be refused.
    Refused,
    /// No webhook of ours is registered for such pods.
    NoWebhook,
    /// Its namespace has not opted in.
    NamespaceNotOptedIn { namespace: String },
    /// Nobody is asked about pods of its namespace, or the settings leave it alone.
    ExcludedNamespace { namespace: String },
    /// The webhook is registered for other pods.
    NotSelected { why: String },
    /// It was made before what would have given it something.
    MadeBefore { what: Later, since: String },
    /// Nothing says why: the webhook was down, or somebody has changed its registration.
    NotAsked { lets_pass: bool },
    /// The annotation is on what makes the pod, and not in its template.
    Misplaced { key: String, owner: String, pointer: String },
    /// It is a label, and should be an annotation.
    Label { key: String },
    /// The template asks for it, and the pod was made by an earlier one.
    OlderTemplate { key: String, owner: String },
    /// The policy does not reach its workload yet.
    NotRolledOut { policy: String, why: String },
    /// A condition of a policy leaves it out.
    Condition { policy: String, why: String },
    /// Policies only tell what they would do.
    AuditOnly { policies: Vec<String> },
    /// What the engine says.
    Skipped(SkipReason),
}

/// What came after the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    Webhook,
    OptIn,
    Annotation,
    NamespaceAnnotation,
    Policy(String),
}

impl Cause {
    /// The machine's name for it.
    pub(crate) const fn slug(&self) -> &'static str {
        match self {
            Cause::Covered => "covered",
            Cause::OlderPolicy { .. } => "older_policy",
            Cause::OlderVersion { .. } => "older_version",
            Cause::Surplus => "surplus",
            Cause::Drift => "drift",
            Cause::Refused => "refused",
            Cause::NoWebhook => "no_webhook",
            Cause::NamespaceNotOptedIn { .. } => "namespace_not_opted_in",
            Cause::ExcludedNamespace { .. } => "excluded_namespace",
            Cause::NotSelected { .. } => "not_selected",
            Cause::MadeBefore { what: Later::Webhook, .. } => "before_webhook",
            Cause::MadeBefore { what: Later::OptIn, .. } => "before_opt_in",
            Cause::MadeBefore { what: Later::Annotation, .. } => "before_annotation",
            Cause::MadeBefore { what: Later::NamespaceAnnotation, .. } => "before_namespace_annotation",
            Cause::MadeBefore { what: Later::Policy(_), .. } => "before_policy",
            Cause::NotAsked { .. } => "webhook_not_asked",
            Cause::Misplaced { .. } => "misplaced",
            Cause::Label { .. } => "label_not_annotation",
            Cause::OlderTemplate { .. } => "older_template",
            Cause::NotRolledOut { .. } => "not_rolled_out",
            Cause::Condition { .. } => "condition",
            Cause::AuditOnly { .. } => "audit_only",
            Cause::Skipped(reason) => reason.slug(),
        }
    }

    /// Whether the pod would be as it should be if it were made again.
    pub(crate) const fn is_cured_by_a_restart(&self) -> bool {
        matches!(
            self,
            Cause::OlderPolicy { .. }
                | Cause::OlderVersion { .. }
                | Cause::Surplus
                | Cause::Drift
                | Cause::MadeBefore { .. }
                | Cause::NotAsked { .. }
        )
    }

    /// What to do about it, where something is to be done; `again` says how the pod is made again.
    pub(crate) fn cure(&self, again: &str) -> Option<String> {
        Some(match self {
            Cause::Covered | Cause::AuditOnly { .. } | Cause::Skipped(_) => return self.cure_of_skipped(),
            cause if cause.is_cured_by_a_restart() => sentence(again),
            Cause::Refused => "Change what stands in the way before the pod is recreated: it would not start".to_owned(),
            Cause::NoWebhook => {
                format!("Install multipod, or apply its webhook again; then {again}")
            }
            Cause::NamespaceNotOptedIn { namespace } => {
                format!("kubectl label namespace {namespace} {INJECTION}=enabled; then {again}")
            }
            Cause::ExcludedNamespace { .. } => {
                "Run it in another namespace, or take this one out of excludedNamespaces and of the namespaceSelector of the webhook"
                    .to_owned()
            }
            Cause::NotSelected { .. } => "Change the pod, or the selectors of the webhook".to_owned(),
            Cause::Misplaced { key, owner, pointer } => {
                format!("Move {key} of the {owner} to {pointer}; that makes its pods again")
            }
            Cause::Label { key } => format!("Write {key} below annotations of the pod template instead of labels"),
            Cause::OlderTemplate { .. } => sentence(again),
            Cause::NotRolledOut { policy, .. } => format!("Raise rollout.percent of the policy {policy}, or wait"),
            _ => return None,
        })
    }

    fn cure_of_skipped(&self) -> Option<String> {
        let cure = match self {
            Cause::AuditOnly { .. } => {
                "Give a policy the mode default or enforce once its warnings are as expected"
            }
            Cause::Skipped(SkipReason::NotRequested) => {
                "Annotate the pod template (multipod patterns shows what with), or write a policy that is for it"
            }
            Cause::Skipped(SkipReason::OptedOut) => {
                "Take the annotation multipod/opt-out from the pod template or the namespace"
            }
            _ => return None,
        };
        Some(cure.to_owned())
    }
}

/// A command stays as it is.
fn sentence(text: &str) -> String {
    match text.strip_prefix('d') {
        Some(rest) => format!("D{rest}"),
        None => text.to_owned(),
    }
}

/// One sentence, for the head of an answer.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Covered => f.write_str("it has all that it should have"),
            Cause::OlderPolicy { policy, since } => {
                write!(f, "it was injected as the policy {policy} said before it was changed at {since}")
            }
            Cause::OlderVersion { version } => write!(
                f,
                "it was injected by multipod {version}, and {} would inject it otherwise",
                env!("CARGO_PKG_VERSION")
            ),
            Cause::Surplus => f.write_str("it carries what nobody asks for any more"),
            Cause::Drift => f.write_str(
                "it was injected otherwise than it would be now: settings, a policy, its namespace or the pod itself have changed",
            ),
            Cause::Refused => f.write_str("it would be refused if it were made now"),
            Cause::NoWebhook => f.write_str("the API server has no webhook of multipod for such pods"),
            Cause::NamespaceNotOptedIn { namespace } => write!(
                f,
                "the namespace {namespace} has no label {INJECTION}=enabled, and the pod does not ask by an annotation of its own"
            ),
            Cause::ExcludedNamespace { namespace } => write!(f, "multipod leaves the namespace {namespace} alone"),
            Cause::NotSelected { why } => write!(f, "the webhook of multipod is for other pods: {why}"),
            Cause::MadeBefore { what, since } => match what {
                Later::Webhook => write!(f, "it was made before the webhook of multipod was registered ({since})"),
                Later::OptIn => write!(f, "it was made before its namespace opted in ({since})"),
                Later::Annotation => {
                    write!(f, "it was annotated when it was there already ({since}), and only what is made is injected")
                }
                Later::NamespaceAnnotation => {
                    write!(f, "it was made before its namespace was annotated ({since})")
                }
                Later::Policy(name) => write!(f, "it was made before the policy {name} as it is now ({since})"),
            },
            Cause::NotAsked { lets_pass: true } => f.write_str(
                "multipod was not asked when it was made: most likely it was down, and its webhook lets pods pass then (failurePolicy: Ignore)",
            ),
            Cause::NotAsked { lets_pass: false } => f.write_str(
                "multipod was not asked when it was made, or decided otherwise then: its webhook, settings or policies were not what they are now",
            ),
            Cause::Misplaced { key, owner, .. } => {
                write!(f, "{key} stands on the {owner} itself, and never reaches its pods")
            }
            Cause::Label { key } => write!(f, "{key} is a label of the pod, and multipod reads annotations"),
            Cause::OlderTemplate { key, owner } => write!(
                f,
                "the pod template of the {owner} asks for {key}, and the pod was made by an earlier one"
            ),
            Cause::Condition { policy, why } => write!(f, "the policy {policy} leaves it out: {why}"),
            Cause::NotRolledOut { policy, why } => write!(f, "the policy {policy} does not reach it yet: {why}"),
            Cause::AuditOnly { policies } => write!(
                f,
                "only policies of the mode audit are for it, which add nothing: {}",
                policies.join(", ")
            ),
            Cause::Skipped(reason) => f.write_str(reason.sentence()),
        }
    }
}

/// Why a pod has what it has; `owners` are what has made it, the nearest first, as far as they are known.
pub(crate) fn cause(
    pod: &Value,
    assessed: &Assessed,
    known: &Known,
    namespace: &Namespace,
    owners: &[Value],
) -> Cause {
    let made = time::made(pod).unwrap_or_default();
    match assessed.state {
        State::Covered => Cause::Covered,
        State::Refused => Cause::Refused,
        State::Stale => stale(assessed, known, made),
        State::Missing => missing(pod, assessed, known, namespace, made),
        State::Unconcerned => match assessed.skipped {
            Some(SkipReason::NotRequested) | None => not_requested(pod, known, namespace, owners),
            Some(SkipReason::ExcludedNamespace) => {
                Cause::ExcludedNamespace { namespace: namespace.name.clone() }
            }
            Some(reason) => Cause::Skipped(reason),
        },
    }
}

fn stale(assessed: &Assessed, known: &Known, made: &str) -> Cause {
    if assessed.skipped.is_some() {
        return Cause::Surplus;
    }
    if let Some((policy, since)) = latest_policy(assessed, known).filter(|(_, since)| *since > made) {
        return Cause::OlderPolicy { policy: policy.to_owned(), since: since.to_owned() };
    }
    match &assessed.record {
        Some(record) if record.version != env!("CARGO_PKG_VERSION") => {
            Cause::OlderVersion { version: record.version.clone() }
        }
        _ => Cause::Drift,
    }
}

/// Of the policies that count for a pod, the one that was changed last, and when.
fn latest_policy<'a>(assessed: &'a Assessed, known: &'a Known) -> Option<(&'a str, &'a str)> {
    let times = assessed
        .policies
        .iter()
        .filter_map(|name| Some((&**name, &**known.changed.get(&(Kind::InjectionPolicy, name.clone()))?)));
    times.max_by_key(|(_, since)| *since)
}

fn missing(pod: &Value, assessed: &Assessed, known: &Known, namespace: &Namespace, made: &str) -> Cause {
    let keys = own_keys(&pod["metadata"]["annotations"]);
    let asks = !keys.is_empty();
    let mut asked: Vec<&Entry> = known.entries.iter().filter(|entry| entry.is_for(asks)).collect();
    if asked.is_empty() {
        return Cause::NoWebhook;
    }
    let apart = asked.iter().filter_map(|entry| Some((entry.unmet(namespace)?, entry)));
    let nearest = apart.min_by_key(|(unmet, _)| unmet.key() != INJECTION).map(|(unmet, _)| unmet);
    asked.retain(|entry| entry.unmet(namespace).is_none());
    if asked.is_empty() {
        let namespace = namespace.name.clone();
        return match nearest {
            Some(unmet) if unmet.key() == INJECTION => Cause::NamespaceNotOptedIn { namespace },
            Some(unmet) if unmet.key() != "kubernetes.io/metadata.name" => {
                Cause::NotSelected { why: format!("the label {} of its namespace must {unmet}", unmet.key()) }
            }
            _ => Cause::ExcludedNamespace { namespace },
        };
    }
    if let Some(unmet) = asked.iter().find_map(|entry| entry.unmet_by(pod))
        && asked.iter().all(|entry| entry.unmet_by(pod).is_some())
    {
        return Cause::NotSelected { why: format!("the label {} of the pod must {unmet}", unmet.key()) };
    }
    let before = |what, since: &str| Cause::MadeBefore { what, since: since.to_owned() };
    let later = |since: &Option<String>| since.clone().filter(|since| &**since > made);
    let registered = asked.iter().map(|entry| &*entry.made).min().unwrap_or_default();
    if registered > made {
        return before(Later::Webhook, registered);
    }
    if !asks && let Some(since) = later(&namespace.labelled) {
        return before(Later::OptIn, &since);
    }
    if assessed.asked_by_pod {
        let set = |key: &&str| time::set(pod, &["f:metadata", "f:annotations", &format!("f:{key}")]);
        if let Some(since) = keys.iter().filter_map(set).min().filter(|since| *since > made) {
            return before(Later::Annotation, since);
        }
    } else if assessed.asked_by_namespace {
        if let Some(since) = later(&namespace.annotated) {
            return before(Later::NamespaceAnnotation, &since);
        }
    } else if let Some((policy, since)) = latest_policy(assessed, known).filter(|(_, since)| *since > made) {
        return before(Later::Policy(policy.to_owned()), since);
    }
    Cause::NotAsked { lets_pass: asked.iter().any(|entry| entry.ignores_failure) }
}

/// The keys of ours in a map of labels or annotations.
fn own_keys(map: &Value) -> Vec<&str> {
    let keys = map.as_object().into_iter().flatten().map(|(key, _)| &**key);
    keys.filter(|key| key.starts_with(PREFIX) && *key != STATUS).collect()
}

fn not_requested(pod: &Value, known: &Known, namespace: &Namespace, owners: &[Value]) -> Cause {
    // A Deployment gives its own annotations to its ReplicaSets: who has written them is the last owner.
    let owners = || owners.iter().rev();
    let asking = |owner: &Value| {
        let inside = owner.pointer(template(owner)).map_or(&Value::Null, |template| &template["metadata"]);
        let mut keys = own_keys(&inside["annotations"]).into_iter();
        keys.find(|key| *key != Key::OptOut.full()).map(str::to_owned)
    };
    if let Some((owner, key)) = owners().find_map(|owner| Some((owner, asking(owner)?))) {
        return Cause::OlderTemplate { key, owner: named(owner) };
    }
    for owner in owners() {
        let keys = own_keys(&owner["metadata"]["annotations"]);
        if let Some(key) = keys.into_iter().find(|key| Key::from_full(key).is_some()) {
            let inside = template(owner).trim_start_matches('/').replace('/', ".");
            let pointer = format!("{inside}.metadata.annotations");
            return Cause::Misplaced { key: key.to_owned(), owner: named(owner), pointer };
        }
    }
    let labels = own_keys(&pod["metadata"]["labels"]);
    if let Some(key) = labels.into_iter().find(|key| Key::from_full(key).is_some()) {
        return Cause::Label { key: key.to_owned() };
    }
    by_policies(pod, known, namespace).unwrap_or(Cause::Skipped(SkipReason::NotRequested))
}

fn template(owner: &Value) -> &'static str {
    if owner["spec"]["jobTemplate"].is_object() {
        "/spec/jobTemplate/spec/template"
    } else {
        "/spec/template"
    }
}

/// `Deployment web`
pub(super) fn named(owner: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{} {}", text(&owner["kind"]), text(&owner["metadata"]["name"]))
}

/// Policies that are nearly for the pod.
fn by_policies(pod: &Value, known: &Known, namespace: &Namespace) -> Option<Cause> {
    let json = pod.to_string();
    let head = Head::read(&json).ok()?;
    let context = known.context(namespace).of_pod(&head);
    let (mut audits, mut excluded) = (Vec::new(), None);
    for policy in &known.policies {
        match policy.mismatch(&context, head.labels()) {
            Ok(Some(mismatch @ Mismatch::Rollout(..))) => {
                let why = mismatch.to_string();
                return Some(Cause::NotRolledOut { policy: policy.name.clone(), why });
            }
            Ok(Some(mismatch @ Mismatch::Condition(_))) => {
                let why = mismatch.to_string();
                excluded = excluded.or(Some(Cause::Condition { policy: policy.name.clone(), why }));
            }
            Ok(None) if policy.mode == Mode::Audit => audits.push(policy.name.clone()),
            _ => {}
        }
    }
    if audits.is_empty() { excluded } else { Some(Cause::AuditOnly { policies: audits }) }
}
