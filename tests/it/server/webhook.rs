//! The paths of the webhook, asked without a socket.

use std::sync::Arc;
use std::time::SystemTime;

use crate::support::reviews::{Verdict, verify};
use axum::body::Body;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use multipod::admission::Snapshot;
use multipod::server::{Handlers, Limits, Shared, router};
use multipod_certs::{Embedded, Tls, server_config};
use serde_json::Value;
use tower::ServiceExt;

pub(super) struct Asked {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

pub(super) struct Webhook {
    pub(super) shared: Arc<Shared>,
    pub(super) handlers: Handlers,
}

impl Webhook {
    pub(super) fn new(snapshot: Snapshot, limits: Limits) -> Webhook {
        let embedded = Embedded::make(&["localhost".to_owned()], SystemTime::now()).unwrap();
        let config = server_config(&embedded.pair, None, false).unwrap();
        let shared = Shared::new(snapshot, Tls::new(config, embedded.pair.ends), limits);
        Webhook { shared: Arc::new(shared), handlers: Handlers::default() }
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Asked {
        let response = router(Arc::clone(&self.shared), self.handlers).oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Asked { status: head.status, headers: head.headers, body }
    }

    pub(super) async fn post(&self, path: &str, body: impl Into<Body>) -> Asked {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        self.ask(request.body(body.into()).unwrap()).await
    }

    pub(super) async fn verdict(&self, path: &str, review: &Value) -> Verdict {
        let asked = self.post(path, review.to_string()).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", String::from_utf8_lossy(&asked.body));
        assert_eq!(asked.headers[CONTENT_TYPE], "application/json");
        verify(&asked.body, review["request"]["uid"].as_str().unwrap()).unwrap()
    }
}

pub(super) fn webhook() -> Webhook {
    Webhook::new(Snapshot::default(), Limits::default())
}

pub(super) fn is_close(asked: &Asked) -> bool {
    asked.headers.get(CONNECTION).is_some_and(|value| value == "close")
}
