//! The container that ships, and the configuration of its OpenTelemetry Collector.
//!
//! Nothing is lost while the server or the sidecar itself is away: what was read, and how far, is kept in a folder that
//! lives as long as the pod; sending is tried again without end; and a full queue stops the reading, not the app.

use serde_json::{Map, Value, json};

use super::request::Request;
use crate::pattern::container::{Container, Env, Mount, Port, Probe, Text, Volume};
use crate::pattern::settings::{IpFamilies, Needs};
use crate::pattern::{Context, Fragment, images};
use multipod_values::{Endpoint, Protocol};

use super::operators::{self, literal};
use super::source::Seen;
use super::text::{RENDERED, SHIP, SHIPPER};

const NEEDS: Needs = Needs { cpu: ("20m", 20), memory: ("128Mi", 128), memory_limit: ("256Mi", 256) };
const CONFIG: &str = "multipod-logging-config";
const CONFIG_FOLDER: &str = "/etc/multipod/otelcol";
const FILE: &str = "otelcol.yaml";
const RENDERED_PATH: &str = "metadata.annotations['rendered.multipod/otelcol.yaml']";
const STATE: &str = "multipod-logging-state";
/// Where it keeps what it has read and not yet sent.
pub(super) const STATE_FOLDER: &str = "/var/lib/multipod";
/// Answers the kubelet.
const HEALTH_PORT: u16 = 13133;
/// How much may wait for a server that is away, for each server.
const QUEUE_BYTES: u32 = 256 * 1024 * 1024;
/// Well below the 4 MiB that a gRPC server takes at most.
const BATCH_BYTES: (u32, u32) = (256 * 1024, 2 * 1024 * 1024);

/// The container that ships the files of `group`; its volumes and configuration go into the fragment.
pub(super) fn shipper(
    group: &[&Seen<'_, '_>],
    request: &Request,
    context: &Context<'_>,
    fragment: &mut Fragment,
) -> Container {
    fragment.add(Volume::rendered(CONFIG, FILE, RENDERED_PATH));
    fragment.add(Volume::empty_dir(STATE));
    // A value of JSON can always be written.
    let mut text = serde_json::to_string_pretty(&configuration(group, context)).unwrap_or_default();
    text.push('\n');
    fragment.rendered(RENDERED, text);

    let image = context.settings.image_for(SHIP, &request.settings, images::LOGGING_SHIPPER);
    let resources = context.settings.resources_for(SHIP, &request.settings, NEEDS);
    let mut container = Container::new(SHIPPER, image, resources);
    // No command: distributions of the collector differ in the name of the program.
    container.args = vec![Text::Borrowed("--config=/etc/multipod/otelcol/otelcol.yaml")];
    container.env = IDENTITY.map(|(_, name, field)| Env::of_field(name, field)).to_vec();
    container.ports.push(Port { name: None, container_port: HEALTH_PORT, host_port: None, protocol: None });
    container.startup_probe = Some(Probe::startup_http(HEALTH_PORT, "/"));
    container.volume_mounts.push(Mount::new(CONFIG, CONFIG_FOLDER).read_only());
    container.volume_mounts.push(Mount::new(STATE, STATE_FOLDER));
    container
}

/// The pod's own identity: resource attribute, variable, field.
const IDENTITY: [(&str, &str, &str); 4] = [
    ("k8s.namespace.name", "POD_NAMESPACE", "metadata.namespace"),
    ("k8s.pod.name", "POD_NAME", "metadata.name"),
    ("k8s.pod.uid", "POD_UID", "metadata.uid"),
    ("k8s.node.name", "NODE_NAME", "spec.nodeName"),
];

