//! The options of the server: from the command line, the environment, and a file.

use std::borrow::Cow;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use multipod_certs::Files;
use multipod_engine::pattern::Settings;
use multipod_engine::pattern::object::Problem;
use multipod_engine::pod::Version;
use multipod_rotation::Pace;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use crate::admission::WarnMode;
use crate::cli::config_file::ConfigFile;
use crate::observe::{LogFilter, LogFormat};
use crate::server::{Limits, Range};
use crate::watch::{Managed, OwnPod};
use multipod_values::unbounded_duration;

/// Every option, if it was given.
#[derive(Clone, Debug, Default, clap::Args, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(in crate::cli) struct Options {
    /// The address for reviews [default: 127.0.0.1:8443]
    #[arg(long, env = "MULTIPOD_LISTEN", value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<Given<SocketAddr>>,

    /// The address for probes and metrics, without TLS [default: 127.0.0.1:8080]
    #[arg(long, env = "MULTIPOD_ADMIN_LISTEN", value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_listen: Option<Given<SocketAddr>>,

    /// A directory of InjectionPolicy and Pattern objects in YAML files, or one such file; reloaded when it changes
    #[arg(long, env = "MULTIPOD_POLICY_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy_dir: Option<PathBuf>,

    /// The cluster to watch, for its namespaces and version; in a pod, the default is its own cluster
    #[arg(long, env = "MULTIPOD_KUBECONFIG", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kubeconfig: Option<PathBuf>,

    /// How to use the InjectionPolicy and Pattern objects of that cluster [default: report in a pod, otherwise read]
    #[arg(long, env = "MULTIPOD_CLUSTER_POLICIES", value_enum, value_name = "WHAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_policies: Option<ClusterPolicies>,

    /// The pod of this replica, which owns its Lease
    #[arg(long, env = "MULTIPOD_POD_NAME", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pod_name: Option<String>,

    /// The UID of that pod
    #[arg(long, env = "MULTIPOD_POD_UID", value_name = "UID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pod_uid: Option<String>,

    /// The certificate with its chain, in PEM; reloaded when it changes
    #[arg(long, env = "MULTIPOD_TLS_CERT", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert: Option<PathBuf>,

    /// The certificate's key, in PEM
    #[arg(long, env = "MULTIPOD_TLS_KEY", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<PathBuf>,

    /// Certificate authorities, in PEM: clients need a certificate from one of them
    #[arg(long, env = "MULTIPOD_CLIENT_CA", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ca: Option<PathBuf>,

    /// Names: the certificate of a client needs one of them (common name or DNS name)
    #[arg(long, env = "MULTIPOD_CLIENT_NAME", value_name = "NAME,…", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<Vec<String>>,

    /// The Secret, in their namespace, for a certificate authority of their own: replicas create, publish and rotate
    /// certificates themselves
    #[arg(long, env = "MULTIPOD_CERTIFICATE_SECRET", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_secret: Option<String>,

    /// The names in these certificates [default: those of the Service multipod in their namespace]
    #[arg(long, env = "MULTIPOD_CERTIFICATE_NAMES", value_name = "NAME,…", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_names: Option<Vec<String>>,

    /// The mutating and validating webhook configurations in which replicas write the caBundle [default: multipod]
    #[arg(long, env = "MULTIPOD_WEBHOOK_CONFIGURATIONS", value_name = "NAME,…", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_configurations: Option<Vec<String>>,

    /// How long the authority of the replicas is valid; they create the next one when a third is left [default: 8760h]
    #[arg(long, env = "MULTIPOD_AUTHORITY_LIFE", value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    authority_life: Option<Given<Duration>>,

    /// How long the certificate of a replica is valid; it creates the next one when a third is left [default: 24h]
    #[arg(long, env = "MULTIPOD_CERTIFICATE_LIFE", value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_life: Option<Given<Duration>>,

    /// How long every webhook trusts a new authority before it signs: twice the time that API servers need to receive it
    /// [default: 60s]
    #[arg(long, env = "MULTIPOD_PUBLISH_TIME", value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    publish_time: Option<Given<Duration>>,

    /// Serve a page for trying annotations at /ui of the admin port [default: true without a cluster]
    #[arg(long, env = "MULTIPOD_UI", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ui: Option<bool>,

    /// Also offer HTTP/2; API servers use HTTP/1.1
    #[arg(long, env = "MULTIPOD_HTTP2", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    http2: Option<bool>,

    /// The answer for a workload whose pods would be rejected [default: warn]
    #[arg(long, env = "MULTIPOD_WARN", value_enum, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    warn: Option<Warn>,

    /// The version of the cluster: native sidecars exist from 1.29 on [default: what it reports, otherwise 1.34]
    #[arg(long, env = "MULTIPOD_KUBERNETES_VERSION", value_name = "VERSION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kubernetes_version: Option<Given<Version>>,

    /// How long the server still accepts connections after the signal to stop, at least [default: 20s; none on loopback with a certificate created in memory]
    #[arg(long, env = "MULTIPOD_DRAIN_FLOOR", value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    drain_floor: Option<Given<Duration>>,

    /// The same, at most [default: 25s]
    #[arg(long, env = "MULTIPOD_DRAIN_LIMIT", value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    drain_limit: Option<Given<Duration>>,

    /// The age at which the server asks a connection to close, so that new replicas get their share [default: 10m]
    #[arg(long, env = "MULTIPOD_CONNECTION_AGE", value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_age: Option<Given<Duration>>,

    /// The limit of open connections; others wait [default: 1024]
    #[arg(long, env = "MULTIPOD_MAX_CONNECTIONS", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<Within<1, MANY>>,

    /// The addresses of API servers: half of everything is reserved for them, also if many clients share one address
    #[arg(long, env = "MULTIPOD_API_SERVERS", value_name = "RANGE,…", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    api_servers: Option<Vec<Given<Range>>>,

    /// The limit of concurrent requests; others get 429 [default: 512]
    #[arg(long, env = "MULTIPOD_MAX_REQUESTS", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_requests: Option<Within<1, MANY>>,

    /// The limit of request bodies in memory, in MiB, at least 36; others wait, then get 429 [default: 64]
    #[arg(long, env = "MULTIPOD_MAX_BUFFERED", value_name = "MIB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_buffered: Option<Within<36, MANY>>,

    /// Worker threads [default: 2, or 1 with one CPU]
    #[arg(long, env = "MULTIPOD_THREADS", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<Within<1, 64>>,

    /// The OpenTelemetry collector that gets a span of each review, if multipod was built with the feature otlp
    /// [default: what the standard variables set]
    #[arg(long, env = "MULTIPOD_OTLP_ENDPOINT", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    otlp_endpoint: Option<String>,

    /// What to log: off, error, warn, info, debug, trace, or a filter such as multipod=debug [default: info]
    #[arg(long, env = "MULTIPOD_LOG_LEVEL", value_name = "LEVEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_level: Option<Given<LogFilter>>,

    /// The format of the log [default: text on a terminal, otherwise json]
    #[arg(long, env = "MULTIPOD_LOG_FORMAT", value_enum, value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<LogFormat>,
}

