//! The cluster whose pods are reviewed: its version, its addresses, its namespaces.

use std::convert::Infallible;
use std::env;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use k8s_openapi::api::core::v1::Service;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::watcher::DefaultBackoff;
use kube::{Api, Client, Config};
use multipod_engine::pattern::Settings;
use multipod_engine::pattern::settings::IpFamilies;
use multipod_engine::pod::Version;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::admission::{Missing, Snapshot};
use crate::server::Shared;

use super::managed::{Keeper, Managed};
use super::namespaces::{self, WATCH_SECONDS, error_chain};
use super::request::{Failed, REQUEST_TIMEOUT, in_time};
use super::{OwnPod, PolicyStore, report, resources};

#[derive(Debug)]
pub struct Cluster(Config);

/// Facts that the configuration states, so that the cluster is not asked for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    pub version: bool,
    /// Which kinds of addresses pods have.
    pub ip_families: bool,
}

/// What becomes of policies and patterns that are objects of the cluster.
#[derive(Clone, Debug)]
pub struct ClusterPolicies {
    /// Where they count.
    pub store: Arc<PolicyStore>,
    /// Whether their status says what became of them.
    pub report: bool,
    /// The pod that this replica runs in, where that is known.
    pub own_pod: Option<OwnPod>,
}

const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// An API server may be upgraded while this server runs.
const VERSION_INTERVAL: Duration = Duration::from_mins(10);

impl Cluster {
    /// The cluster of this file, else the one that this process runs in, else none.
    pub async fn find(kubeconfig: Option<&Path>) -> Result<Option<Cluster>, String> {
        let config = match kubeconfig {
            Some(path) => Some(read(path).await.map_err(|error| format!("{}: {error}", path.display()))?),
            None if is_inside() => Some(Config::incluster().map_err(|error| error_chain(&error))?),
            None => None,
        };
        Ok(config.map(|mut config| {
            config.connect_timeout = Some(Duration::from_secs(5));
            // Detects a dead connection; between events a watch may well be silent.
            config.read_timeout = Some(Duration::from_secs(u64::from(WATCH_SECONDS) + 15));
            config.reset_reader_on_write = true;
            // We retry ourselves, and log it.
            config.default_retry = false;
            Cluster(config)
        }))
    }

    /// This replica's part in certificates that replicas make themselves.
    pub fn keeper(&self, managed: Managed, shared: Arc<Shared>) -> Result<Keeper, String> {
        let client = Client::try_from(self.0.clone()).map_err(|error| error_chain(&error))?;
        Ok(Keeper::new(client, &self.0.default_namespace, managed, shared))
    }

    /// From now on reviews get 503 until the cluster has been read; the future reads it, and follows its changes for as long
    /// as it is polled. With a store of policies, those of the cluster are read too.
    pub fn follow(
        self,
        known: Known,
        policies: Option<ClusterPolicies>,
        shared: Arc<Shared>,
    ) -> Result<impl Future<Output = ()> + Send + 'static, String> {
        let client = Client::try_from(self.0).map_err(|error| error_chain(&error))?;
        shared.cluster.pending();
        if policies.is_some() {
            shared.cluster_policies.pending();
        }
        shared.snapshot.rcu(|snapshot| Snapshot {
            missing: Missing { namespaces: true, policies: policies.is_some() },
            watches_namespaces: true,
            ..Snapshot::clone(snapshot)
        });
        Ok(async move {
            let resources = async {
                let Some(ClusterPolicies { store, report, own_pod }) = policies else { return };
                let (known, hears) = watch::channel(None);
                let reports = async {
                    if report {
                        // A panic must not end everything else.
                        let reports = report::report(client.clone(), own_pod, hears, &store, &shared);
                        if AssertUnwindSafe(reports).catch_unwind().await.is_err() {
                            tracing::error!("telling the status of policies failed");
                        }
                    }
                };
                tokio::join!(resources::follow_forever(client.clone(), &store, &known, &shared), reports);
            };
            tokio::join!(follow_forever(client.clone(), known, &shared), resources);
        })
    }
}