/// The configuration as JSON, which every reader of YAML reads.
///
/// `filelog`, `otlp` and `otlphttp` are the names that old and new releases know; new ones call them `file_log`,
/// `otlp_grpc` and `otlp_http`.
fn configuration(group: &[&Seen<'_, '_>], context: &Context<'_>) -> Value {
    let mut exporters: Vec<(String, &Endpoint)> = Vec::new();
    let mut receivers = Map::new();
    let mut reads: Vec<Vec<String>> = Vec::new();
    for (index, seen) in group.iter().enumerate() {
        let Some(endpoint) = seen.source.to else { continue };
        let server = exporters.iter().position(|(_, known)| *known == endpoint).unwrap_or_else(|| {
            exporters.push((format!("{}/{}", exporter_type(endpoint), exporters.len() + 1), endpoint));
            reads.push(Vec::new());
            exporters.len() - 1
        });
        let name = format!("filelog/{}", index + 1);
        receivers.insert(name.clone(), receiver(seen));
        reads[server].push(name);
    }
    let pipelines: Map<String, Value> = exporters
        .iter()
        .zip(reads)
        .enumerate()
        .map(|(index, ((exporter, _), receivers))| {
            let pipeline =
                json!({"receivers": receivers, "processors": ["memory_limiter"], "exporters": [exporter]});
            (format!("logs/{}", index + 1), pipeline)
        })
        .collect();
    let exporters: Map<String, Value> =
        exporters.into_iter().map(|(name, endpoint)| (name, exporter(endpoint, context))).collect();
    let every_address = if context.settings.ip_families == IpFamilies::Ipv4 { "0.0.0.0" } else { "[::]" };
    json!({
        "extensions": {
            "health_check": {"endpoint": format!("{every_address}:{HEALTH_PORT}")},
            // A file that broke with its node is put aside; without that the collector could not start again.
            "file_storage": {"directory": STATE_FOLDER, "recreate": true},
        },
        "receivers": receivers,
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20},
        },
        "exporters": exporters,
        "service": {
            "extensions": ["health_check", "file_storage"],
            "pipelines": pipelines,
            // Its own metrics would take port 8888 of the pod.
            "telemetry": {"metrics": {"level": "none"}},
        },
    })
}

fn receiver(seen: &Seen<'_, '_>) -> Value {
    let mut resource: Map<String, Value> = IDENTITY
        .iter()
        .map(|(attribute, variable, _)| ((*attribute).to_owned(), json!(format!("${{env:{variable}}}"))))
        .collect();
    if seen.view.parts_of.is_none() {
        resource.insert("k8s.container.name".to_owned(), literal(seen.source.name));
    }
    json!({
        "include": [literal(&seen.view.glob)],
        "start_at": "beginning",
        "include_file_path": true,
        "storage": "file_storage",
        "retry_on_failure": {"enabled": true, "max_elapsed_time": "0s"},
        "resource": resource,
        "operators": operators::of(seen),
    })
}

const fn exporter_type(endpoint: &Endpoint) -> &'static str {
    match endpoint.protocol {
        Protocol::Grpc => "otlp",
        Protocol::Http | Protocol::Https => "otlphttp",
    }
}

fn exporter(endpoint: &Endpoint, context: &Context<'_>) -> Value {
    let host = endpoint.host.complete(context.namespace, &context.settings.cluster_domain);
    let server = format!("{host}:{}", endpoint.port);
    let mut exporter = match endpoint.protocol {
        Protocol::Grpc => json!({"endpoint": literal(&server), "tls": {"insecure": true}}),
        Protocol::Http => json!({"endpoint": literal(&format!("http://{server}{}", endpoint.path))}),
        Protocol::Https => json!({"endpoint": literal(&format!("https://{server}{}", endpoint.path))}),
    };
    exporter["retry_on_failure"] = json!({"enabled": true, "max_elapsed_time": "0s"});
    exporter["sending_queue"] = json!({
        "enabled": true,
        "storage": "file_storage",
        "sizer": "bytes",
        "queue_size": QUEUE_BYTES,
        "block_on_overflow": true,
        "batch": {"flush_timeout": "1s", "min_size": BATCH_BYTES.0, "max_size": BATCH_BYTES.1},
    });
    exporter
}