/// What becomes of policies and patterns that are objects of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClusterPolicies {
    /// Ignore them
    Off,
    /// Use them in addition to those of --policy-dir
    Read,
    /// Use them, and write to their status what became of them
    Report,
}

/// What a workload gets whose pods would be refused.
#[derive(Clone, Copy, Debug, clap::ValueEnum, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum Warn {
    /// Admit it with a warning
    Warn,
    /// Reject it
    Deny,
}

/// The configuration of the server.
pub(super) struct Config {
    pub(super) options: Options,
    pub(super) settings: Settings,
    /// Both, as `/config` shows them.
    pub(super) shown: Value,
}

/// The part of the file that holds the server's options.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    serve: Options,
}

/// Whether the file has nothing but options that there are, with values that they take.
pub(in crate::cli) fn check_options(file: &ConfigFile) -> Result<(), Problem> {
    file.parse::<File>().map(drop)
}

impl Config {
    /// `given` overrides the file.
    pub(super) fn of(file: &ConfigFile, given: Options) -> Result<Config, Problem> {
        let settings = file.parse()?;
        let File { serve } = file.parse()?;
        let mut shown = file.parse()?;
        let options = given.or(serve);
        let serve = serde_json::to_value(options.with_defaults()).unwrap_or_default();
        match &mut shown {
            Value::Object(map) => drop(map.insert("serve".to_owned(), serve)),
            other => *other = serde_json::json!({ "serve": serve }),
        }
        Ok(Config { options, settings, shown })
    }

    /// Whether the file sets the kinds of addresses that pods have, so that the cluster is not asked.
    pub(super) fn sets_ip_families(&self) -> bool {
        self.shown.get("ipFamilies").is_some()
    }
}

impl Options {
    /// The options that may change while the server runs, by their names in the file.
    pub(super) const AT_RUN_TIME: [&str; 2] = ["warn", "logLevel"];

