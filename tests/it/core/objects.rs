//! Policies and patterns mean the same in a file and as an object of an API server.

use std::fs;
use std::path::{Path, PathBuf};

use multipod::admission::{self, Snapshot};
use multipod_engine::policy::{Layer, Layers, Loaded, Objects};
use serde_json::{Value, json};

/// Every YAML file below the folders that hold policies and patterns.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    let mut folders: Vec<PathBuf> = ["tests/cases", "examples", "crates/engine/src/pattern/adapters"]
        .map(|folder| root.join(folder))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                texts.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    texts
}

fn loaded(layer: Layer, objects: Objects) -> Loaded {
    let mut layers = Layers::default();
    layers.replace(layer, objects);
    layers.merge()
}

/// What was read, without where it stands.
fn content(loaded: &Loaded) -> Vec<String> {
    let policies = loaded.policies.iter().map(|policy| format!("{policy:?}"));
    let patterns = loaded.catalogue.iter().map(|pattern| {
        let text = format!("{pattern:?}");
        let mut parts = text.split("line: Spot {");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |text, part| text + part.split_once('}').unwrap().1)
    });
    policies.chain(patterns).collect()
}

fn messages(loaded: &Loaded) -> Vec<String> {
    let all = loaded.problems.iter();
    let mut messages: Vec<String> =
        all.map(|problem| problem.to_string().replacen(&format!("{}: ", problem.place), "", 1)).collect();
    messages.sort_unstable();
    messages
}

/// What `/validate` says of an object, without where it stands.
fn refused(object: &Value) -> Vec<String> {
    let resource = if object["kind"] == "Pattern" { "patterns" } else { "injectionpolicies" };
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "operation": "CREATE", "name": object["metadata"]["name"], "object": object,
        "resource": {"group": "multipod.dev", "version": "v1alpha1", "resource": resource},
    }});
    let review = review.to_string();
    let reply = admission::validate(review.as_bytes(), &Snapshot::default(), None).unwrap();
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    let message = answer["response"]["status"]["message"].as_str().unwrap_or_default();
    assert_eq!(answer["response"]["allowed"] == true, message.is_empty());
    let place = format!(
        "{}/{}: ",
        object["kind"].as_str().unwrap().to_lowercase(),
        object["metadata"]["name"].as_str().unwrap()
    );
    let parts = message.split("\n\n").filter(|part| !part.is_empty()).map(|part| {
        let part = part.strip_prefix(&place).unwrap_or_else(|| panic!("{place}: {message}"));
        // The field stands before what is said of it.
        part.split_once(": ")
            .filter(|(field, _)| !field.contains(' '))
            .map_or(part, |(_, rest)| rest)
            .to_owned()
    });
    let mut parts: Vec<String> = parts.collect();
    parts.sort_unstable();
    parts
}

#[test]
fn every_object_of_our_files_is_read_alike_from_a_file_and_from_a_cluster() {
    let (mut good, mut bad) = (0, 0);
    for (name, text) in texts() {
        for document in text.split("\n---").filter(|document| document.contains("multipod.dev/")) {
            let document = document.trim_start_matches("---");
            // What is no YAML, or says something twice, is no object.
            let Ok(object) = multipod_engine::pattern::object::read::<Value>(document) else { continue };
            let of_file = loaded(Layer::Folder, Objects::of_files(&[(name.clone(), document.to_owned())]));
            let of_cluster = loaded(Layer::Cluster, Objects::of_cluster([&object]));
            assert_eq!(content(&of_file), content(&of_cluster), "{name}");
            assert_eq!(messages(&of_file), messages(&of_cluster), "{name}\n{document}");
            if matches!(object["kind"].as_str(), Some("Pattern" | "InjectionPolicy"))
                && object["metadata"]["name"].is_string()
            {
                assert_eq!(refused(&object), messages(&of_cluster), "{name}\n{document}");
            }
            *(if of_file.problems.is_empty() { &mut good } else { &mut bad }) += 1;
        }
    }
    assert!(good > 40 && bad > 0, "{good} good ones and {bad} bad ones");
}
