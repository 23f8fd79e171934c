//! The report about one live pod, which `why -o json` prints as it is.

use multipod_engine::inject::decide;
use multipod_engine::pod::Head;
use serde::Serialize;
use serde_json::Value;

use crate::explain::{self, Origin};

use super::cause::{cause, named};
use super::{Known, Namespace, assess, time};

/// Why a pod has what it has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Why {
    /// Grows when a field changes its meaning or goes; new fields may come at any time.
    schema: u8,
    pub pod: String,
    pub namespace: String,
    /// When it was made.
    pub made: String,
    /// What has made it, the nearest first.
    pub owners: Vec<String>,
    /// `covered`, `missing`, `stale`, `refused` or `unconcerned`.
    pub state: &'static str,
    /// The name of the cause.
    pub reason: &'static str,
    /// The cause in one sentence.
    pub because: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
    /// What differs from what would be added now, or why it would be refused.
    pub differences: Vec<String>,
    /// What was added when it was made; nothing where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<Recorded>,
    /// What would become of it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<explain::Report>,
    #[serde(skip)]
    pub is_wrong: bool,
}

/// What the record in a pod says.
#[derive(Debug, Serialize)]
pub(crate) struct Recorded {
    pub version: String,
    pub patterns: Vec<Pattern>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Pattern {
    pub name: String,
    /// Who asked for it.
    pub by: String,
}

/// Looks at a pod; `owners` are what has made it, the nearest first, as far as they are known.
pub(crate) fn why(pod: &Value, known: &Known, namespace: &Namespace, owners: &[Value]) -> Why {
    let assessed = assess(pod, known, namespace);
    let cause = cause(pod, &assessed, known, namespace, owners);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&pod["metadata"]["name"]);
    let json = assessed.before.to_string();
    let now = Head::read(&json).ok().and_then(|head| {
        let context = known.context(namespace);
        let decision = decide(&head, &context, &known.policies).ok()?;
        let origin = Origin {
            kind: "Pod".to_owned(),
            name: name.clone(),
            namespace: namespace.name.clone(),
            ..Origin::default()
        };
        let report =
            explain::Report::of(origin, &json, &head, &context, &known.policies, &decision, |_| None);
        Some(report)
    });
    Why {
        schema: 1,
        made: time::made(pod).unwrap_or_default().to_owned(),
        owners: owners.iter().map(named).collect(),
        state: assessed.state.slug(),
        reason: cause.slug(),
        because: cause.to_string(),
        cure: cause.cure(&again(&name, &namespace.name, owners)),
        added: assessed.record.map(|record| Recorded {
            version: record.version,
            patterns: record.patterns.into_iter().map(|(name, by)| Pattern { name, by }).collect(),
        }),
        differences: assessed.differences,
        now,
        is_wrong: assessed.state.is_wrong(),
        pod: name,
        namespace: namespace.name.clone(),
    }
}

/// How the pod is made again.
fn again(pod: &str, namespace: &str, owners: &[Value]) -> String {
    let Some(owner) = owners.last() else {
        return format!("delete {pod} and create it again, which nothing else does");
    };
    let (kind, name) =
        (owner["kind"].as_str().unwrap_or_default(), owner["metadata"]["name"].as_str().unwrap_or_default());
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" => {
            format!("kubectl rollout restart {}/{name} -n {namespace}", kind.to_lowercase())
        }
        "CronJob" => format!("delete its Job, or wait for the next one of the CronJob {name}"),
        _ => format!("delete it: its {kind} {name} makes it again where it still needs one"),
    }
}