    fn or(self, other: Options) -> Options {
        macro_rules! first {
            ($($field:ident)*) => { Options { $($field: self.$field.or(other.$field)),* } };
        }
        first! {
            listen admin_listen policy_dir kubeconfig cluster_policies pod_name pod_uid tls_cert tls_key client_ca client_name
            certificate_secret certificate_names webhook_configurations authority_life certificate_life publish_time
            ui http2 warn kubernetes_version
            drain_floor drain_limit connection_age max_connections api_servers max_requests max_buffered threads
            otlp_endpoint log_level log_format
        }
    }

    /// With the defaults, but for limits, which `/config` shows apart.
    fn with_defaults(&self) -> Options {
        let address = |value: SocketAddr| Some(Given { text: value.to_string(), value });
        Options {
            listen: address(self.listen()),
            admin_listen: address(self.admin_listen()),
            ui: Some(self.ui()),
            http2: Some(self.http2()),
            cluster_policies: Some(self.cluster_policies()),
            warn: self.warn.or(Some(Warn::Warn)),
            threads: u32::try_from(self.threads()).ok().map(Within),
            log_level: self.log_level.clone().or_else(|| "info".parse().ok()),
            log_format: Some(self.log_format()),
            ..self.clone()
        }
    }

    pub(super) fn listen(&self) -> SocketAddr {
        address(self.listen.as_ref(), 8443)
    }

    pub(super) fn admin_listen(&self) -> SocketAddr {
        address(self.admin_listen.as_ref(), 8080)
    }

    /// Where it listens unless it is told otherwise: for reviews, and for probes.
    pub(super) fn usual_addresses() -> (SocketAddr, SocketAddr) {
        (Options::default().listen(), Options::default().admin_listen())
    }

    pub(super) fn ui(&self) -> bool {
        let in_pod = || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        self.ui.unwrap_or_else(|| self.kubeconfig.is_none() && !in_pod())
    }

    pub(super) fn http2(&self) -> bool {
        self.http2 == Some(true)
    }

    pub(super) fn cluster_policies(&self) -> ClusterPolicies {
        // Whoever tries something by a kubeconfig does not want to be seen in the cluster.
        let default = if self.kubeconfig.is_some() { ClusterPolicies::Read } else { ClusterPolicies::Report };
        self.cluster_policies.unwrap_or(default)
    }

    /// The pod that this replica runs in, where that is known.
    pub(super) fn own_pod(&self) -> Option<OwnPod> {
        let is_said = |text: &&String| !text.is_empty();
        let (name, uid) =
            self.pod_name.as_ref().filter(is_said).zip(self.pod_uid.as_ref().filter(is_said))?;
        Some(OwnPod { name: name.clone(), uid: uid.clone() })
    }

    pub(super) fn warn(&self) -> WarnMode {
        match self.warn {
            Some(Warn::Deny) => WarnMode::Deny,
            Some(Warn::Warn) | None => WarnMode::Warn,
        }
    }

    pub(super) fn kubernetes_version(&self) -> Option<Version> {
        self.kubernetes_version.as_ref().map(|given| given.value)
    }

    pub(super) fn threads(&self) -> usize {
        let default = || available_parallelism().map_or(1, |cpus| cpus.get().min(2));
        self.threads.map_or_else(default, |Within(count)| count as usize)
    }

    pub(super) fn otlp_endpoint(&self) -> Option<&str> {
        self.otlp_endpoint.as_deref()
    }

    pub(super) fn log_level(&self) -> LogFilter {
        self.log_level.as_ref().map(|given| given.value.clone()).unwrap_or_default()
    }

    pub(super) fn log_format(&self) -> LogFormat {
        self.log_format.unwrap_or_default()
    }

