//! What all parts of a running server know.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;

use crate::admission::Snapshot;
use crate::certs::Tls;
use crate::observe::{Metrics, Traces};

use super::{Configuration, Limits, Load, Standing};

/// What all parts of a running server know. Others may exchange the snapshot at any time.
#[derive(Debug)]
pub struct Shared {
    /// What decides about reviews from now on.
    pub snapshot: ArcSwap<Snapshot>,
    /// The certificates of new handshakes.
    pub tls: Tls,
    /// How far the snapshot is what the cluster is.
    pub standing: Standing,
    /// What is counted.
    pub metrics: Metrics,
    /// What peers may have.
    pub limits: Limits,
    /// The certificate of the embedded authority, for those who want to trust it.
    pub authority: Option<String>,
    /// What the server runs by.
    pub configuration: ArcSwap<Configuration>,
    /// Where spans of reviews go.
    pub traces: Traces,
    pub(super) requests: Arc<Load>,
    pub(super) buffered: Arc<Load>,
    phase: AtomicU8,
    begun: Instant,
    last_active: AtomicU64,
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It answers.
    Serving,
    /// It answers, and asks everybody to go.
    Draining,
}

impl Shared {
    /// For a server that begins now.
    pub fn new(snapshot: Snapshot, tls: Tls, limits: Limits) -> Shared {
        let metrics = Metrics::default();
        metrics.certificate_ends("serving", tls.ends());
        Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            tls,
            standing: Standing::default(),
            metrics,
            authority: None,
            configuration: ArcSwap::default(),
            traces: Traces::default(),
            requests: Load::new(limits.requests),
            buffered: Load::new(limits.buffered),
            limits,
            phase: AtomicU8::new(0),
            begun: Instant::now(),
            last_active: AtomicU64::new(0),
        }
    }

    /// Where the server is in its life.
    pub fn phase(&self) -> Phase {
        if self.phase.load(Ordering::Relaxed) == 0 { Phase::Serving } else { Phase::Draining }
    }

    pub(super) fn start_draining(&self) {
        self.phase.store(1, Ordering::Relaxed);
    }

    /// Somebody has connected, or asked something.
    pub(super) fn touch(&self) {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_active.store(millis, Ordering::Relaxed);
    }

    /// How long nobody has connected or asked anything.
    pub(super) fn quiet(&self) -> Duration {
        let last = Duration::from_millis(self.last_active.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(last)
    }

    /// Everything that readiness depends on, whether it is so, and what there is to say about it.
    pub(super) fn checks(&self) -> [(&'static str, bool, Option<String>); 4] {
        let now = SystemTime::now();
        [
            ("certificate", self.tls.ends() > now, None),
            // Old knowledge is served on: readiness would take all replicas out at once.
            ("synced", self.snapshot.load().synced, self.standing.note(now)),
            // Whatever stands in the file, what is in force was right.
            ("configuration", true, self.configuration.load().note()),
            ("serving", self.phase() == Phase::Serving, None),
        ]
    }
}
