//! The state that all parts of a running server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::{ArcSwap, ArcSwapOption};
use multipod_certs::Tls;
use multipod_engine::policy::ObjectState;
use tokio::sync::Notify;

use crate::admission::Snapshot;
use crate::observe::{Metrics, Traces};

use super::body::Bodies;
use super::deciders::Deciders;
use super::in_force::{Checks, InForce, Replicas};
use super::refused::LastRefused;
use super::shares::Pool;
use super::{ClusterState, Configuration, Limits, Page};

/// The state that all parts of a running server share; `watch` may replace the snapshot at any time.
#[derive(Debug)]
pub struct Shared {
    /// What decides about reviews from now on.
    pub snapshot: ArcSwap<Snapshot>,
    /// Wakes whoever watches namespaces when the snapshot has other policies.
    pub policies_changed: Notify,
    /// What became of each policy and pattern.
    pub objects: ArcSwap<Vec<ObjectState>>,
    /// All replicas, as this one saw them last; nothing where it does not look.
    pub(crate) replicas: ArcSwapOption<Replicas>,
    /// Kept where there is a page that shows them.
    pub(crate) refused: LastRefused,
    /// For new handshakes.
    pub tls: Tls,
    /// How current the snapshot's namespaces are.
    pub cluster: ClusterState,
    /// How current the policies and patterns of the cluster are.
    pub cluster_policies: ClusterState,
    /// How current the authority is that signs, where replicas have one of their own.
    pub rotation: ClusterState,
    pub metrics: Metrics,
    pub limits: Limits,
    /// The certificate of the authority that was made in memory, for clients that want to trust it.
    pub authority: Option<String>,
    pub configuration: ArcSwap<Configuration>,
    /// What answers on the page of the admin port; without it there is none.
    pub(crate) page: Option<Arc<dyn Page>>,
    pub traces: Traces,
    pub(super) requests: Arc<Pool>,
    pub(super) bodies: Bodies,
    pub(super) deciders: Arc<Deciders>,
    draining: AtomicBool,
    begun: Instant,
    last_active: AtomicU64,
}

impl Shared {
    pub fn new(snapshot: Snapshot, tls: Tls, limits: Limits) -> Shared {
        let metrics = Metrics::default();
        metrics.certificate_expires("serving", tls.ends());
        metrics.limits(limits.connections, limits.requests, limits.buffered);
        let knows_clients = limits.knows_clients();
        Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            policies_changed: Notify::new(),
            objects: ArcSwap::default(),
            replicas: ArcSwapOption::empty(),
            refused: LastRefused::default(),
            tls,
            cluster: ClusterState::default(),
            cluster_policies: ClusterState::default(),
            rotation: ClusterState::default(),
            metrics,
            authority: None,
            configuration: ArcSwap::default(),
            page: None,
            traces: Traces::default(),
            requests: Pool::new(limits.requests, knows_clients),
            bodies: Bodies::new(Pool::new(limits.buffered, knows_clients), &limits),
            deciders: Deciders::new(limits.deciders),
            limits,
            draining: AtomicBool::new(false),
            begun: Instant::now(),
            last_active: AtomicU64::new(0),
        }
    }

    /// Whether the server still answers but asks every client to close its connection.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(super) fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// A connection or a request has arrived.
    pub(super) fn touch(&self) {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_active.store(millis, Ordering::Relaxed);
    }

    /// Since when no connection and no request has arrived.
    pub(super) fn idle_for(&self) -> Duration {
        let last = Duration::from_millis(self.last_active.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(last)
    }

    /// What the page shows.
    pub(super) fn in_force(&self) -> InForce {
        InForce {
            checks: self.checks(),
            certificate_ends: self.tls.ends(),
            snapshot: self.snapshot.load_full(),
            objects: self.objects.load_full(),
            replicas: self.replicas.load_full(),
            refused: self.refused.all(),
        }
    }

    pub(super) fn checks(&self) -> Checks {
        let now = SystemTime::now();
        let snapshot = self.snapshot.load();
        let (missing, unread) = (snapshot.missing, snapshot.unread.as_deref().map(str::to_owned));
        [
            ("certificate", self.tls.ends() > now, self.rotation.note(now)),
            // Stale knowledge stays in use: failing readiness would take all replicas out at once.
            ("synced", !missing.namespaces, self.cluster.note(now)),
            // What cannot be read counts only before everything was read once; later the last good ones stay.
            (
                "policies",
                !missing.policies && unread.is_none(),
                unread.or_else(|| self.cluster_policies.note(now)),
            ),
            // Whatever the file contains now, the configuration in force is valid.
            ("configuration", true, self.configuration.load().note()),
            ("serving", !self.is_draining(), None),
        ]
    }
}