async fn follow_forever(client: Client, known: Known, shared: &Shared) {
    let mut backoff = DefaultBackoff::default();
    let mut has_version = false;
    loop {
        // A panic in one round must not prevent all others.
        let round = AssertUnwindSafe(round(&client, known, shared, &mut has_version)).catch_unwind();
        let why = round.await.unwrap_or_else(|_| "watching failed".to_owned());
        tracing::warn!(error = why, "the cluster is out of sight; what is known of it stays");
        shared.metrics.reloaded("namespaces", false);
        shared.cluster.lost(why);
        sleep(backoff.next().unwrap_or(REQUEST_TIMEOUT)).await;
    }
}

async fn read(path: &Path) -> Result<Config, String> {
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| error_chain(&error))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    config.map_err(|error| error_chain(&error))
}

fn is_inside() -> bool {
    env::var_os("KUBERNETES_SERVICE_HOST").is_some() && Path::new(TOKEN).exists()
}

/// Follows the cluster until something fails; returns what. Each round asks for the version, because a cluster that was
/// unreachable may have been upgraded.
async fn round(client: &Client, known: Known, shared: &Shared, has_version: &mut bool) -> String {
    match read_facts(client, known, shared).await {
        Ok(()) => *has_version = true,
        // No review is decided by an assumed version.
        Err(why) if !*has_version => return why,
        Err(error) => tracing::warn!(error, "the last version stays"),
    }
    tokio::select! {
        why = namespaces::follow(client.clone(), shared) => why,
        never = follow_version(client, known, shared) => match never {},
    }
}

async fn read_facts(client: &Client, known: Known, shared: &Shared) -> Result<(), String> {
    if !known.version {
        read_version(client, shared).await?;
    }
    if !known.ip_families {
        read_ip_families(client, shared).await?;
    }
    Ok(())
}

async fn follow_version(client: &Client, known: Known, shared: &Shared) -> Infallible {
    loop {
        sleep(VERSION_INTERVAL).await;
        if !known.version
            && let Err(error) = read_version(client, shared).await
        {
            tracing::warn!(error, "the last version stays");
        }
    }
}

async fn read_version(client: &Client, shared: &Shared) -> Result<(), String> {
    let info =
        in_time(client.apiserver_version()).await.map_err(|error| format!("version: {}", error.why))?;
    let version = Version::parse(&info.git_version).map_err(|error| format!("version: {error}"))?;
    if shared.snapshot.load().version != version {
        tracing::info!(%version, "the cluster's version");
        shared.snapshot.rcu(|snapshot| Snapshot { version, ..Snapshot::clone(snapshot) });
    }
    Ok(())
}

/// From the one Service that every cluster has. It has one family even where pods have two, which only the configuration
/// can state.
async fn read_ip_families(client: &Client, shared: &Shared) -> Result<(), String> {
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let service = match in_time(services.get("kubernetes")).await {
        Ok(service) => service,
        Err(Failed { why, permanent: true, .. }) => {
            tracing::info!(why, "the service kubernetes cannot be read; ipFamilies as configured");
            return Ok(());
        }
        Err(error) => return Err(format!("service kubernetes: {}", error.why)),
    };
    let ip_families = ip_families(service);
    shared.snapshot.rcu(|snapshot| {
        let settings = Settings { ip_families, ..Settings::clone(&snapshot.settings) };
        Snapshot { settings: Arc::new(settings), ..Snapshot::clone(snapshot) }
    });
    Ok(())
}

/// From the Service `kubernetes`.
pub(crate) fn ip_families(service: Service) -> IpFamilies {
    let named = service.spec.and_then(|spec| spec.ip_families).unwrap_or_default();
    let of = |family: &str| named.iter().any(|named| named == family);
    match (of("IPv4"), of("IPv6")) {
        (true, true) => IpFamilies::Dual,
        (false, true) => IpFamilies::Ipv6,
        _ => IpFamilies::Ipv4,
    }
}
