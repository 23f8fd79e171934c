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
use multipod_engine::pattern::context::LONGEST_ANNOTATION;

use crate::admission::{Namespace, Namespaces, Snapshot, Texts};
use crate::server::Shared;

/// How long one watch lasts; a dead connection is noticed a little later.
pub(super) const WATCH_SECONDS: u32 = 120;

/// `OpenShift` gives each namespace its own users by this annotation.
const USERS: &str = "openshift.io/sa.scc.uid-range";

/// Why following has ended.
enum Ended {
    /// Policies name annotations that were not kept, so all namespaces are read again.
    OthersAreNamed,
    Failed(String),
}

/// Reads all namespaces and follows their changes until something fails; returns what. The last state stays in force.
pub(super) async fn follow(client: Client, shared: &Shared) -> String {
    loop {
        match read_and_follow(client.clone(), shared).await {
            Ended::OthersAreNamed => tracing::info!("policies name other annotations of namespaces"),
            Ended::Failed(why) => return format!("namespaces: {why}"),
        }
    }
}

async fn read_and_follow(client: Client, shared: &Shared) -> Ended {
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    // The API server sends the metadata alone.
    let mut events = pin!(watcher(Api::<PartialObjectMeta<core::Namespace>>::all(client), config));
    let named = Arc::clone(shared.snapshot.load().policies.namespace_annotations());
    let empty = || Namespaces::with_annotations(Arc::clone(&named));
    let (mut listed, mut texts) = (Some(empty()), Texts::default());
    loop {
        // A list that is half read is read to its end, whatever policies name meanwhile: a stream of them cannot starve it, and
        // what they name is known after the next one.
        let is_listing = listed.is_some();
        if !is_listing && !shared.snapshot.load().knows_annotations() {
            return Ended::OthersAreNamed;
        }
        let event = tokio::select! {
            event = events.next() => event,
            () = shared.policies_changed.notified(), if !is_listing => continue,
        };
        match event {
            Some(Ok(Event::Init)) => listed = Some(empty()),
            Some(Ok(Event::InitApply(object))) => {
                if let Some((name, namespace)) = known(object.metadata, &named, &mut texts) {
                    let before = Arc::clone(&shared.snapshot.load().namespaces);
                    listed.get_or_insert_with(empty).insert_beside(&before, &name, namespace);
                }
            }
            Some(Ok(Event::InitDone)) => {
                let all = listed.take().unwrap_or_else(empty);
                let count = all.len();
                replace(all, shared);
                texts.forget_unused();
                shared.cluster.synced();
                shared.metrics.reloaded("namespaces", true);
                tracing::info!(count, "namespaces");
            }
            Some(Ok(Event::Apply(object))) => {
                if let Some((name, namespace)) = known(object.metadata, &named, &mut texts) {
                    change(shared, &name, Some(namespace));
                }
                texts.forget_some_unused();
            }
            Some(Ok(Event::Delete(object))) => {
                change(shared, &object.metadata.name.unwrap_or_default(), None);
            }
            Some(Err(error)) => return Ended::Failed(error_chain(&error)),
            None => return Ended::Failed("the watch has ended".to_owned()),
        }
    }
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
    shared.snapshot.rcu(|snapshot| {
        let mut next = Snapshot { namespaces: Arc::clone(&all), ..Snapshot::clone(snapshot) };
        // At the start, policies may have come meanwhile that name more: then all are read once more before the first review.
        next.missing.namespaces &= !next.knows_annotations();
        next
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

fn known(metadata: ObjectMeta, named: &[Arc<str>], texts: &mut Texts) -> Option<(String, Namespace)> {
    Some((metadata.name?, relevant(metadata.labels, metadata.annotations, named, texts)))
}

/// What policies read; annotations can be large, and most belong to others.
fn relevant(
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    named: &[Arc<str>],
    texts: &mut Texts,
) -> Namespace {
    let annotations = annotations.unwrap_or_default();
    // In order, as they stand in the map.
    let read = annotations.iter().filter_map(|(key, value)| {
        let at = named.binary_search_by(|name| (**name).cmp(key)).ok()?;
        Some((Arc::clone(&named[at]), (value.len() <= LONGEST_ANNOTATION).then(|| texts.one(value))))
    });
    let read = (!annotations.is_empty()).then(|| read.collect());
    // Its name is known anyway.
    let labels = labels.into_iter().flatten().filter(|(key, _)| key != "kubernetes.io/metadata.name");
    Namespace {
        labels: labels.map(|(key, value)| (texts.one(&key), texts.one(&value))).collect(),
        annotations: annotations
            .into_iter()
            .filter(|(key, _)| key.starts_with(PREFIX) || key == USERS)
            .collect(),
        read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_annotations_only_those_that_decide_are_kept() {
        let named = ["absent".into(), "example.com/long".into(), "example.com/tier".into()];
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
                ("example.com/tier", "gold"),
                ("example.com/long", &"x".repeat(LONGEST_ANNOTATION + 1)),
            ])),
            &named,
            &mut Texts::default(),
        );
        assert_eq!(*namespace.labels, [("team".into(), "a".into())]);
        let keys: Vec<&str> = namespace.annotations.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["multipod/logging", USERS]);
        let read = [("example.com/long".into(), None), ("example.com/tier".into(), Some("gold".into()))];
        assert_eq!(namespace.read.as_deref(), Some(&read[..]));
        let other = relevant(None, Some(pairs(&[("example.com/big", "y")])), &named, &mut Texts::default());
        assert_eq!(other.read.as_deref(), Some(&[][..]), "that it has any is known");
        assert_eq!(relevant(None, None, &named, &mut Texts::default()), Namespace::default());
    }
}
