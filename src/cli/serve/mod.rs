//! `multipod serve`.

mod options;
mod page;
mod reload;

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use multipod_certs::{Embedded, Files, Material, Tls, server_config};
use multipod_engine::pod::Version;
use multipod_engine::policy::{Layer, Objects};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::admission::Snapshot;
use crate::observe::{Traces, start_logs};
use crate::server::{Addresses, Bound, Configuration, Shared, bind};
use crate::watch::{self, Certificates, Cluster, Known, PolicyFolder, PolicyStore, Watch, watch};

use super::config_file::ConfigFile;
use super::report::Failure;
use options::{ClusterPolicies, Config};
pub(in crate::cli) use options::{Options, check_options};
use reload::Reload;

/// Run the admission webhook
///
/// Without arguments it serves the built-in patterns on this machine, with a certificate made in memory, and says how
/// to try it.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// Settings of the cluster, and options of the server below serve:
    #[arg(long, env = "MULTIPOD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    options: Options,
}

const NOTES: &str = "\
OPTIONS
  Every option can also stand in the environment (MULTIPOD_LISTEN for --listen), and below
  serve: in the file of --config (listen: for --listen). An option beats the environment, and
  the environment beats the file.

PATHS
  POST /mutate  reviews of pods: the patterns that they ask for are added
  POST /warn    reviews of Deployments and the like: allowed, with warnings
  POST /validate  reviews of policies and patterns: refused where they would not be read
  On the admin port: /livez, /readyz?verbose, /metrics, /config, and /ca.crt where the
  certificate is made in memory; with --ui, /ui is a page to try annotations on

SIGNALS
  SIGTERM and SIGINT drain: readiness fails, answers ask clients to go, and the process ends
  once nobody has come for a while. A second signal ends it at once.";

/// How often files are read again where the system does not report changes.
const RELOAD_INTERVAL: Duration = Duration::from_mins(1);

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let file = self.config.as_deref().map_or_else(|| Ok(ConfigFile::default()), ConfigFile::read);
        let file = file.map_err(Failure::one)?;
        let config = Config::of(&file, self.options.clone()).map_err(|problem| file.failure([problem]))?;
        let sets_ip_families = config.sets_ip_families();
        let Config { options, settings, shown } = config;
        let managed = options.managed(&settings.cluster_domain).map_err(Failure::one)?;
        let certificate = if managed.is_some() { Certificate::Managed } else { Certificate::read(&options)? };
        let policies =
            options.policy_dir.as_deref().map(PolicyFolder::open).transpose().map_err(Failure::one)?;
        let logs = start_logs(options.log_level(), options.log_format()).map_err(Failure::one)?;

        let snapshot = Snapshot {
            settings: Arc::new(settings),
            version: options.kubernetes_version().unwrap_or(Version::ASSUMED),
            warn: options.warn(),
            ..Snapshot::default()
        };
        let Initial { tls, authority, files, client_ca_ends } = certificate.initial()?;
        let mut shared = Shared::new(snapshot, tls, options.limits());
        shared.authority = authority;
        if options.ui() {
            let snapshot = shared.snapshot.load();
            let desk = page::Desk { settings: (*snapshot.settings).clone(), version: snapshot.version };
            drop(snapshot);
            shared.page = Some(Arc::new(desk));
        }
        if let Some(ends) = client_ca_ends {
            shared.metrics.certificate_expires("client_ca", ends);
        }
        let known = Known { version: options.kubernetes_version().is_some(), ip_families: sets_ip_families };
        shared.configuration.store(Arc::new(Configuration { in_force: shown, ..Configuration::default() }));
        shared.traces = Traces::start(options.otlp_endpoint()).map_err(Failure::one)?;
        let shared = Arc::new(shared);
        let (folder, objects) =
            policies.map_or((None, Objects::default()), |(folder, objects)| (Some(folder), objects));
        let store = Arc::new(PolicyStore::new(Arc::clone(&shared)));
        store.replace(Layer::Folder, objects);
        reload::check_use(&file, &shared).map_err(|unknown| file.failure(unknown))?;
        let reload = |path| Reload::new(path, file, self.options, logs.level(), Arc::clone(&shared));
        let reload = self.config.map(reload);

        let runtime = runtime(options.threads()).map_err(|error| Failure::one(error.to_string()))?;
        runtime.block_on(async {
            let addresses = Addresses { reviews: options.listen(), admin: Some(options.admin_listen()) };
            let bound =
                bind(Arc::clone(&shared), addresses).map_err(|error| Failure::one(error.to_string()))?;
            let cluster = Cluster::find(options.kubeconfig.as_deref()).await.map_err(Failure::one)?;
            let keeper = match (managed, &cluster) {
                (None, _) => None,
                (Some(managed), Some(cluster)) => {
                    Some(cluster.keeper(managed, Arc::clone(&shared)).map_err(Failure::one)?)
                }
                (Some(_), None) => {
                    return Err(Failure::one(
                        "--certificate-secret needs a cluster: name it with --kubeconfig",
                    ));
                }
            };
            if let Some(cluster) = cluster {
                let of = |report| watch::ClusterPolicies {
                    store: Arc::clone(&store),
                    report,
                    own_pod: options.own_pod(),
                };
                let policies = match options.cluster_policies() {
                    ClusterPolicies::Off => None,
                    ClusterPolicies::Read => Some(of(false)),
                    ClusterPolicies::Report => Some(of(true)),
                };
                tokio::spawn(cluster.follow(known, policies, Arc::clone(&shared)).map_err(Failure::one)?);
            }
            let _watch = watches(&shared, reload, folder.map(|folder| (folder, store)), files)?;
            let mut signals = Signals::register()?;
            let (end, ended) = oneshot::channel();
            let (hurry, hurried) = oneshot::channel();
            tokio::spawn(async move {
                signals.next().await;
                let _ = end.send(());
                signals.next().await;
                let _ = hurry.send(());
            });
            announce(&bound, shared.authority.is_some(), shared.page.is_some());
            let serving = bound.run(async { drop(ended.await) }, async { drop(hurried.await) });
            match keeper {
                None => serving.await,
                Some(mut keeper) => {
                    tokio::select! { () = serving => {}, never = keeper.keep() => match never {} }
                    keeper.leave().await;
                }
            }
            Ok::<_, Failure>(())
        })?;
        shared.traces.end();
        Ok(ExitCode::SUCCESS)
    }
}

