//! The policies and patterns that are objects of a cluster, watched. What its API server no longer shows is gone, and
//! nothing else is: while it is away, or no longer knows the kinds, the last state stays in force.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::select_all;
use futures_util::{FutureExt, StreamExt};
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::runtime::watcher::{self, DefaultBackoff, Event, watcher};
use kube::{Api, Client};
use multipod_engine::pattern::object::Kind;
use multipod_engine::policy::{Layer, Objects, Status};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::admission::{Missing, Snapshot};
use crate::server::Shared;

use super::PolicyStore;
use super::namespaces::{WATCH_SECONDS, error_chain};

/// Changes within this time become one new state; it is counted from the first of them, so that none waits longer.
const BATCH: Duration = Duration::from_millis(100);
/// How long a first state may take; whoever takes longer is asked again, in another way.
const FIRST: Duration = Duration::from_secs(10);
/// How often it is asked whether the kinds are there by now.
const INSTALLED_INTERVAL: Duration = Duration::from_secs(5);
/// The longest pause while nothing has been read yet.
const IMPATIENCE: Duration = Duration::from_secs(5);

const KINDS: [Kind; 2] = [Kind::InjectionPolicy, Kind::Pattern];

/// A kind of ours, as an API server names it.
pub(crate) fn names(kind: Kind) -> ApiResource {
    let (kind, plural) = match kind {
        Kind::InjectionPolicy => ("InjectionPolicy", "injectionpolicies"),
        Kind::Pattern => ("Pattern", "patterns"),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("multipod.dev", "v1alpha1", kind), plural)
}

/// An object of the cluster, as it was heard of last.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) generation: i64,
    pub(super) status: Option<Status>,
}

pub(super) type KnownObjects = Option<Arc<Vec<Known>>>;

/// Why watching ended.
enum Lost {
    /// The API server knows no such kinds.
    NotInstalled,
    /// It does not send lists as streams.
    NotStreamed,
    Failed(String),
}

/// Follows the objects for as long as it is polled.
pub(super) async fn follow_forever(
    client: Client,
    store: &PolicyStore,
    known: &watch::Sender<KnownObjects>,
    shared: &Shared,
) -> Infallible {
    let mut held = Held::default();
    let mut backoff = DefaultBackoff::default();
    let mut streamed = true;
    loop {
        // A panic in one round must not prevent all others.
        let round =
            AssertUnwindSafe(round(&client, streamed, &mut held, (store, known), shared)).catch_unwind();
        let lost = round.await.unwrap_or_else(|_| Lost::Failed("watching failed".to_owned()));
        let pause = match lost {
            Lost::NotStreamed => {
                tracing::info!("the API server sends no lists as streams; policies are listed");
                streamed = false;
                continue;
            }
            Lost::NotInstalled if held.is_empty() => {
                if shared.cluster_policies.absent() {
                    tracing::info!(
                        "the cluster has no InjectionPolicy and no Pattern kind; both are waited for"
                    );
                }
                now_known(shared);
                INSTALLED_INTERVAL
            }
            Lost::NotInstalled => {
                failed(shared, "the kinds are no longer served");
                INSTALLED_INTERVAL
            }
            Lost::Failed(why) => {
                failed(shared, &why);
                let pause = backoff.next().unwrap_or(IMPATIENCE);
                if shared.snapshot.load().missing.policies { pause.min(IMPATIENCE) } else { pause }
            }
        };
        sleep(pause).await;
    }
}

fn failed(shared: &Shared, why: &str) {
    tracing::warn!(error = why, "the cluster's policies are out of sight; the last ones stay");
    shared.metrics.reloaded("cluster_policies", false);
    shared.cluster_policies.lost(format!("policies: {why}"));
}

/// Whatever policies there are, they are known: reviews no longer wait for them.
fn now_known(shared: &Shared) {
    if shared.snapshot.load().missing.policies {
        shared.snapshot.rcu(|snapshot| {
            // What they name of namespaces may have to be read first.
            let namespaces = snapshot.missing.namespaces || !snapshot.knows_annotations();
            Snapshot { missing: Missing { policies: false, namespaces }, ..Snapshot::clone(snapshot) }
        });
    }
}

