//! As much of an API server as somebody needs who watches namespaces, on a real socket of this machine.
#![allow(dead_code, unreachable_pub)] // Each program uses its own part.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

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
    events: broadcast::Sender<Value>,
    task: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
    pub kubeconfig: PathBuf,
}

struct State {
    version: String,
    families: Option<Value>,
    namespaces: BTreeMap<String, Value>,
    revision: u64,
    /// Every change, with its revision; a watch begins behind the revision that it names.
    history: Vec<(u64, Value)>,
    /// Older revisions are forgotten.
    oldest: u64,
    asked: Vec<String>,
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
            namespaces: BTreeMap::new(),
            revision: 7,
            history: Vec::new(),
            oldest: 0,
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
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        let object = json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": {
                "name": name, "uid": name, "resourceVersion": state.revision.to_string(),
                "labels": labels, "annotations": annotations,
            },
        });
        let known = state.namespaces.insert(name.to_owned(), object.clone()).is_some();
        self.record(&mut state, if known { "MODIFIED" } else { "ADDED" }, &object);
    }

    pub fn delete(&self, name: &str) {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        let mut object = state.namespaces.remove(name).unwrap();
        object["metadata"]["resourceVersion"] = json!(state.revision.to_string());
        self.record(&mut state, "DELETED", &object);
    }

    /// Changes a namespace without telling, and then tells all who watch that they have missed too much.
    pub fn expire(&self, name: &str, labels: &Value) {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        state.oldest = state.revision;
        state.namespaces.get_mut(name).unwrap()["metadata"]["labels"] = labels.clone();
        let _ = self.events.send(expired());
    }

    pub fn upgrade(&self, version: &str) {
        version.clone_into(&mut self.state.lock().unwrap().version);
    }

    fn record(&self, state: &mut State, kind: &str, object: &Value) {
        let event = json!({"type": kind, "object": object});
        state.history.push((state.revision, event.clone()));
        // Nobody has to watch.
        let _ = self.events.send(event);
    }

    /// Every path that somebody has asked for.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }
}

/// Answers one request, and closes.
async fn answer(mut stream: TcpStream, state: Arc<Mutex<State>>, events: broadcast::Sender<Value>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    let is_watch = target.contains("watch=true");
    let accept = if is_watch { ONE } else { LIST };
    let (status, body, missed, mut events) = {
        let mut state = state.lock().unwrap();
        state.asked.push(target.clone());
        let (status, body) = match target.split('?').next().unwrap() {
            "/version" => ("200 OK", version(&state.version)),
            "/api/v1/namespaces/default/services/kubernetes" => match &state.families {
                Some(families) => ("200 OK", json!({"metadata": {}, "spec": {"ipFamilies": families}})),
                None => ("403 Forbidden", status(403, "Forbidden")),
            },
            "/api/v1/namespaces" if !head.contains(accept) => {
                ("406 Not Acceptable", status(406, "NotAcceptable"))
            }
            "/api/v1/namespaces" if is_watch => ("200 OK", Value::Null),
            "/api/v1/namespaces" => {
                let items: Vec<&Value> = state.namespaces.values().collect();
                let metadata = json!({"resourceVersion": state.revision.to_string()});
                let list = json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList",
                                  "metadata": metadata, "items": items});
                ("200 OK", list)
            }
            _ => ("404 Not Found", status(404, "NotFound")),
        };
        let missed = if is_watch { state.since(&target) } else { Vec::new() };
        (status, body, missed, events.subscribe())
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    if !is_watch {
        let _ = stream.write_all(body.to_string().as_bytes()).await;
        return;
    }
    let mut missed = missed.into_iter();
    loop {
        let next = missed.next();
        let Some(event) = (if next.is_some() { next } else { events.recv().await.ok() }) else { return };
        if stream.write_all(format!("{event}\n").as_bytes()).await.is_err() || event["type"] == "ERROR" {
            return;
        }
    }
}

impl State {
    /// What has happened behind the revision that a watch names.
    fn since(&self, target: &str) -> Vec<Value> {
        let query = target.split(['?', '&']).find_map(|pair| pair.strip_prefix("resourceVersion="));
        let revision: u64 = query.unwrap().parse().unwrap();
        if revision < self.oldest {
            return vec![expired()];
        }
        let later = self.history.iter().filter(|(of, _)| *of > revision);
        later.map(|(_, event)| event.clone()).collect()
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