/// One thread answers more reviews than a cluster sends; with the second, a review of some megabytes or a flood of
/// handshakes never delays the others.
fn runtime(threads: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(threads).thread_name("serve").enable_all().build()
}

/// The two signals that end a server.
struct Signals(Signal, Signal);

impl Signals {
    fn register() -> Result<Signals, Failure> {
        let of =
            |kind| signal(kind).map_err(|error| Failure::one(format!("cannot wait for signals: {error}")));
        Ok(Signals(of(SignalKind::terminate())?, of(SignalKind::interrupt())?))
    }

    async fn next(&mut self) {
        tokio::select! { _ = self.0.recv() => {}, _ = self.1.recv() => {} }
    }
}

fn watches(
    shared: &Arc<Shared>,
    reload: Option<Reload>,
    policies: Option<(PolicyFolder, Arc<PolicyStore>)>,
    files: Option<(Files, Material)>,
) -> Result<Vec<Watch>, Failure> {
    let failed = |error: io::Error| Failure::one(format!("cannot watch files: {error}"));
    let mut watches = Vec::new();
    if let Some(mut reload) = reload {
        watches.push(watch(vec![reload.folder()], RELOAD_INTERVAL, move || reload.reload()).map_err(failed)?);
    }
    if let Some((files, material)) = files {
        let mut certificates = Certificates::new(files, material, Arc::clone(shared));
        let folders = certificates.folders();
        watches.push(watch(folders, RELOAD_INTERVAL, move || certificates.reload()).map_err(failed)?);
    }
    if let Some((mut folder, store)) = policies {
        let folders = vec![folder.folder()];
        watches.push(watch(folders, RELOAD_INTERVAL, move || folder.reload(&store)).map_err(failed)?);
    }
    Ok(watches)
}

