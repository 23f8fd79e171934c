//! As much of an API server as somebody needs who watches namespaces and policies, on a real socket of this machine.
#![allow(dead_code, unreachable_pub)] // Each program uses its own part.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::{JoinHandle, JoinSet};

const LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const ONE: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// A cluster that does what it is told to.
pub struct Cluster {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<Event>,
    task: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
    pub kubeconfig: PathBuf,
}

struct State {
    version: String,
    families: Option<Value>,
    /// By their paths.
    objects: BTreeMap<String, Value>,
    /// Whether it knows our kinds.
    installed: bool,
    streaming: Streaming,
    revision: u64,
    /// Every change, with its revision; a watch begins behind the revision that it names.
    history: Vec<(u64, Event)>,
    /// Older revisions are forgotten.
    oldest: u64,
    /// How long a list of namespaces takes.
    listing: Duration,
    asked: Vec<String>,
}

/// The path of the collection, and what is sent to those who watch it.
type Event = (&'static str, Value);

const NAMESPACES: &str = "/api/v1/namespaces";
const POLICIES: &str = "/apis/multipod.dev/v1alpha1/injectionpolicies";
const PATTERNS: &str = "/apis/multipod.dev/v1alpha1/patterns";

/// What becomes of a watch that asks for what there is already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streaming {
    Sent,
    /// As an API server whose feature is switched off.
    Refused,
    /// As one that is too old to know it.
    Ignored,
    /// Nothing is known of our kinds, for now.
    Unavailable,
}

impl Cluster {
    pub async fn start(version: &str) -> Cluster {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("config");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "it", "user": {}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        });
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        let state = State {
            version: version.to_owned(),
            families: None,
            objects: BTreeMap::new(),
            installed: false,
            streaming: Streaming::Sent,
            revision: 7,
            history: Vec::new(),
            oldest: 0,
            listing: Duration::ZERO,
            asked: Vec::new(),
        };
        let mut cluster = Cluster {
            address,
            state: Arc::new(Mutex::new(state)),
            events: broadcast::channel(64).0,
            task: None,
            _folder: folder,
            kubeconfig,
        };
        cluster.serve(listener);
        cluster
    }

    /// Nobody answers at its address any more, and everybody is cut off.
    pub async fn vanish(&mut self) {
        let task = self.task.take().unwrap();
        task.abort();
        let _ = task.await;
    }

    pub async fn come_back(&mut self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    fn serve(&mut self, listener: TcpListener) {
        let (state, events) = (Arc::clone(&self.state), self.events.clone());
        self.task = Some(tokio::spawn(async move {
            let mut peers = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                peers.spawn(answer(stream, Arc::clone(&state), events.clone()));
            }
        }));
    }

    pub fn families(&self, families: &Value) {
        self.state.lock().unwrap().families = Some(families.clone());
    }

    /// Makes a namespace, or changes it.
    pub fn put(&self, name: &str, labels: &Value, annotations: &Value) {
        let object = json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": {"name": name, "uid": name, "labels": labels, "annotations": annotations},
        });
        self.store(NAMESPACES, object);
    }

    pub fn delete(&self, name: &str) {
        self.remove(NAMESPACES, name);
    }

    /// From now on it knows our kinds.
    pub fn install(&self, streaming: Streaming) {
        let mut state = self.state.lock().unwrap();
        (state.installed, state.streaming) = (true, streaming);
    }

    /// It no longer serves our kinds; whoever watches them is cut off.
    pub fn uninstall(&self) {
        self.state.lock().unwrap().installed = false;
        for of in [POLICIES, PATTERNS] {
            let _ = self.events.send((of, expired()));
        }
    }

    /// Makes one of our objects, or changes it.
    pub fn apply(&self, kind: &str, name: &str, spec: &Value) {
        let of = collection(kind);
        let generation = {
            let state = self.state.lock().unwrap();
            let known = state.objects.get(&format!("{of}/{name}"));
            known.map_or(1, |known| known["metadata"]["generation"].as_u64().unwrap() + 1)
        };
        let metadata = json!({"name": name, "uid": name, "generation": generation});
        let object =
            json!({"apiVersion": "multipod.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec});
        self.store(of, object);
    }

    pub fn withdraw(&self, kind: &str, name: &str) {
        self.remove(collection(kind), name);
    }

    fn store(&self, of: &'static str, mut object: Value) {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        object["metadata"]["resourceVersion"] = json!(state.revision.to_string());
        let path = format!("{of}/{}", object["metadata"]["name"].as_str().unwrap());
        let known = state.objects.insert(path, object.clone()).is_some();
        self.record(&mut state, of, if known { "MODIFIED" } else { "ADDED" }, &object);
    }

    fn remove(&self, of: &'static str, name: &str) {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        let mut object = state.objects.remove(&format!("{of}/{name}")).unwrap();
        object["metadata"]["resourceVersion"] = json!(state.revision.to_string());
        self.record(&mut state, of, "DELETED", &object);
    }

    /// Changes a namespace without telling, and then tells all who watch that they have missed too much.
    pub fn expire(&self, name: &str, labels: &Value) {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        state.oldest = state.revision;
        let object = state.objects.get_mut(&format!("{NAMESPACES}/{name}")).unwrap();
        object["metadata"]["labels"] = labels.clone();
        let _ = self.events.send((NAMESPACES, expired()));
    }

    pub fn upgrade(&self, version: &str) {
        version.clone_into(&mut self.state.lock().unwrap().version);
    }

    fn record(&self, state: &mut State, of: &'static str, kind: &str, object: &Value) {
        let event = (of, json!({"type": kind, "object": object}));
        state.history.push((state.revision, event.clone()));
        // Nobody has to watch.
        let _ = self.events.send(event);
    }

    /// As if it had so many namespaces that a list of them takes a while.
    pub fn lists_slowly(&self, listing: Duration) {
        self.state.lock().unwrap().listing = listing;
    }

    /// Every path that somebody has asked for.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }
}

/// Answers one request, and closes.
async fn answer(mut stream: TcpStream, state: Arc<Mutex<State>>, events: broadcast::Sender<Event>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    let is_watch = target.contains("watch=true");
    let accept = if is_watch { ONE } else { LIST };
    let path = target.split('?').next().unwrap();
    let (status, body, missed, mut events, pause) = {
        let mut state = state.lock().unwrap();
        state.asked.push(target.clone());
        let (status, body) = match path {
            "/version" => ("200 OK", version(&state.version)),
            "/api/v1/namespaces/default/services/kubernetes" => match &state.families {
                Some(families) => ("200 OK", json!({"metadata": {}, "spec": {"ipFamilies": families}})),
                None => ("403 Forbidden", status(403, "Forbidden")),
            },
            NAMESPACES if !head.contains(accept) => ("406 Not Acceptable", status(406, "NotAcceptable")),
            POLICIES | PATTERNS if !state.installed => ("404 Not Found", status(404, "NotFound")),
            POLICIES | PATTERNS if state.streaming == Streaming::Unavailable => {
                ("503 Service Unavailable", status(503, "ServiceUnavailable"))
            }
            POLICIES | PATTERNS if streams(&target) && state.streaming == Streaming::Refused => {
                ("422 Unprocessable Entity", status(422, "Invalid"))
            }
            NAMESPACES | POLICIES | PATTERNS if is_watch => ("200 OK", Value::Null),
            NAMESPACES | POLICIES | PATTERNS => {
                let metadata = json!({"resourceVersion": state.revision.to_string()});
                let kind = if path == NAMESPACES { "PartialObjectMetadataList" } else { "List" };
                let api_version = if path == NAMESPACES { "meta.k8s.io/v1" } else { "multipod.dev/v1alpha1" };
                let list = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata,
                                  "items": state.below(path)});
                ("200 OK", list)
            }
            _ => ("404 Not Found", status(404, "NotFound")),
        };
        let missed = if is_watch && body.is_null() { state.since(path, &target) } else { Vec::new() };
        let pause = if path == NAMESPACES && !is_watch { state.listing } else { Duration::ZERO };
        (status, body, missed, events.subscribe(), pause)
    };
    tokio::time::sleep(pause).await;
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    if !body.is_null() {
        let _ = stream.write_all(body.to_string().as_bytes()).await;
        return;
    }
    let mut missed = missed.into_iter();
    loop {
        let next = missed.next();
        let next = match next {
            Some(event) => Some(event),
            None => match events.recv().await {
                Ok((of, event)) if of == path => Some(event),
                Ok(_) => continue,
                Err(_) => None,
            },
        };
        let Some(event) = next else { return };
        if stream.write_all(format!("{event}\n").as_bytes()).await.is_err() || event["type"] == "ERROR" {
            return;
        }
    }
}

