//! The page on the admin port, on which people try annotations. What it answers is made by whoever starts the server; here
//! stands what keeps it harmless: it only computes, one question at a time and on a thread of its own, so that no probe waits
//! for it; a question is small, and ends when it has taken too long; other sites can neither ask nor frame it, by name or by
//! address; and nothing is loaded from elsewhere. What is in force on the server stands on it too: names, states and reasons.

mod answers;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::admission::Meter;

pub(crate) use answers::{Asked, Page};

use super::Shared;

/// What a manifest, its annotations and policies may have together.
const MOST_BYTES: usize = 64 << 10;
/// How long a question may be on its way, how long it may wait for its turn, and how long it may be worked at.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many steps its decisions may take: ten times as many as the most pods that fit into a question.
pub(crate) const MOST_STEPS: usize = 4_000_000;

/// The page, and whose turn it is.
#[derive(Clone)]
struct Desk {
    page: Arc<dyn Page>,
    shared: Arc<Shared>,
    turn: Arc<Semaphore>,
}

/// The routes of the page, if there is one.
pub(super) fn routes(shared: &Arc<Shared>) -> Router<()> {
    let Some(page) = shared.page.clone() else { return Router::new() };
    let desk = Desk { page, shared: Arc::clone(shared), turn: Arc::new(Semaphore::new(1)) };
    Router::new()
        .route("/", get(async || (StatusCode::SEE_OTHER, [(LOCATION, "/ui")])))
        .route("/ui", get(shown).post(filled_in))
        .route("/ui/answer", post(asked_by_script))
        .route("/ui/in-force", get(in_force))
        .route("/ui/style.css", get(async |State(desk): State<Desk>| typed("text/css", desk.page.style())))
        .route(
            "/ui/script.js",
            get(async |State(desk): State<Desk>| typed("text/javascript", desk.page.script())),
        )
        .layer(from_fn(guarded))
        .with_state(desk)
}

async fn shown(State(desk): State<Desk>, RawQuery(query): RawQuery) -> Response {
    let asked = read_form(query.unwrap_or_default().as_bytes());
    desk.shows(move |page, shared, meter| page.html(&asked, &shared.in_force(), meter)).await
}

async fn filled_in(State(desk): State<Desk>, request: Request) -> Response {
    if !is(request.headers(), "application/x-www-form-urlencoded") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let asked = match whole(request).await {
        Ok(body) => read_form(&body),
        Err(refused) => return refused,
    };
    desk.shows(move |page, shared, meter| page.html(&asked, &shared.in_force(), meter)).await
}

async fn in_force(State(desk): State<Desk>) -> Response {
    desk.shows(|page, shared, _| page.in_force(&shared.in_force())).await
}

async fn asked_by_script(State(desk): State<Desk>, request: Request) -> Response {
    if !is(request.headers(), "application/json") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let body = match whole(request).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let answer = desk.work(move |page, _, meter| page.answer(&asked, meter)).await;
    answer.map_or_else(|refused| refused, |text| typed("application/json", text))
}

impl Desk {
    async fn shows(
        &self,
        work: impl FnOnce(&dyn Page, &Shared, &Meter<'_>) -> String + Send + 'static,
    ) -> Response {
        self.work(work).await.map_or_else(|refused| refused, |text| typed("text/html", text))
    }

    /// Works on a thread of its own. The turn ends with the work and not with the request, so that whoever asks and goes
    /// away keeps no second thread busy.
    async fn work(
        &self,
        work: impl FnOnce(&dyn Page, &Shared, &Meter<'_>) -> String + Send + 'static,
    ) -> Result<String, Response> {
        let busy = || {
            let text = "somebody else is being answered: ask again\n";
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], text).into_response()
        };
        let turn = timeout(PATIENCE, Arc::clone(&self.turn).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or_else(busy)?;
        let (page, shared) = (Arc::clone(&self.page), Arc::clone(&self.shared));
        let done = spawn_blocking(move || {
            let until = Instant::now() + PATIENCE;
            let is_over = || Instant::now() > until;
            let text = work(&*page, &shared, &Meter::new(&is_over).most(MOST_STEPS));
            drop(turn);
            text
        });
        done.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }
}

/// The body of a question, if it comes whole, soon, and is small.
async fn whole(request: Request) -> Result<Vec<u8>, Response> {
    let body = timeout(PATIENCE, to_bytes(request.into_body(), MOST_BYTES)).await;
    let body = body.map_err(|_| StatusCode::REQUEST_TIMEOUT.into_response())?;
    let too_large = |_| {
        let text = format!("the page takes at most {} KiB; the command line takes more\n", MOST_BYTES >> 10);
        (StatusCode::PAYLOAD_TOO_LARGE, text).into_response()
    };
    body.map(Into::into).map_err(too_large)
}

fn read_form(form: &[u8]) -> Asked {
    let mut asked = Asked::default();
    for (name, value) in form_urlencoded::parse(form) {
        let field = match &*name {
            "example" => &mut asked.example,
            "manifest" => &mut asked.manifest,
            "annotations" => &mut asked.annotations,
            "policies" => &mut asked.policies,
            _ => continue,
        };
        // Forms end lines as HTTP does; manifests as files do.
        *field = value.replace("\r\n", "\n");
    }
    asked
}

fn typed(kind: &'static str, text: impl Into<Body>) -> Response {
    let kind = HeaderValue::from_str(&format!("{kind}; charset=utf-8"));
    let mut response = Response::new(text.into());
    response.headers_mut().extend(kind.ok().map(|kind| (CONTENT_TYPE, kind)));
    response
}

const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Who comes by a name that others can let point here, or from another site, is not answered.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = if is_from_here(request.headers()) {
        next.run(request).await
    } else {
        let text =
            "open this page by localhost or an address (kubectl port-forward), and not from another site\n";
        (StatusCode::FORBIDDEN, text).into_response()
    };
    let headers =
        HEADERS.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    response.headers_mut().extend(headers);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(host) = text(&HOST) else { return false };
    let same_origin = text(&ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    // `none` is an address that somebody typed, or opened from a terminal.
    let same_site = site.is_none_or(|site| matches!(site, b"same-origin" | b"none"));
    is_nobodys_name(host) && same_origin && same_site
}

/// An address, or the name that every machine has for itself: no server of names can let them point elsewhere.
fn is_nobodys_name(host: &str) -> bool {
    let port = |text: &str| {
        text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
    };
    if let Some((address, rest)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) && port(rest);
    }
    let (name, rest) = host.find(':').map_or((host, ""), |at| host.split_at(at));
    port(rest) && (name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::Ipv4Addr>().is_ok())
}

fn is(headers: &HeaderMap, kind: &str) -> bool {
    let told = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    told.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_no_server_of_names_decides_about_are_answered() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "10.0.0.7", "[::1]:8080", "[::1]"] {
            assert!(is_nobodys_name(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "localhost:x",
            "[::1",
            "[a]:1",
        ] {
            assert!(!is_nobodys_name(host), "{host}");
        }
    }

    #[test]
    fn a_form_has_lines_as_files_do() {
        let asked = read_form(b"manifest=a%3A+1%0D%0Ab%3A+2&other=1&policies=%2B");
        assert_eq!((asked.manifest.as_str(), asked.policies.as_str()), ("a: 1\nb: 2", "+"));
    }
}