enum Certificate {
    /// Replicas make it, once they have seen the cluster.
    Managed,
    Memory(Embedded, Box<rustls::ServerConfig>),
    Files(Files, Material, Box<multipod_certs::Configured>),
}

impl Certificate {
    fn read(options: &Options) -> Result<Certificate, Failure> {
        let failed = |error: multipod_certs::CertError| Failure::one(error.to_string());
        let now = SystemTime::now();
        if let Some(files) = options.files().map_err(Failure::one)? {
            let material = files.read().map_err(failed)?;
            let configured = files.configure(&material, now).map_err(|error| {
                Failure::one(format!("{} and {}: {error}", files.certificate.display(), files.key.display()))
            })?;
            return Ok(Certificate::Files(files, material, Box::new(configured)));
        }
        let embedded = Embedded::make(&names(options.listen()), now).map_err(failed)?;
        let config = server_config(&embedded.pair, None, options.http2()).map_err(failed)?;
        Ok(Certificate::Memory(embedded, Box::new(config)))
    }

    fn initial(self) -> Result<Initial, Failure> {
        Ok(match self {
            Certificate::Managed => Initial {
                tls: Tls::none().map_err(|error| Failure::one(error.to_string()))?,
                authority: None,
                files: None,
                client_ca_ends: None,
            },
            Certificate::Memory(embedded, config) => Initial {
                tls: Tls::new(*config, embedded.pair.ends),
                authority: Some(embedded.authority),
                files: None,
                client_ca_ends: None,
            },
            Certificate::Files(files, material, configured) => Initial {
                tls: Tls::new(configured.config, configured.ends),
                authority: None,
                files: Some((files, material)),
                client_ca_ends: configured.client_ca_ends,
            },
        })
    }
}

/// What the server starts with.
struct Initial {
    tls: Tls,
    /// Present if the certificate is made in memory.
    authority: Option<String>,
    /// Present if the certificate is read from files, which may change.
    files: Option<(Files, Material)>,
    client_ca_ends: Option<SystemTime>,
}

/// The names by which clients reach this machine.
fn names(listen: SocketAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let own = listen.ip();
    if !own.is_unspecified() && !own.is_loopback() {
        names.push(own.to_string());
    }
    names
}

/// Logs where the server listens; with a certificate made in memory, also prints how to try it.
fn announce(bound: &Bound, in_memory: bool, has_page: bool) {
    let (Ok(reviews), admin) = (bound.local_addr(), bound.admin_addr()) else { return };
    tracing::info!(%reviews, admin = admin.map(tracing::field::display), "listening");
    let Some(admin) = admin.filter(|_| in_memory) else { return };
    let host = format!("{}:{}", host(reviews.ip()), reviews.port());
    let (usual_reviews, usual_admin) = Options::usual_addresses();
    let is_usual = (reviews, admin) == (usual_reviews, usual_admin);
    let page =
        if has_page { format!("Try annotations in a browser: http://{admin}/ui\n\n") } else { String::new() };
    let text = format!(
        "multipod listens on https://{reviews} (/mutate, /warn and /validate) and on http://{admin} (probes and metrics).\n\
         Its certificate is made in memory and ends with it. Try it with a manifest of yours, or with curl and jq:\n\n  \
         multipod review app.yaml{where_}\n  \
         curl -s {admin}/ca.crt -o multipod-ca.crt\n  \
         curl -s --cacert multipod-ca.crt -H 'Content-Type: application/json' https://{host}/mutate -d '{EXAMPLE}' \
         | jq -r .response.patch | base64 -d | jq\n\n{page}",
        where_ = if is_usual {
            String::new()
        } else {
            format!(" --url https://{host} --ca http://{admin}/ca.crt")
        },
    );
    // A closed standard output is no reason to fail.
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V6(address) if !address.is_unspecified() => format!("[{address}]"),
        IpAddr::V4(address) if !address.is_unspecified() => address.to_string(),
        _ => "localhost".to_owned(),
    }
}

const EXAMPLE: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","resource":{"group":"","version":"v1","resource":"pods"},"object":{"metadata":{"annotations":{"multipod/ambassador":"80:8775"}},"spec":{"containers":[{"name":"app"}]}}}}"#;
