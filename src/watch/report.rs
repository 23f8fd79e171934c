//! Writes to the status of policies and patterns what became of them. Each replica records in a Lease of its own what it
//! acts on; the one that leads compares, and writes what has changed. Without it only the status grows old.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use multipod_engine::pattern::object::Kind;
use multipod_engine::policy::{self, Findings, Layer, ObjectState, Policies, Policy, Standing, Status};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::server::{Replicas, Shared};

use super::PolicyStore;
use super::replicas::{OF_REPLICAS, OwnPod, Seen, Told, lease, own_name, record};
use super::request::in_time;
use super::resources::{Known, KnownObjects, names};

/// How often a replica says that it is alive, and looks who else is.
const BEAT: Duration = Duration::from_secs(10);
/// The same while others are about to follow a change, and for how long they may.
const SOON: Duration = Duration::from_secs(1);
const FOLLOWING: Duration = Duration::from_mins(1);
/// A Lease is as good as new for a little less than a beat.
const RENEWED: Duration = Duration::from_secs(9);
/// The time that all replicas need for a change is told by nobody.
const SETTLE: Duration = Duration::from_millis(300);
const TOGETHER: Duration = Duration::from_secs(2);

const MANAGER: &str = "multipod-status";

/// Reports for as long as the server is not on its way out.
pub(super) async fn report(
    client: Client,
    own_pod: Option<OwnPod>,
    mut known: watch::Receiver<KnownObjects>,
    store: &PolicyStore,
    shared: &Shared,
) {
    let mut reporter = Reporter {
        leases: Api::default_namespaced(client.clone()),
        client,
        name: own_name(),
        own_pod,
        seen: Seen::default(),
        recorded: None,
    };
    let (mut changed, mut failing) = (Instant::now(), false);
    loop {
        let objects = known.borrow_and_update().clone();
        let mut pace = BEAT;
        if let Some(objects) = objects {
            match reporter.beat(&objects, (store, shared), changed).await {
                Ok(settled) => {
                    if !settled && changed.elapsed() < FOLLOWING {
                        pace = SOON;
                    }
                    failing = false;
                }
                Err(error) => {
                    // Said once; what is wrong is no news until it is over.
                    if !failing {
                        tracing::warn!(error, "the status of policies grows old");
                    }
                    failing = true;
                }
            }
        }
        tokio::select! {
            news = known.changed() => {
                if news.is_err() {
                    return;
                }
                changed = Instant::now();
                sleep(SETTLE).await;
            }
            () = sleep(pace) => {}
        }
        if shared.is_draining() {
            let _ = in_time(reporter.leases.delete(&reporter.name, &DeleteParams::default())).await;
            return;
        }
    }
}

struct Reporter {
    client: Client,
    leases: Api<Lease>,
    /// Of this replica's own Lease.
    name: String,
    own_pod: Option<OwnPod>,
    seen: Seen,
    /// What its Lease says, since when.
    recorded: Option<(String, Instant)>,
}

impl Reporter {
    /// Whether every replica acts on everything.
    async fn beat(
        &mut self,
        objects: &[Known],
        (store, shared): (&PolicyStore, &Shared),
        changed: Instant,
    ) -> Result<bool, String> {
        let states = states(store);
        let in_force = objects.iter().filter(|known| {
            let state = states.get(&(known.kind, known.name.clone()));
            state.is_some_and(|(state, _)| state.standing == Standing::InForce)
        });
        self.record(record(in_force.map(|known| (&*known.uid, known.generation)))).await?;
        self.look().await?;
        let now = Instant::now();
        let replicas = Replicas { at: SystemTime::now(), each: self.seen.each(&self.name, now) };
        shared.replicas.store(Some(Arc::new(replicas)));
        if self.seen.leader(now) != Some(&*self.name) {
            return Ok(true);
        }
        let disagreements = disagreements(&shared.snapshot.load().policies);
        let mut settled = true;
        for known in objects {
            let name = (known.kind, known.name.clone());
            let Some((state, taken)) = states.get(&name) else { continue };
            let replicas = self.seen.acting(&known.uid, known.generation, now);
            let is_followed = state.standing != Standing::InForce || replicas.acting == replicas.live;
            settled &= is_followed;
            if !is_followed && changed.elapsed() < TOGETHER {
                continue;
            }
            let findings = Findings {
                generation: known.generation,
                standing: state.standing,
                taken: *taken,
                problems: state.message(),
                disagreements: (known.kind == Kind::InjectionPolicy)
                    .then(|| disagreements.get(&known.name).cloned().unwrap_or_default()),
                replicas,
            };
            let time = serde_json::to_value(Time(Timestamp::now())).unwrap_or_default();
            let status = Status::of(&findings, known.status.as_ref(), time.as_str().unwrap_or_default());
            if known.status.as_ref() != Some(&status) {
                self.write(known, &status).await?;
            }
        }
        for name in self.seen.forgotten(now) {
            let _ = in_time(self.leases.delete(name, &DeleteParams::default())).await;
        }
        Ok(settled)
    }