    /// The paths of certificates, if they are read from files.
    pub(super) fn files(&self) -> Result<Option<Files>, &'static str> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Ok(Some(Files {
                certificate: certificate.clone(),
                key: key.clone(),
                client_ca: self.client_ca.clone(),
                client_names: self.client_name.clone().unwrap_or_default(),
                http2: self.http2(),
            })),
            (None, None) if self.client_ca.is_some() && self.certificate_secret.is_none() => {
                Err("--client-ca needs --tls-cert and --tls-key, or --certificate-secret")
            }
            (None, None) => Ok(None),
            _ => Err("--tls-cert and --tls-key need each other"),
        }
        .and_then(|files| match (&self.client_name, &self.client_ca) {
            (Some(_), None) => Err("--client-name needs --client-ca"),
            _ => Ok(files),
        })
    }

    /// What replicas that make their certificates themselves need to know.
    pub(super) fn managed(&self, cluster_domain: &str) -> Result<Option<Managed>, &'static str> {
        let Some(secret) = self.certificate_secret.clone() else { return Ok(None) };
        if self.tls_cert.is_some() {
            return Err("--certificate-secret and --tls-cert exclude each other");
        }
        let default = Pace::default();
        let time =
            |given: &Option<Given<Duration>>, default| given.as_ref().map_or(default, |given| given.value);
        let pace = Pace {
            authority: time(&self.authority_life, default.authority),
            leaf: time(&self.certificate_life, default.leaf),
            hold: time(&self.publish_time, default.hold),
        };
        if pace.leaf * 2 > pace.authority {
            return Err("--certificate-life must be at most half of --authority-life");
        }
        Ok(Some(Managed {
            secret,
            configurations: self
                .webhook_configurations
                .clone()
                .unwrap_or_else(|| vec!["multipod".to_owned()]),
            names: self.certificate_names.clone().unwrap_or_default(),
            cluster_domain: cluster_domain.to_owned(),
            pace,
            client_ca: self.client_ca.clone(),
            client_names: self.client_name.clone().unwrap_or_default(),
            http2: self.http2(),
        }))
    }

    pub(super) fn limits(&self) -> Limits {
        let default = Limits::default();
        let time =
            |given: &Option<Given<Duration>>, default| given.as_ref().map_or(default, |given| given.value);
        let count =
            |given: Option<Within<1, MANY>>, default| given.map_or(default, |Within(count)| count as usize);
        // Where only this machine can connect, by a certificate that no API server can know, none has to hear of the end first.
        let is_tried = self.listen().ip().is_loopback() && self.tls_cert.is_none();
        let usual = if is_tried { Duration::ZERO } else { default.drain_floor };
        let drain_floor = time(&self.drain_floor, usual);
        Limits {
            drain_floor,
            drain_limit: time(&self.drain_limit, default.drain_limit).max(drain_floor),
            api_servers: self.api_servers.iter().flatten().map(|given| given.value).collect(),
            client_certificates: self.client_ca.is_some(),
            age: time(&self.connection_age, default.age),
            connections: count(self.max_connections, default.connections),
            requests: count(self.max_requests, default.requests),
            buffered: self.max_buffered.map_or(default.buffered, |Within(mebi)| (mebi as usize) << 20),
            ..default
        }
    }
}

/// Larger than any sensible value.
const MANY: u32 = 1 << 20;

fn address(given: Option<&Given<SocketAddr>>, port: u16) -> SocketAddr {
    given.map_or(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), |given| given.value)
}

/// A number within bounds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(try_from = "u32")]
struct Within<const LEAST: u32, const MOST: u32>(u32);

impl<const LEAST: u32, const MOST: u32> TryFrom<u32> for Within<LEAST, MOST> {
    type Error = String;
    fn try_from(number: u32) -> Result<Self, String> {
        if (LEAST..=MOST).contains(&number) {
            return Ok(Within(number));
        }
        Err(format!("expected a number from {LEAST} to {MOST}"))
    }
}

impl<const LEAST: u32, const MOST: u32> FromStr for Within<LEAST, MOST> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<u32>().map_or_else(|error| Err(error.to_string()), Self::try_from)
    }
}

impl<const LEAST: u32, const MOST: u32> JsonSchema for Within<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Within")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

/// A value, and the text that it was parsed from.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "String", bound(serialize = "T: Clone"))]
struct Given<T> {
    text: String,
    value: T,
}

impl<T> From<Given<T>> for String {
    fn from(given: Given<T>) -> String {
        given.text
    }
}

impl FromStr for Given<SocketAddr> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let value = text.parse().map_err(|_| "expected an address with its port, such as 0.0.0.0:8443")?;
        Ok(Given { text: text.to_owned(), value })
    }
}

impl FromStr for Given<Range> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Given { text: text.to_owned(), value: text.parse()? })
    }
}

impl FromStr for Given<Duration> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let value = unbounded_duration(text).filter(|duration| !duration.is_zero());
        let value = value.ok_or_else(|| {
            format!("not a duration above zero: `{text}`; write it as 500ms, 30s, 10m, 1h or 1h30m")
        })?;
        Ok(Given { text: text.to_owned(), value })
    }
}

impl FromStr for Given<Version> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Given { text: text.to_owned(), value: Version::parse(text)? })
    }
}

impl FromStr for Given<LogFilter> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Given { text: text.to_owned(), value: text.parse()? })
    }
}

impl<T> JsonSchema for Given<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl<'de, T> Deserialize<'de> for Given<T>
where
    Given<T>: FromStr<Err = String>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
