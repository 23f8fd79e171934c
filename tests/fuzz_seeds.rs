//! The bodies of the fuzz targets over the golden cases: what a fuzzer starts from, seen by every test run. With
//! `FUZZ_CORPUS=fuzz/corpus` in the environment the seeds are written there for the fuzzer.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.

#[path = "../fuzz/bodies.rs"]
#[allow(unreachable_pub)] // Shared with the targets.
mod bodies;

use std::fs;
use std::path::Path;

use multipod::yaml;

/// Every file of the cases with this name, by the name of its case.
fn files(name: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, String)> = folders
        .filter_map(|folder| {
            let text = fs::read_to_string(folder.join(name)).ok()?;
            Some((folder.file_name().unwrap().to_string_lossy().into_owned(), text))
        })
        .collect();
    files.sort();
    files
}

fn run(target: &str, seeds: &[(String, Vec<u8>)], body: fn(&[u8])) {
    assert!(seeds.len() > 10, "{} seeds", seeds.len());
    let corpus = std::env::var_os("FUZZ_CORPUS").map(|folder| Path::new(&folder).join(target));
    for (name, seed) in seeds {
        body(seed);
        // What a broken connection or a careless hand makes of it.
        for cut in [seed.len() / 3, seed.len().saturating_sub(2)] {
            body(&seed[..cut]);
        }
        if let Some(folder) = &corpus {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join(name), seed).unwrap();
        }
    }
}

/// The inputs of the cases as JSON, without the few that are large on purpose.
fn pods() -> Vec<(String, Vec<u8>)> {
    let json = |text: &str| {
        yaml::documents(text).unwrap().iter().find(|document| !document.is_empty()).unwrap().json()
    };
    let small = files("input.yaml").into_iter().filter(|(_, text)| text.len() < 8192);
    small.map(|(name, text)| (name, json(&text).into_bytes())).collect()
}

#[test]
fn every_annotation_of_the_cases_gets_an_answer() {
    let mut values = Vec::new();
    for (name, pod) in pods() {
        let pod: serde_json::Value = serde_json::from_slice(&pod).unwrap();
        for (index, value) in pod["metadata"]["annotations"].as_object().into_iter().flatten().enumerate() {
            values.extend(value.1.as_str().map(|text| (format!("{name}-{index}"), text.as_bytes().to_vec())));
        }
    }
    run("annotation", &values, bodies::annotation);
}

#[test]
fn every_pod_of_the_cases_gets_an_answer() {
    run("pod", &pods(), bodies::pod);
}

#[test]
fn every_policy_of_the_cases_gets_an_answer() {
    let seeds: Vec<_> =
        files("policy.yaml").into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    run("policy", &seeds, bodies::policy);
}

#[test]
fn every_manifest_of_the_cases_gets_an_answer() {
    let all = [files("input.yaml"), files("expected.yaml")].concat();
    let small = all.into_iter().filter(|(_, text)| text.len() < 8192);
    let seeds: Vec<_> =
        small.enumerate().map(|(at, (name, text))| (format!("{name}-{at}"), text.into_bytes())).collect();
    run("manifest", &seeds, bodies::manifest);
}

#[test]
fn every_pod_of_the_cases_gets_an_answer_as_a_review() {
    let review = |(name, pod): (String, Vec<u8>)| {
        let mut review = br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","namespace":"shop","resource":{"group":"","version":"v1","resource":"pods"},"object":"#.to_vec();
        review.extend(pod);
        review.extend(b"}}");
        (name, review)
    };
    let seeds: Vec<_> = pods().into_iter().map(review).collect();
    run("review", &seeds, bodies::review);
}
