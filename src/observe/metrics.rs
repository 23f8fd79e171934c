//! The metrics. Every label has few values: none of them comes from a review, and names of policies are counted.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::admission::{Outcome, Record};

use super::process::ProcessCollector;

/// Fine where answers usually are, and coarse above; those of the API server begin at 5 ms.
const DURATIONS: [f64; 13] =
    [50e-6, 100e-6, 200e-6, 400e-6, 800e-6, 1.6e-3, 3.2e-3, 6.4e-3, 12.8e-3, 51.2e-3, 0.2048, 1.0, 5.0];
const PATCHES: [f64; 8] = [512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 65536.0, 262_144.0];

/// Policies that have a series of their own.
const MOST_POLICIES: usize = 100;

#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Endpoint, Histogram, fn() -> Histogram>,
    patches: Histogram,
    injections: Family<Pattern, Counter>,
    connections_failed: Family<Reason, Counter>,
    reloads: Family<Reload, Counter>,
    certificates: Family<Certificate, Gauge>,
    rotation_phases: Family<RotationPhase, Gauge>,
    rotation_synced: Gauge<f64, AtomicU64>,
    namespaces_synced: Gauge<f64, AtomicU64>,
    cluster_policies_synced: Gauge<f64, AtomicU64>,
    /// Open at present.
    pub connections: Gauge,
    /// Connections since the start.
    pub accepted: Counter,
    /// Connections that there may be.
    pub connections_limit: Gauge,
    pub in_flight: Gauge,
    in_flight_limit: Gauge,
    /// Bytes of request bodies in memory.
    pub buffered: Gauge,
    buffered_limit: Gauge,
    pub panics: Counter,
    policies: Gauge,
    pub policy_problems: Gauge,
    policy_objects: Family<ObjectStanding, Gauge>,
    policy_pods: Family<PolicyOutcome, Counter>,
    policy_audits: Family<PolicyName, Counter>,
    /// The policies that are counted each for itself.
    counted: Mutex<BTreeSet<String>>,
    /// In seconds since 1970.
    pub policies_read: Gauge<f64, AtomicU64>,
    /// 1 while the file of `--config` is not in force as it is.
    pub config_problems: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    endpoint: &'static str,
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    endpoint: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pattern {
    pattern: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    what: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyName {
    policy: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyOutcome {
    policy: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ObjectStanding {
    standing: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Certificate {
    certificate: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RotationPhase {
    phase: &'static str,
}

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionFailure {
    Handshake,
    HandshakeTimeout,
    /// The system could not accept it.
    Accept,
    /// The peer was too slow, or did not speak HTTP.
    Broken,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Metrics {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATIONS)),
            patches: Histogram::new(PATCHES),
            injections: Family::default(),
            connections_failed: Family::default(),
            reloads: Family::default(),
            certificates: Family::default(),
            rotation_phases: Family::default(),
            rotation_synced: Gauge::default(),
            namespaces_synced: Gauge::default(),
            cluster_policies_synced: Gauge::default(),
            connections: Gauge::default(),
            accepted: Counter::default(),
            connections_limit: Gauge::default(),
            in_flight: Gauge::default(),
            in_flight_limit: Gauge::default(),
            buffered: Gauge::default(),
            buffered_limit: Gauge::default(),
            panics: Counter::default(),
            policies: Gauge::default(),
            policy_problems: Gauge::default(),
            policy_objects: Family::default(),
            policy_pods: Family::default(),
            policy_audits: Family::default(),
            counted: Mutex::default(),
            policies_read: Gauge::default(),
            config_problems: Gauge::default(),
        };
        // Without a cluster there is no such time; zero would be a very old one.
        metrics.synced(None, None);
        metrics.rotation_synced.set(f64::NAN);
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        self.registry.register_collector(Box::new(ProcessCollector));
        let registry = self.registry.sub_registry_with_prefix("multipod");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What is running", version);
        registry.register("admission_requests", "Requests by what became of them", self.requests.clone());
        let help = "From the head of a request to its answer";
        registry.register_with_unit("admission_duration", help, Unit::Seconds, self.durations.clone());
        registry.register_with_unit(
            "patch_size",
            "Patches that were sent",
            Unit::Bytes,
            self.patches.clone(),
        );
        registry.register("injections", "Patterns that were added to pods", self.injections.clone());
        registry.register("connections_open", "Connections that are open", self.connections.clone());
        registry.register("connections_accepted", "Connections that were accepted", self.accepted.clone());
        registry.register(
            "connections_failed",
            "Connections that came to nothing",
            self.connections_failed.clone(),
        );
        registry.register("requests_in_flight", "Requests that are being answered", self.in_flight.clone());
        registry.register_with_unit("buffered", "Bodies held in memory", Unit::Bytes, self.buffered.clone());
        let help = "Connections that may be open";
        registry.register("connections_limit", help, self.connections_limit.clone());
        let help = "Requests that may be answered at one time";
        registry.register("requests_in_flight_limit", help, self.in_flight_limit.clone());
        let help = "Bytes of bodies that there may be in memory";
        registry.register_with_unit("buffered_limit", help, Unit::Bytes, self.buffered_limit.clone());
        registry.register("panics", "Panics that became an error 500", self.panics.clone());
        registry.register("reloads", "Files that were read again", self.reloads.clone());
        let help = "When the certificate ends, in seconds since 1970";
        registry.register("certificate_expiry_timestamp_seconds", help, self.certificates.clone());
        let help = "1 for the phase in which the authority of the replicas is";
        registry.register("certificate_rotation_phase", help, self.rotation_phases.clone());
        let help = "When the authority of the replicas was seen last, in seconds since 1970";
        let name = "certificate_rotation_synced_timestamp_seconds";
        registry.register(name, help, self.rotation_synced.clone());
        let help = "Until when the namespaces were known to be up to date, in seconds since 1970";
        registry.register("namespaces_synced_timestamp_seconds", help, self.namespaces_synced.clone());
        let help =
            "Until when the policies of the cluster were known to be up to date, in seconds since 1970";
        registry.register(
            "cluster_policies_synced_timestamp_seconds",
            help,
            self.cluster_policies_synced.clone(),
        );
        registry.register("policies", "Policies in force", self.policies.clone());
        let help = "Problems in policies and patterns";
        registry.register("policy_problems", help, self.policy_problems.clone());
        let help = "Policies and patterns, by what is in force of them";
        registry.register("policy_objects", help, self.policy_objects.clone());
        let help = "Pods that a policy is for, by what became of them";
        registry.register("policy_pods", help, self.policy_pods.clone());
        let help = "Pods to which an audit policy would have added something";
        registry.register("policy_audits", help, self.policy_audits.clone());
        let help = "When the policies were read last, in seconds since 1970";
        registry.register("policies_read_timestamp_seconds", help, self.policies_read.clone());
        let help = "1 while the file of the configuration has a problem and its last good state is in force";
        registry.register("config_problems", help, self.config_problems.clone());
    }

    /// Tells how much there may be of what is shared.
    pub fn limits(&self, connections: usize, requests: usize, bytes: usize) {
        let gauges = [&self.connections_limit, &self.in_flight_limit, &self.buffered_limit];
        for (gauge, limit) in gauges.into_iter().zip([connections, requests, bytes]) {
            gauge.set(i64::try_from(limit).unwrap_or(i64::MAX));
        }
    }

    /// Counts a review that was answered.
    pub fn decided(&self, endpoint: &'static str, record: &Record<'_>, took: Duration) {
        self.answered(endpoint, record.outcome.slug(), record.reason, took);
        if record.patch_bytes > 0 {
            self.patches.observe(u32::try_from(record.patch_bytes).unwrap_or(u32::MAX).into());
        }
        if !record.dry_run {
            for policy in &record.policies {
                let counted =
                    PolicyOutcome { policy: self.counted_as(policy), outcome: record.outcome.slug() };
                self.policy_pods.get_or_create(&counted).inc();
            }
            for policy in &record.audited {
                self.policy_audits.get_or_create(&PolicyName { policy: self.counted_as(policy) }).inc();
            }
        }
        for pattern in &record.patterns {
            self.injections.get_or_create(&Pattern { pattern: pattern.clone() }).inc();
        }
    }

    /// The name of a policy as long as there are few; the others are counted together.
    fn counted_as(&self, policy: &str) -> String {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.contains(policy) || counted.len() < MOST_POLICIES && counted.insert(policy.to_owned()) {
            return policy.to_owned();
        }
        "…".to_owned()
    }

    /// Tells which policies are in force: those that are no longer make room for others.
    pub fn policies_in_force(&self, names: &BTreeSet<&str>) {
        self.policies.set(i64::try_from(names.len()).unwrap_or(i64::MAX));
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|policy| {
            let is_in_force = names.contains(&**policy);
            if !is_in_force {
                for outcome in Outcome::ALL {
                    let outcome = outcome.slug();
                    self.policy_pods.remove(&PolicyOutcome { policy: policy.clone(), outcome });
                }
                self.policy_audits.remove(&PolicyName { policy: policy.clone() });
            }
            is_in_force
        });
    }

    /// Counts a request that got an HTTP error instead.
    pub fn failed(&self, endpoint: &'static str, reason: &'static str, took: Duration) {
        self.answered(endpoint, "error", reason, took);
    }

    fn answered(&self, endpoint: &'static str, outcome: &'static str, reason: &'static str, took: Duration) {
        self.requests.get_or_create(&Request { endpoint, outcome, reason }).inc();
        self.durations.get_or_create(&Endpoint { endpoint }).observe(took.as_secs_f64());
    }

    pub fn connection_failed(&self, why: ConnectionFailure) {
        let reason = match why {
            ConnectionFailure::Handshake => "handshake",
            ConnectionFailure::HandshakeTimeout => "handshake_timeout",
            ConnectionFailure::Accept => "accept",
            ConnectionFailure::Broken => "broken",
        };
        self.connections_failed.get_or_create(&Reason { reason }).inc();
    }

    /// Counts an attempt to read `what` again.
    pub fn reloaded(&self, what: &'static str, good: bool) {
        let result = if good { "success" } else { "failure" };
        self.reloads.get_or_create(&Reload { what, result }).inc();
    }

    /// Sets how many policies and patterns have this standing.
    pub fn policy_objects(&self, standing: &'static str, count: i64) {
        self.policy_objects.get_or_create(&ObjectStanding { standing }).set(count);
    }

    pub fn certificate_expires(&self, certificate: &'static str, ends: SystemTime) {
        let seconds = ends.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.certificates
            .get_or_create(&Certificate { certificate })
            .set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// Sets in which of all phases the authority of the replicas is, which was seen now.
    pub fn rotation(&self, phase: &'static str, all: &[&'static str], now: SystemTime) {
        for one in all {
            let gauge = self.rotation_phases.get_or_create(&RotationPhase { phase: one });
            gauge.set(i64::from(*one == phase));
        }
        self.rotation_synced.set(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
    }

    /// Sets until when what is watched was known to be current.
    pub fn synced(&self, namespaces: Option<SystemTime>, policies: Option<SystemTime>) {
        for (gauge, until) in
            [(&self.namespaces_synced, namespaces), (&self.cluster_policies_synced, policies)]
        {
            let since = until.map(|until| until.duration_since(UNIX_EPOCH).unwrap_or_default());
            gauge.set(since.map_or(f64::NAN, |since| since.as_secs_f64()));
        }
    }

    /// In the text format of `OpenMetrics`.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::with_capacity(8192);
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page that administrators read: each metric with its labels, and none that is gone.
    #[test]
    fn the_page_of_metrics_has_a_row_for_each_with_its_labels() {
        let metrics = Metrics::default();
        // A family shows nothing before it has a series.
        metrics.failed("mutate", "not_ready", Duration::ZERO);
        metrics.injections.get_or_create(&Pattern { pattern: "ambassador".into() }).inc();
        metrics
            .policy_pods
            .get_or_create(&PolicyOutcome { policy: "web".to_owned(), outcome: "injected" })
            .inc();
        metrics.policy_audits.get_or_create(&PolicyName { policy: metrics.counted_as("web") }).inc();
        metrics.connection_failed(ConnectionFailure::Broken);
        metrics.reloaded("policies", true);
        metrics.policy_objects("in_force", 1);
        metrics.certificate_expires("serving", UNIX_EPOCH);
        metrics.rotation("stable", &["stable"], UNIX_EPOCH);
        let text = metrics.text().unwrap();
        let shown: BTreeSet<(&str, String)> = text
            .lines()
            .filter(|line| line.starts_with("multipod_") && !line.starts_with("multipod_build_info"))
            .filter(|line| !["_bucket", "_count"].iter().any(|end| name_of(line).ends_with(end)))
            .map(|line| (name_of(line).trim_end_matches("_sum"), labels_of(line)))
            .collect();
        let page = include_str!("../../docs/reference/metrics.md");
        let told: BTreeSet<(&str, String)> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
            .map(|(name, rest)| (name, rest.split('|').next().unwrap_or_default().trim().replace('`', "")))
            .collect();
        assert_eq!(told, shown);
        for line in text.lines().filter(|line| line.starts_with("process_")) {
            assert!(page.contains(&format!("`{}`", name_of(line))), "{line}");
        }
    }

    fn name_of(line: &str) -> &str {
        line.split(['{', ' ']).next().unwrap_or_default()
    }

    /// `endpoint, outcome`
    fn labels_of(line: &str) -> String {
        let labels =
            line.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(all, _)| all);
        let names = labels.split(',').filter_map(|label| label.split('=').next());
        names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ")
    }
}
