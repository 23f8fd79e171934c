//! The plain port: probes, metrics, and what the server is configured to do. Nothing here is secret.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::page;
use super::peer::Peer;
use super::shares::Pool;
use super::{Configuration, Shared};

const PATHS: &str = "there are these paths here: /livez, /readyz?verbose, /metrics, /config, /ca.crt\n";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How many may have metrics or the configuration on the way to them.
const FEW: usize = 16;

/// The routes, as a value that tests call without a socket.
pub(super) fn admin_router(shared: Arc<Shared>) -> Router {
    // Probes cost nothing. What costs more is for a few at one time, until they have read it.
    let few = || from_fn_with_state(Pool::new(FEW, false), one_of_few);
    let page = page::routes(&shared).layer(few());
    Router::new()
        .route("/metrics", get(metrics))
        .route("/config", get(configuration))
        .route_layer(few())
        // A process that answers is alive; no state of another one may restart it.
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/ca.crt", get(authority))
        .fallback((StatusCode::NOT_FOUND, PATHS))
        .with_state(shared)
        .merge(page)
}

async fn one_of_few(State(few): State<Arc<Pool>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get().cloned().unwrap_or_else(Peer::default);
    let mut response = match few.take(peer.source, 1) {
        Some(share) => {
            // Given back at the end of the connection, which comes with this answer.
            let _ = peer.keeps.set(share);
            next.run(request).await
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "too many ask at one time\n")
            .into_response(),
    };
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn ready(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let checks = shared.checks();
    let is_ready = checks.iter().all(|(_, good, _)| *good);
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let verbose = query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with("verbose")));
    if is_ready && !verbose {
        return "ok\n".into_response();
    }
    let mut text = String::new();
    for (name, good, note) in checks {
        let sign = if good { "[+]" } else { "[-]" };
        let state = if good { "ok" } else { "failed" };
        let note = note.map(|note| format!(": {note}")).unwrap_or_default();
        text.extend([sign, name, " ", state, &note, "\n"]);
    }
    text.push_str(if is_ready { "readyz check passed\n" } else { "readyz check failed\n" });
    (status, text).into_response()
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let metrics = &shared.metrics;
    metrics.in_flight.set(i64::try_from(shared.requests.used()).unwrap_or(i64::MAX));
    metrics.buffered.set(i64::try_from(shared.bodies.bytes.used()).unwrap_or(i64::MAX));
    let now = SystemTime::now();
    metrics.synced(shared.cluster.current_until(now), shared.cluster_policies.current_until(now));
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn authority(State(shared): State<Arc<Shared>>) -> Response {
    match &shared.authority {
        Some(pem) => ([(CONTENT_TYPE, "application/x-pem-file")], pem.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, "the certificate comes from files\n").into_response(),
    }
}

async fn configuration(State(shared): State<Arc<Shared>>) -> Response {
    let snapshot = shared.snapshot.load();
    let policies: Vec<_> = snapshot
        .policies
        .iter()
        .map(|policy| json!({"name": policy.name, "mode": policy.mode.name()}))
        .collect();
    let patterns: Vec<_> = snapshot.catalogue.iter().map(|pattern| &*pattern.name).collect();
    let Configuration { in_force, problem, needs_restart } = &**shared.configuration.load();
    let whole = json!({
        "configuration": in_force,
        "problem": problem,
        "needsRestart": needs_restart,
        "limits": shared.limits,
        "kubernetesVersion": snapshot.version.to_string(),
        "policies": policies,
        "patterns": patterns,
    });
    ([(CONTENT_TYPE, "application/json")], format!("{whole:#}\n")).into_response()
}
