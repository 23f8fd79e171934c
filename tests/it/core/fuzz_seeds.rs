//! The bodies of the fuzz targets over the golden cases: what a fuzzer starts from, seen by every test run. With
//! `FUZZ_CORPUS=fuzz/corpus` in the environment the seeds are written there for the fuzzer.

#[path = "../../../fuzz/bodies.rs"]
#[allow(unreachable_pub)] // Shared with the targets.
mod bodies;

use crate::support::frames;
use std::fs;
use std::path::Path;

use crate::support::golden::files;
use multipod::server::Protocol;

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
        multipod_yaml::documents(text).unwrap().iter().find(|document| !document.is_empty()).unwrap().json()
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
fn every_condition_that_an_api_server_is_asked_too_gets_an_answer() {
    let corpus: serde_json::Value = serde_json::from_str(include_str!("../../data/conditions.json")).unwrap();
    let cases = ["cases", "refused"].into_iter().flat_map(|list| corpus[list].as_array().unwrap());
    let texts = cases.map(|case| case[0].as_str().unwrap().as_bytes().to_vec());
    let seeds: Vec<_> = texts.enumerate().map(|(at, text)| (at.to_string(), text)).collect();
    run("condition", &seeds, bodies::condition);
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

/// The manifests of the cases, as their author wrote them.
fn manifests() -> Vec<(String, String)> {
    files("input.yaml").into_iter().filter(|(_, text)| text.len() < 8192).collect()
}

#[test]
fn every_manifest_of_the_cases_takes_edits_that_do_what_they_say() {
    let edits = "+/metadata/annotations/a~1b\n-/metadata/name\n=/spec/containers/0\n+/spec/containers/-\n+/spec/new\n-/kind";
    let seeds: Vec<_> =
        manifests().into_iter().map(|(name, text)| (name, format!("{text}\0{edits}").into_bytes())).collect();
    run("edit", &seeds, bodies::edit);
}

#[test]
fn every_manifest_of_the_cases_comes_back_from_a_policy() {
    let asks_not = |text: String| text.replace("multipod", "somebody");
    let seeds: Vec<_> =
        manifests().into_iter().map(|(name, text)| (name, asks_not(text).into_bytes())).collect();
    run("uninject", &seeds, bodies::uninject);
}

#[test]
fn all_settings_of_the_cases_get_an_answer() {
    let seeds: Vec<_> =
        files("settings.yaml").into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    run("settings", &seeds, bodies::settings);
}

#[test]
fn every_pattern_of_the_cases_gets_an_answer() {
    let mut seeds = Vec::new();
    for (name, text) in files("policy.yaml") {
        for (at, document) in multipod_yaml::documents(&text).unwrap().iter().enumerate() {
            if document.value()["kind"] == "Pattern" {
                let spec = multipod_yaml::emit(&document.value()["spec"]);
                seeds.push((format!("{name}-{at}"), spec.into_bytes()));
            }
        }
    }
    run("pattern", &seeds, bodies::pattern);
}

#[test]
fn every_pair_of_a_certificate_and_a_key_gets_an_answer() {
    let seeds: Vec<_> = (0..12)
        .map(|number| {
            let made = rcgen::generate_simple_self_signed(vec![format!("a{number}.example")]).unwrap();
            let text = format!("{}\0{}", made.cert.pem(), made.signing_key.serialize_pem());
            (number.to_string(), text.into_bytes())
        })
        .collect();
    run("pair", &seeds, bodies::pair);
}

/// Those pods, each in a review.
fn reviews() -> Vec<(String, Vec<u8>)> {
    let review = |(name, pod): (String, Vec<u8>)| {
        let mut review = br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","namespace":"shop","resource":{"group":"","version":"v1","resource":"pods"},"object":"#.to_vec();
        review.extend(pod);
        review.extend(b"}}");
        (name, review)
    };
    pods().into_iter().map(review).collect()
}

#[test]
fn every_pod_of_the_cases_gets_an_answer_as_a_review() {
    run("review", &reviews(), bodies::review);
}

/// What the first byte may say: everything at once or in pieces, and whether the peer stays.
const HOW: [u8; 6] = [0x7f, 0x10, 0, 0xff, 0x90, 0x80];

#[test]
fn every_connection_of_http_1_ends_and_every_answer_on_it_is_whole() {
    let head = "host: a\r\ncontent-type: application/json\r\n";
    let post = |review: &[u8]| {
        let mut request =
            format!("POST /mutate?timeout=5s HTTP/1.1\r\n{head}content-length: {}\r\n\r\n", review.len())
                .into_bytes();
        request.extend(review);
        request
    };
    let (_, review) = &reviews()[0];
    let one = post(review);
    let chunked = [
        format!("POST /warn HTTP/1.1\r\n{head}transfer-encoding: chunked\r\n\r\n{:x};a=b\r\n", review.len())
            .as_bytes(),
        review,
        b"\r\n0\r\ntrailer: x\r\n\r\n",
    ]
    .concat();
    let long = format!("POST /mutate HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!("POST /mutate HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(70));
    let mut requests: Vec<(String, Vec<u8>)> =
        reviews().into_iter().step_by(20).map(|(name, review)| (name, post(&review))).collect();
    for (name, request) in [
        ("two", [one.clone(), one.clone()].concat()),
        ("chunked", chunked),
        ("head", b"HEAD /mutate HTTP/1.1\r\nhost: a\r\n\r\n".to_vec()),
        ("old", one.iter().copied().map(|byte| if byte == b'1' { b'0' } else { byte }).collect()),
        ("kept", b"POST /warn HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}".to_vec()),
        (
            "expect",
            format!("POST /warn HTTP/1.1\r\n{head}expect: 100-continue\r\ncontent-length: 2\r\n\r\n{{}}")
                .into_bytes(),
        ),
        ("large", format!("POST /warn HTTP/1.1\r\n{head}content-length: 99999999\r\n\r\n").into_bytes()),
        ("twice", b"POST /warn HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}".to_vec()),
        (
            "both",
            b"POST /warn HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_vec(),
        ),
        ("long", long.into_bytes()),
        ("many", many.into_bytes()),
        ("proxy", b"CONNECT a:1 HTTP/1.1\r\n\r\n".to_vec()),
        ("upgrade", b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n".to_vec()),
        ("garbage", vec![0xff; 100]),
    ] {
        requests.push((name.to_owned(), request));
    }
    let seeds = sent_in_every_way(&requests);
    let said = bodies::wire::talk(&seeds[0].1, Protocol::Http1).unwrap();
    assert!(said.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&said));
    run("http1", &seeds, bodies::wire::http1);
}

#[test]
fn every_connection_of_http_2_ends_and_every_frame_on_it_is_whole() {
    use frames::{
        CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PING, RESET, SETTINGS, WINDOW, frame, head, review,
    };
    let settings = frame(SETTINGS, 0, 0, &[]);
    let mut connections: Vec<(String, Vec<u8>)> = reviews()
        .into_iter()
        .step_by(20)
        .map(|(name, body)| (name, [settings.clone(), review(1, "/mutate", &body)].concat()))
        .collect();
    let (_, body) = &reviews()[0];
    let head = head("/warn");
    for (name, frames) in [
        ("two", [review(1, "/mutate", body), review(3, "/warn", body)].concat()),
        ("elsewhere", review(1, "/", body)),
        ("reset", [frame(HEADERS, END_HEADERS, 1, &head), frame(RESET, 0, 1, &[0, 0, 0, 8])].concat()),
        (
            "continued",
            [frame(HEADERS, END_STREAM, 1, &head[..5]), frame(CONTINUATION, END_HEADERS, 1, &head[5..])]
                .concat(),
        ),
        ("pings", [frame(PING, 0, 0, &[1; 8]), frame(PING, 1, 0, &[2; 8])].concat()),
        ("window", frame(WINDOW, 0, 0, &[0, 0, 0, 0])),
        ("narrow", [frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]), review(1, "/mutate", body)].concat()),
        ("wrong", frame(0x42, 0xff, 7, &[1, 2, 3])),
        ("garbage", vec![0xff; 100]),
    ] {
        connections.push((name.to_owned(), [settings.clone(), frames].concat()));
    }
    let seeds = sent_in_every_way(&connections);
    let said = bodies::wire::talk(&seeds[0].1, Protocol::Http2).unwrap();
    assert!(String::from_utf8_lossy(&said).contains(r#""allowed":true"#), "an answer was sent");
    run("http2", &seeds, bodies::wire::http2);
}

fn sent_in_every_way(connections: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let each = |(at, (name, bytes)): (usize, &(String, Vec<u8>))| {
        (name.clone(), [&HOW[at % HOW.len()..][..1], bytes].concat())
    };
    connections.iter().enumerate().map(each).collect()
}
