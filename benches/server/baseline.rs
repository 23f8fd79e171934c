//! The two servers beside multipod: the same runtime, TLS configuration, HTTP and backlog, and nothing else around them.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use multipod_certs::{Pair, server_config};
use multipod_engine::inject::decide;
use multipod_engine::pattern::{Catalogue, Context, Settings};
use multipod_engine::pod::Head;
use multipod_engine::policy::Policies;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::net::TcpSocket;
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;

use super::conventional::{self, Additions};
use super::{AMBASSADOR, pods};

/// From a body to its answer.
pub(crate) type Answer = Box<dyn Fn(Bytes) -> Bytes + Send + Sync>;

/// The server of this name.
pub(crate) fn named(name: &str) -> Option<Answer> {
    match name {
        "echo" => Some(Box::new(|body| body)),
        "conventional" => {
            let additions = additions();
            Some(Box::new(move |body| conventional(&body, &additions)))
        }
        _ => None,
    }
}

/// Serves until the process is killed.
pub(crate) fn serve(answer: Answer, arguments: &[String]) {
    let [address, certificate, key] = arguments else { panic!("an address, a certificate and a key") };
    let read = |file: &String| fs::read(file).unwrap();
    let pair = Pair::read(&read(certificate), &read(key), SystemTime::now()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server_config(&pair, None, false).unwrap()));
    let threads = available_parallelism().map_or(1, |cpus| cpus.get().min(2));
    let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
    let accepting = runtime.spawn(accept(address.parse().unwrap(), acceptor, Arc::new(answer)));
    runtime.block_on(accepting).unwrap();
}

async fn accept(address: SocketAddr, acceptor: TlsAcceptor, answer: Arc<Answer>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(4096).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = Arc::clone(&answer);
                async move {
                    let body = request.into_body().collect().await?.to_bytes();
                    let mut response = Response::new(Full::new(answer(body)));
                    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    Ok::<_, hyper::Error>(response)
                }
            });
            // Clients that go away are none of its business.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow)]
    request: Asked<'a>,
}

#[derive(Deserialize)]
struct Asked<'a> {
    uid: String,
    #[serde(borrow)]
    object: &'a RawValue,
}

fn conventional(body: &[u8], additions: &Additions) -> Bytes {
    let Review { request } = serde_json::from_slice(body).unwrap();
    let patch = conventional::patch(request.object.get(), additions);
    let mut response = json!({"uid": request.uid, "allowed": true});
    if !patch.is_empty() {
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(STANDARD.encode(patch));
    }
    let answer =
        json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "response": response});
    answer.to_string().into()
}

/// The same for every pod of the benchmark, which the check before it would notice otherwise.
fn additions() -> Additions {
    let pod = pods::of_kilobytes(8, Some(AMBASSADOR));
    let (settings, policies, catalogue) = (Settings::default(), Policies::default(), Catalogue::default());
    let context = Context::new(&settings, &catalogue);
    Additions::of(&decide(&Head::read(&pod).unwrap(), &context, &policies).unwrap())
}
