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
use tokio::time::{sleep, timeout};

use crate::admission::Snapshot;
use crate::pattern::Settings;
use crate::pattern::settings::IpFamilies;
use crate::pod::Version;
use crate::server::Shared;

use super::namespaces::{self, WATCH_SECONDS, whole};

/// A cluster that can be asked.
#[derive(Debug)]
pub struct Cluster(Config);

/// What somebody has said about the cluster, so that it is not asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// Its version.
    pub version: bool,
    /// Which addresses pods have.
    pub ip_families: bool,
}

const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// An API server is upgraded under us, with everything else going on.
const ASK_AGAIN: Duration = Duration::from_mins(10);
/// For one small question.
const PATIENCE: Duration = Duration::from_secs(10);

impl Cluster {
    /// The cluster of this file, else the one that we run in, else none.
    pub async fn find(kubeconfig: Option<&Path>) -> Result<Option<Cluster>, String> {
        let config = match kubeconfig {
            Some(path) => Some(read(path).await.map_err(|error| format!("{}: {error}", path.display()))?),
            None if is_inside() => Some(Config::incluster().map_err(|error| whole(&error))?),
            None => None,
        };
        Ok(config.map(|mut config| {
            config.connect_timeout = Some(Duration::from_secs(5));
            // A peer that has gone without a word is not waited for; between events a watch may well be silent.
            config.read_timeout = Some(Duration::from_secs(u64::from(WATCH_SECONDS) + 15));
            config.reset_reader_on_write = true;
            // We try again ourselves, and say so.
            config.default_retry = false;
            Cluster(config)
        }))
    }

    /// From now on nothing is decided before the cluster has been read; the future does that, and keeps up with it for as
    /// long as it is polled.
    pub fn follow(
        self,
        said: Said,
        shared: Arc<Shared>,
    ) -> Result<impl Future<Output = ()> + Send + 'static, String> {
        let client = Client::try_from(self.0).map_err(|error| whole(&error))?;
        shared.standing.wait();
        shared.snapshot.rcu(|snapshot| Snapshot {
            synced: false,
            watches_namespaces: true,
            ..Snapshot::clone(snapshot)
        });
        Ok(forever(client, said, shared))
    }
}

async fn forever(client: Client, said: Said, shared: Arc<Shared>) {
    let mut backoff = DefaultBackoff::default();
    let mut known = false;
    loop {
        // A mistake of ours in one round must not end all others.
        let round = AssertUnwindSafe(round(&client, said, &shared, &mut known)).catch_unwind();
        let why = round.await.unwrap_or_else(|_| "watching failed".to_owned());
        tracing::warn!(error = why, "the cluster is out of sight; what is known of it stays");
        shared.metrics.reloaded("namespaces", false);
        shared.standing.lost(why);
        sleep(backoff.next().unwrap_or(PATIENCE)).await;
    }
}

async fn read(path: &Path) -> Result<Config, String> {
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| whole(&error))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    config.map_err(|error| whole(&error))
}

fn is_inside() -> bool {
    env::var_os("KUBERNETES_SERVICE_HOST").is_some() && Path::new(TOKEN).exists()
}

/// Until something fails, and says what. Each round asks for the version: a cluster that was away may have been upgraded.
async fn round(client: &Client, said: Said, shared: &Shared, known: &mut bool) -> String {
    match introduce(client, said, shared).await {
        Ok(()) => *known = true,
        // Nothing is decided by a version that is only assumed.
        Err(why) if !*known => return why,
        Err(error) => tracing::warn!(error, "the last version stays"),
    }
    tokio::select! {
        why = namespaces::follow(client.clone(), shared) => why,
        never = ask_again(client, said, shared) => match never {},
    }
}

async fn introduce(client: &Client, said: Said, shared: &Shared) -> Result<(), String> {
    if !said.version {
        version(client, shared).await?;
    }
    if !said.ip_families {
        ip_families(client, shared).await?;
    }
    Ok(())
}

async fn ask_again(client: &Client, said: Said, shared: &Shared) -> Infallible {
    loop {
        sleep(ASK_AGAIN).await;
        if !said.version
            && let Err(error) = version(client, shared).await
        {
            tracing::warn!(error, "the last version stays");
        }
    }
}

async fn version(client: &Client, shared: &Shared) -> Result<(), String> {
    let info =
        in_time(client.apiserver_version()).await.map_err(|error| format!("version: {}", error.why))?;
    let version = Version::parse(&info.git_version).map_err(|error| format!("version: {error}"))?;
    if shared.snapshot.load().version != version {
        tracing::info!(%version, "the cluster's version");
        shared.snapshot.rcu(|snapshot| Snapshot { version, ..Snapshot::clone(snapshot) });
    }
    Ok(())
}

/// From the one Service that every cluster has. It has one family even where pods have two, which nobody but its people
/// can tell us.
async fn ip_families(client: &Client, shared: &Shared) -> Result<(), String> {
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let service = match in_time(services.get("kubernetes")).await {
        Ok(service) => service,
        Err(Failed { why, for_good: true }) => {
            tracing::info!(why, "the service kubernetes cannot be read; ipFamilies as configured");
            return Ok(());
        }
        Err(error) => return Err(format!("service kubernetes: {}", error.why)),
    };
    let named = service.spec.and_then(|spec| spec.ip_families).unwrap_or_default();
    let of = |family: &str| named.iter().any(|named| named == family);
    let ip_families = match (of("IPv4"), of("IPv6")) {
        (true, true) => IpFamilies::Dual,
        (false, true) => IpFamilies::Ipv6,
        _ => IpFamilies::Ipv4,
    };
    shared.snapshot.rcu(|snapshot| {
        let settings = Settings { ip_families, ..Settings::clone(&snapshot.settings) };
        Snapshot { settings: Arc::new(settings), ..Snapshot::clone(snapshot) }
    });
    Ok(())
}

/// Why there is no answer.
struct Failed {
    why: String,
    /// Asking again would help as little.
    for_good: bool,
}

async fn in_time<T>(question: impl Future<Output = kube::Result<T>>) -> Result<T, Failed> {
    let failed = |why, for_good| Failed { why, for_good };
    match timeout(PATIENCE, question).await {
        Err(_) => Err(failed("no answer".to_owned(), false)),
        Ok(Err(kube::Error::Api(status))) => {
            Err(failed(status.to_string(), matches!(status.code, 403 | 404)))
        }
        Ok(answer) => answer.map_err(|error| failed(whole(&error), false)),
    }
}
