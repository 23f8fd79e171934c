//! Which pods have what they should have, counted by namespaces, and told by workloads: thousands of pods of one Deployment are
//! one line.

use std::collections::BTreeMap;

use multipod_engine::pod::Head;
use serde::Serialize;
use serde_json::Value;

use super::cause::cause;
use super::{Known, Namespace, State, assess};

/// What was found so far. It grows with namespaces and workloads, not with pods.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    namespaces: BTreeMap<String, BTreeMap<State, usize>>,
    found: BTreeMap<(String, String, String, &'static str), Found>,
}

/// Pods of one workload that are wrong for one reason.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    pub namespace: String,
    /// What makes them: `Deployment`, `StatefulSet`…; `Pod` where nothing does.
    pub kind: String,
    pub name: String,
    /// `missing`, `stale` or `refused`.
    pub state: &'static str,
    /// The name of the cause.
    pub reason: &'static str,
    /// The cause in a sentence, as it is for one of them.
    pub because: String,
    pub differences: Vec<String>,
    pub pods: usize,
    /// One of them, for `multipod why`.
    pub such_as: String,
    /// Whether they would be as they should be if they were made again.
    pub cured_by_restart: bool,
}

impl Coverage {
    /// Counts pods that are of nobody's concern.
    pub(crate) fn unconcerned(&mut self, namespace: &str) {
        self.count(namespace, State::Unconcerned);
    }

    /// Looks at a pod.
    pub(crate) fn see(&mut self, pod: &Value, known: &Known, namespace: &Namespace) {
        let assessed = assess(pod, known, namespace);
        self.count(&namespace.name, assessed.state);
        if !assessed.state.is_wrong() {
            return;
        }
        let cause = cause(pod, &assessed, known, namespace, &[]);
        let (kind, name) = workload(pod);
        let key = (namespace.name.clone(), kind.clone(), name.clone(), cause.slug());
        let found = self.found.entry(key).or_insert_with(|| Found {
            namespace: namespace.name.clone(),
            kind,
            name,
            state: assessed.state.slug(),
            reason: cause.slug(),
            because: cause.to_string(),
            differences: assessed.differences,
            pods: 0,
            such_as: pod["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            cured_by_restart: cause.is_cured_by_a_restart(),
        });
        found.pods += 1;
    }

    fn count(&mut self, namespace: &str, state: State) {
        if !self.namespaces.contains_key(namespace) {
            self.namespaces.insert(namespace.to_owned(), BTreeMap::new());
        }
        if let Some(counts) = self.namespaces.get_mut(namespace) {
            *counts.entry(state).or_default() += 1;
        }
    }

    /// What is wrong, by namespaces and workloads.
    pub(crate) fn found(&self) -> impl Iterator<Item = &Found> {
        self.found.values()
    }

    pub(crate) fn total(&self, state: State) -> usize {
        self.namespaces.values().filter_map(|counts| counts.get(&state)).sum()
    }

    /// How many pods of each namespace are in each state.
    pub(crate) fn namespaces(&self) -> impl ExactSizeIterator<Item = (&str, [(State, usize); 5])> {
        let of = |counts: &BTreeMap<State, usize>| {
            State::ALL.map(|state| (state, counts.get(&state).copied().unwrap_or_default()))
        };
        self.namespaces.iter().map(move |(name, counts)| (&**name, of(counts)))
    }
}

/// What people call the maker of a pod: of a `ReplicaSet` of a Deployment, the Deployment.
fn workload(pod: &Value) -> (String, String) {
    let head = serde_json::json!({"metadata": pod["metadata"]}).to_string();
    let Ok(head) = Head::read(&head) else { return <_>::default() };
    let Some(metadata) = head.metadata.value() else { return <_>::default() };
    let name = metadata.workload();
    match metadata.owner_kind() {
        None => ("Pod".to_owned(), metadata.name.to_string()),
        Some("ReplicaSet") if metadata.has_template_hash() => ("Deployment".to_owned(), name.to_owned()),
        Some(kind) => (kind.to_owned(), name.to_owned()),
    }
}
