//! The namespaces of a cluster: the labels and annotations that decide about pods.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use k8s_openapi::api::core::v1 as core;
use kube::api::{ObjectMeta, PartialObjectMeta};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use multipod_engine::annotation::key::PREFIX;

use crate::admission::{Missing, Namespace, Namespaces, Snapshot, Texts};
use crate::server::Shared;

/// How long one watch lasts; a dead connection is noticed a little later.
pub(super) const WATCH_SECONDS: u32 = 120;

/// `OpenShift` gives each namespace its own users by this annotation.
const USERS: &str = "openshift.io/sa.scc.uid-range";

/// Reads all namespaces and follows their changes until something fails; returns what. The last state stays in force.
pub(super) async fn follow(client: Client, shared: &Shared) -> String {
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    // The API server sends the metadata alone.
    let mut events = pin!(watcher(Api::<PartialObjectMeta<core::Namespace>>::all(client), config));
    let (mut listed, mut texts) = (Namespaces::default(), Texts::default());
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed = Namespaces::default(),
            Ok(Event::InitApply(object)) => {
                if let Some((name, namespace)) = named(object.metadata, &mut texts) {
                    listed.insert_beside(&shared.snapshot.load().namespaces, &name, namespace);
                }
            }
            Ok(Event::InitDone) => {
                let count = listed.len();
                replace(std::mem::take(&mut listed), shared);
                texts.forget_unused();
                shared.cluster.synced();
                shared.metrics.reloaded("namespaces", true);
                tracing::info!(count, "namespaces");
            }
            Ok(Event::Apply(object)) => {
                if let Some((name, namespace)) = named(object.metadata, &mut texts) {
                    change(shared, &name, Some(namespace));
                }
            }
            Ok(Event::Delete(object)) => change(shared, &object.metadata.name.unwrap_or_default(), None),
            Err(error) => return format!("namespaces: {}", error_chain(&error)),
        }
    }
    "namespaces: the watch has ended".to_owned()
}

/// An error with its causes, in one line.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn replace(all: Namespaces, shared: &Shared) {
    let all = Arc::new(all);
    shared.snapshot.rcu(|snapshot| Snapshot {
        namespaces: Arc::clone(&all),
        missing: Missing { namespaces: false, ..snapshot.missing },
        ..Snapshot::clone(snapshot)
    });
}

/// Most changes of a namespace concern nothing that is kept of it.
fn change(shared: &Shared, name: &str, now: Option<Namespace>) {
    if shared.snapshot.load().namespaces.get(name) == now.as_ref() {
        return;
    }
    let mut all = Namespaces::clone(&shared.snapshot.load().namespaces);
    match now {
        Some(namespace) => all.insert(name, namespace),
        None => all.remove(name),
    }
    replace(all, shared);
}

fn named(metadata: ObjectMeta, texts: &mut Texts) -> Option<(String, Namespace)> {
    Some((metadata.name?, relevant(metadata.labels, metadata.annotations, texts)))
}

/// What policies read; annotations can be large, and most belong to others.
fn relevant(
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    texts: &mut Texts,
) -> Namespace {
    let annotations = annotations.into_iter().flatten();
    // Its name is known anyway.
    let labels = labels.into_iter().flatten().filter(|(key, _)| key != "kubernetes.io/metadata.name");
    Namespace {
        labels: labels.map(|(key, value)| (texts.one(&key), texts.one(&value))).collect(),
        annotations: annotations.filter(|(key, _)| key.starts_with(PREFIX) || key == USERS).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_annotations_only_those_that_decide_are_kept() {
        let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let namespace = relevant(
            Some(pairs(&[("team", "a")])),
            Some(pairs(&[
                ("multipod/logging", "x"),
                (USERS, "1/2"),
                ("example.com/big", "y"),
                ("multipodx", "z"),
            ])),
            &mut Texts::default(),
        );
        assert_eq!(*namespace.labels, [("team".into(), "a".into())]);
        let keys: Vec<&str> = namespace.annotations.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["multipod/logging", USERS]);
        assert_eq!(relevant(None, None, &mut Texts::default()), Namespace::default());
    }
}