impl State {
    /// What has happened behind the revision that a watch names.
    fn since(&self, path: &str, target: &str) -> Vec<Value> {
        if streams(target) {
            let mut events: Vec<Value> = self
                .below(path)
                .into_iter()
                .map(|object| json!({"type": "ADDED", "object": object}))
                .collect();
            if self.streaming == Streaming::Sent {
                let end = json!({"resourceVersion": self.revision.to_string(),
                                 "annotations": {"k8s.io/initial-events-end": "true"}});
                events.push(
                    json!({"type": "BOOKMARK", "object": {"kind": "", "apiVersion": "", "metadata": end}}),
                );
            }
            return events;
        }
        let query = target.split(['?', '&']).find_map(|pair| pair.strip_prefix("resourceVersion="));
        let revision: u64 = query.unwrap().parse().unwrap();
        if revision < self.oldest {
            return vec![expired()];
        }
        let later = self.history.iter().filter(|(at, (of, _))| *at > revision && *of == path);
        later.map(|(_, (_, event))| event.clone()).collect()
    }

    fn below(&self, path: &str) -> Vec<&Value> {
        let inside = |name: &&String| name.rsplit_once('/').is_some_and(|(of, _)| of == path);
        self.objects.iter().filter(|(name, _)| inside(name)).map(|(_, object)| object).collect()
    }
}

/// Whether a watch asks for what there is already.
fn streams(target: &str) -> bool {
    target.contains("sendInitialEvents=true")
}

fn collection(kind: &str) -> &'static str {
    match kind {
        "InjectionPolicy" => POLICIES,
        "Pattern" => PATTERNS,
        other => panic!("{other}"),
    }
}

fn expired() -> Value {
    let mut status = status(410, "Expired");
    status["message"] = json!("too old resource version");
    json!({"type": "ERROR", "object": status})
}

fn version(git: &str) -> Value {
    json!({"major": "1", "minor": "x", "gitVersion": git, "gitCommit": "", "gitTreeState": "", "buildDate": "",
           "goVersion": "", "compiler": "", "platform": ""})
}

fn status(code: u16, reason: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason})
}
