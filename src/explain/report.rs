//! What is told about one pod, as a value: the schema of `explain -o json`. Fields are only ever added to it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::picture::Picture;

/// All that is told about one pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Where the pod stands.
    pub origin: Origin,
    /// What was asked for, what of it counts, and who said so.
    pub asked: Vec<Asked>,
    /// Every policy, and whether it is for this pod.
    pub policies: Vec<Considered>,
    /// What happens to the pod.
    pub verdict: Verdict,
    /// What is added; nothing where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<Added>,
    /// What could clash or surprise, one line each.
    pub warnings: Vec<String>,
    /// The pod before, where something is added.
    #[serde(skip)]
    pub before: Option<Picture>,
    /// The pod as it comes to be, or as it is where nothing is added; nothing where it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<Picture>,
}

/// Where a pod stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Origin {
    /// The kind of the object that holds the pod's template: `Deployment`, `Pod`…
    pub kind: String,
    pub name: String,
    /// The namespace that the pod will be in.
    pub namespace: String,
    pub file: String,
    /// The line in the file at which the object begins, from 1.
    pub line: usize,
}

/// One value that somebody gave to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    /// The whole key.
    pub key: String,
    /// The value as it was given; a password that should not stand in it is starred out.
    pub value: String,
    pub by: Author,
    /// What became of it.
    pub standing: Standing,
    /// Who decided against it, where somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_favour_of: Option<Author>,
    /// The line of the pod's own annotation in its file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Standing {
    Counts,
    /// It counts, and nothing can override it: an enforced policy says it.
    Enforced,
    /// A stronger value takes its place.
    Overridden,
    /// Somebody opts out of it.
    OptedOut,
    /// An audit policy would have set it.
    Audited,
    /// It could not be weighed: the pod is refused before.
    Unweighed,
}

/// Who gave a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "camelCase")]
pub(crate) enum Author {
    /// The pod's own annotation.
    Pod,
    /// Whoever runs the command: it sets an annotation of the pod.
    CommandLine,
    /// An annotation of its namespace.
    Namespace(String),
    Policy(String),
}

/// One policy, and whether it is for the pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Considered {
    pub policy: String,
    /// `default`, `enforce` or `audit`.
    pub mode: String,
    /// Whether it is for this pod.
    pub matched: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// What stands in its way in the pod, where it skips such pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
}

/// What happens to the pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Verdict {
    /// It gets what was asked for.
    Inject,
    /// It stays as it is.
    Skip {
        /// The name of the reason.
        reason: String,
        /// The reason in words.
        because: String,
    },
    Deny {
        refusals: Vec<Refused>,
    },
}

/// One reason to refuse a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refused {
    /// The name of the reason.
    pub reason: String,
    /// The annotation that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is wrong and what to do; may have several lines.
    pub message: String,
}

/// Everything that is added to a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Added {
    /// New containers, in the order in which they start.
    pub containers: Vec<Container>,
    pub volumes: Vec<Named>,
    /// New mounts of the app's containers.
    pub mounts: Vec<AppMount>,
    /// New variables of the app's containers.
    pub env: Vec<AppEnv>,
    /// New annotations that people read.
    pub annotations: Vec<Named>,
    /// New annotations that carry configuration into a container.
    pub rendered: Vec<Named>,
    pub sysctls: Vec<Named>,
    /// New secrets that pull images.
    pub pull_secrets: Vec<String>,
    /// Whether the containers now see each other's processes.
    pub share_process_namespace: bool,
    /// New things of a kind that has no field above, under the word by which the status records it.
    #[serde(flatten)]
    pub others: BTreeMap<&'static str, Vec<Named>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container {
    pub name: String,
    pub runs: Runs,
    /// Why it runs like this.
    pub because: String,
    pub image: String,
    /// The ports that it opens.
    pub ports: Vec<u16>,
    /// The ports that only the pod itself can reach.
    pub loopback_ports: Vec<u16>,
    /// What it asks for.
    pub requests: Amounts,
    /// What it may not exceed.
    pub limits: Amounts,
    /// Its mounts: path and volume.
    pub mounts: Vec<AppMount>,
}

/// How a new container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Runs {
    /// An init container that is always restarted.
    NativeSidecar,
    /// An init container that ends.
    Step,
    /// An ordinary container.
    ClassicSidecar,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Amounts {
    /// Cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
}

/// A name, and what stands under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    pub name: String,
    /// What stands under it.
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppMount {
    pub container: String,
    pub volume: String,
    pub path: String,
    /// Whether it cannot be written there.
    pub read_only: bool,
}

/// One variable of an app container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppEnv {
    pub container: String,
    pub name: String,
    /// Its value, where it is plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What a report is about, for headings and messages: `Deployment web`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "(no name)" } else { &self.name };
        write!(f, "{} {name}", self.kind)
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Author::Pod => f.write_str("the pod"),
            Author::CommandLine => f.write_str("--annotate"),
            Author::Namespace(name) => write!(f, "namespace {name}"),
            Author::Policy(name) => write!(f, "policy {name}"),
        }
    }
}