    /// Says that this replica is alive, and what it acts on.
    async fn record(&mut self, record: String) -> Result<(), String> {
        if self.recorded.as_ref().is_some_and(|(same, at)| *same == record && at.elapsed() < RENEWED) {
            return Ok(());
        }
        let lease = lease(&self.name, self.own_pod.as_ref(), &record, &MicroTime(Timestamp::now()));
        let how = PatchParams::apply(MANAGER).force();
        let applied = in_time(self.leases.patch(&self.name, &how, &Patch::Apply(&lease))).await;
        applied.map_err(|error| format!("lease {}: {}", self.name, error.why))?;
        self.recorded = Some((record, Instant::now()));
        Ok(())
    }

    async fn look(&mut self) -> Result<(), String> {
        let all = ListParams::default().labels(OF_REPLICAS);
        let listed =
            in_time(self.leases.list(&all)).await.map_err(|error| format!("leases: {}", error.why))?;
        let told = listed.items.into_iter().filter_map(Told::of);
        self.seen.look(told.collect(), Instant::now());
        Ok(())
    }

    async fn write(&self, known: &Known, status: &Status) -> Result<(), String> {
        let resource = names(known.kind);
        // The UID keeps it from another object that has got the name since.
        let patch = json!({
            "apiVersion": resource.api_version, "kind": resource.kind,
            "metadata": {"name": known.name, "uid": known.uid}, "status": status,
        });
        let api = Api::<DynamicObject>::all_with(self.client.clone(), &resource);
        let how = PatchParams::apply(MANAGER).force();
        match in_time(api.patch_status(&known.name, &how, &Patch::Apply(&patch))).await {
            Ok(_) => Ok(()),
            // It is gone, or another one.
            Err(error) if matches!(error.code, Some(404 | 409)) => Ok(()),
            Err(error) => Err(format!("status of {}: {}", known.name, error.why)),
        }
    }
}

/// What became of each object of the cluster, and whether one of the folder has taken its name.
fn states(store: &PolicyStore) -> BTreeMap<(Kind, String), (ObjectState, bool)> {
    let objects = store.objects();
    let (own, others): (Vec<_>, Vec<_>) =
        objects.iter().cloned().partition(|state| state.layer == Layer::Cluster);
    let of = |state: ObjectState| {
        let taken = others.iter().any(|other| (other.kind, &other.name) == (state.kind, &state.name));
        ((state.kind, state.name.clone()), (state, taken))
    };
    own.into_iter().map(of).collect()
}

/// What is said to each policy about those that surely disagree with it.
fn disagreements(policies: &Policies) -> BTreeMap<String, Vec<String>> {
    let of = |policy: &Policy| {
        let certain = policy::disagreements(policy, policies).into_iter().filter(|one| one.is_certain);
        let told = certain
            .map(|one| format!("{}: policy {} wants something else for the same pods", one.what, one.other));
        (policy.name.clone(), told.collect::<Vec<_>>())
    };
    policies.iter().map(of).filter(|(_, told)| !told.is_empty()).collect()
}