/// Follows the objects until something fails.
async fn round(
    client: &Client,
    streamed: bool,
    held: &mut Held,
    (store, known): (&PolicyStore, &watch::Sender<KnownObjects>),
    shared: &Shared,
) -> Lost {
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    let config = if streamed { config.streaming_lists() } else { config };
    let mut events = select_all(KINDS.map(|kind| {
        let api = Api::<DynamicObject>::all_with(client.clone(), &names(kind));
        watcher(api, config.clone()).map(move |event| (kind, event)).boxed()
    }));
    // The names in the lists that are being read; nothing is put in force before both are whole.
    let mut listing = BTreeMap::from(KINDS.map(|kind| (kind, BTreeSet::new())));
    let mut first = Some(Instant::now() + FIRST);
    let mut due = None;
    loop {
        let wakes = if listing.is_empty() { due } else { first };
        let (kind, event) = tokio::select! {
            event = events.next() => match event {
                Some(event) => event,
                None => return Lost::Failed("the watch has ended".to_owned()),
            },
            () = sleep_until(wakes.unwrap_or_else(Instant::now)), if wakes.is_some() => {
                if listing.is_empty() {
                    due = None;
                    let news = !held.in_force;
                    held.put_in_force(store);
                    // A status that was written is no reason to look for what else to write.
                    known.send_if_modified(|known| {
                        *known = Some(Arc::new(held.known()));
                        news
                    });
                    now_known(shared);
                    continue;
                }
                return if streamed { Lost::NotStreamed } else { Lost::Failed("no answer".to_owned()) };
            }
        };
        match event {
            Ok(Event::Init) => drop(listing.insert(kind, BTreeSet::new())),
            Ok(Event::InitApply(object)) => {
                if let Some(name) = &object.metadata.name {
                    listing.entry(kind).or_default().insert(name.clone());
                }
                held.put(kind, object);
            }
            Ok(Event::InitDone) => {
                held.keep(kind, &listing.remove(&kind).unwrap_or_default());
                if listing.is_empty() {
                    (first, due) = (None, Some(Instant::now()));
                    shared.cluster_policies.synced();
                    shared.metrics.reloaded("cluster_policies", true);
                }
            }
            Ok(Event::Apply(object)) => {
                if held.put(kind, object) {
                    due.get_or_insert(Instant::now() + BATCH);
                }
            }
            Ok(Event::Delete(object)) => {
                held.remove(kind, &object.metadata.name.unwrap_or_default());
                due = Some(Instant::now());
            }
            // The watcher reads everything again by itself.
            Err(watcher::Error::WatchError(status)) if status.code == 410 => {}
            Err(error) => return lost(&error, streamed),
        }
    }
}

fn lost(error: &watcher::Error, streamed: bool) -> Lost {
    let (watcher::Error::InitialListFailed(cause) | watcher::Error::WatchStartFailed(cause)) = error else {
        return Lost::Failed(error_chain(error));
    };
    match cause {
        kube::Error::Api(status) if status.code == 404 => Lost::NotInstalled,
        // How one says so to whom the parameter is known, but not allowed.
        kube::Error::Api(status) if streamed && matches!(status.code, 400 | 422) => Lost::NotStreamed,
        _ => Lost::Failed(error_chain(error)),
    }
}

/// The objects as they were heard of last, each read once.
#[derive(Default)]
struct Held {
    objects: BTreeMap<(Kind, String), Object>,
    /// Whether what is in force is this.
    in_force: bool,
}

struct Object {
    uid: String,
    /// Changes with what the object says, and not with its status.
    generation: Option<i64>,
    read: Objects,
    status: Option<Status>,
}

impl Held {
    fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Whether this is news.
    fn put(&mut self, kind: Kind, mut object: DynamicObject) -> bool {
        let Some(name) = object.metadata.name.clone() else { return false };
        let status = object.data.get_mut("status").map(Value::take).and_then(Status::read);
        let (uid, generation) = (object.metadata.uid.clone().unwrap_or_default(), object.metadata.generation);
        let key = (kind, name);
        if let Some(known) = self.objects.get_mut(&key)
            && generation.is_some()
            && (&known.uid, known.generation) == (&uid, generation)
        {
            let news = known.status != status;
            known.status = status;
            return news;
        }
        let read = Objects::of_cluster([&as_written(kind, object)]);
        self.objects.insert(key, Object { uid, generation, read, status });
        self.in_force = false;
        true
    }

    fn remove(&mut self, kind: Kind, name: &str) {
        if self.objects.remove(&(kind, name.to_owned())).is_some() {
            self.in_force = false;
        }
    }

    /// A list was whole: others of this kind are gone.
    fn keep(&mut self, kind: Kind, names: &BTreeSet<String>) {
        let before = self.objects.len();
        self.objects.retain(|(of, name), _| *of != kind || names.contains(name));
        self.in_force &= self.objects.len() == before;
    }

    fn known(&self) -> Vec<Known> {
        let known = |((kind, name), object): (&(Kind, String), &Object)| Known {
            kind: *kind,
            name: name.clone(),
            uid: object.uid.clone(),
            generation: object.generation.unwrap_or_default(),
            status: object.status.clone(),
        };
        self.objects.iter().map(known).collect()
    }

    fn put_in_force(&mut self, store: &PolicyStore) {
        if !self.in_force {
            store
                .replace(Layer::Cluster, Objects::together(self.objects.values().map(|object| &object.read)));
            self.in_force = true;
        }
    }
}

/// The object without what its API server and others have added to it, which can be long.
pub(crate) fn as_written(kind: Kind, object: DynamicObject) -> Value {
    let ApiResource { api_version, kind, .. } = names(kind);
    let metadata =
        json!({"name": object.metadata.name, "generation": object.metadata.generation.unwrap_or_default()});
    let mut written = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
    if let (Value::Object(written), Value::Object(said)) = (&mut written, object.data) {
        written.extend(said.into_iter().filter(|(field, _)| field != "status"));
    }
    written
}
