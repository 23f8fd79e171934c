//! `multipod certs` as people run it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::support::run::{Files, Ran, multipod, values};
use crate::support::tools::left_out;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use multipod_certs::{Pair, Signed, server_config};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use serde_json::Value;
use x509_parser::prelude::{FromDer, X509Certificate};

const SERVICE: &str = "multipod.multipod-system.svc";
const MANIFESTS: &str = "\
# Comments stay.
apiVersion: v1
kind: Namespace
metadata: {name: multipod-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: multipod, namespace: multipod-system}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: multipod}
webhooks:
- name: pods.multipod.dev # who asks
  clientConfig:
    service: {name: multipod, namespace: multipod-system, path: /mutate}
- name: other.example.com
  clientConfig:
    url: https://127.0.0.1:1
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: multipod}
webhooks:
- name: guard.multipod.dev
  clientConfig:
    caBundle: b2xk
    service: {name: multipod, namespace: multipod-system, path: /warn}
";

/// What was printed, taken apart.
struct Printed {
    text: String,
    documents: Vec<Value>,
    signed: Signed,
    authorities: String,
}

#[track_caller]
fn printed(ran: Ran) -> Printed {
    assert_eq!(ran.code, 0, "{}", ran.err);
    let documents = values(&ran.out);
    let secret = documents.iter().find(|document| document["kind"] == "Secret").unwrap();
    assert_eq!(secret["type"], "kubernetes.io/tls");
    let data = |key: &str| decoded(&secret["data"][key]);
    let signed = Signed { chain: data("tls.crt"), key: data("tls.key") };
    Printed { signed, authorities: data("ca.crt"), documents, text: ran.out }
}

fn decoded(value: &Value) -> String {
    String::from_utf8(BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap()
}

impl Printed {
    fn kinds(&self) -> Vec<&str> {
        self.documents.iter().map(|document| document["kind"].as_str().unwrap()).collect()
    }

    fn bundle(&self, kind: &str) -> Value {
        let registration = self.documents.iter().find(|document| document["kind"] == kind).unwrap();
        registration["webhooks"][0]["clientConfig"]["caBundle"].clone()
    }

    #[track_caller]
    fn serves(&self, authorities: &str, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        self.signed.serves(authorities, &names, SystemTime::now()).unwrap();
    }
}

fn filled(more: &[&str]) -> Ran {
    multipod(&[&["certs", "--fill", "-"], more].concat(), MANIFESTS)
}

/// They would undo it, and pods would be refused until then.
#[test]
fn manifests_of_replicas_that_make_their_certificates_themselves_are_not_filled() {
    let managed = MANIFESTS.replace(
        "metadata: {name: multipod, namespace: multipod-system}\n",
        "metadata: {name: multipod, namespace: multipod-system}\n\
         spec: {template: {spec: {containers: [{env: [{name: MULTIPOD_CERTIFICATE_SECRET, value: a}]}]}}}\n",
    );
    let ran = multipod(&["certs", "--fill", "-"], &managed);
    ran.is_refused();
    ran.reports(&[
        "<stdin>:6: these replicas make their certificates themselves",
        "certificates-from-secret",
    ]);
}

#[test]
fn the_webhooks_of_the_service_trust_the_authority_of_the_secret_and_nothing_else_changes() {
    let all = printed(filled(&[]));
    assert_eq!(
        all.kinds(),
        [
            "Namespace",
            "Secret",
            "Deployment",
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration"
        ]
    );
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        assert_eq!(decoded(&all.bundle(kind)), all.authorities);
    }
    let secret = all.documents[1].clone();
    assert_eq!(secret["metadata"]["name"], "multipod-tls");
    assert_eq!(secret["metadata"]["namespace"], "multipod-system");
    let without: Vec<&str> = all.text.lines().filter(|line| !line.contains("caBundle")).collect();
    let expected: Vec<&str> = MANIFESTS.lines().filter(|line| !line.contains("caBundle")).collect();
    let start = without.iter().position(|line| *line == "kind: Secret").unwrap() - 2;
    let end = start + without[start + 1..].iter().position(|line| *line == "---").unwrap() + 1;
    assert_eq!([&without[..start], &without[end..]].concat(), expected, "comments and all");
    assert_eq!(
        all.documents[3]["webhooks"][1]["clientConfig"],
        serde_json::json!({"url": "https://127.0.0.1:1"})
    );
}

#[test]
fn a_client_that_trusts_the_bundle_speaks_to_a_server_that_has_the_secret() {
    let all = printed(multipod(&["certs"], ""));
    let pair = Pair::read(all.signed.chain.as_bytes(), all.signed.key.as_bytes(), SystemTime::now()).unwrap();
    let mut server = ServerConnection::new(Arc::new(server_config(&pair, None, false).unwrap())).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(all.authorities.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(SERVICE).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    for _ in 0..10 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut &wire[..]).unwrap();
        server.process_new_packets().unwrap();
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut &wire[..]).unwrap();
        client.process_new_packets().unwrap();
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
}

#[test]
fn the_certificate_has_what_api_servers_ask_for() {
    let all = printed(multipod(&["certs", "--days=30", "--cluster-domain=corp.example"], ""));
    all.serves(&all.authorities, &[SERVICE, "multipod.multipod-system.svc.corp.example"]);
    let der = CertificateDer::from_pem_slice(all.signed.chain.as_bytes()).unwrap();
    let (_, leaf) = X509Certificate::from_der(&der).unwrap();
    assert!(!leaf.is_ca());
    assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
    assert_eq!(
        leaf.signature_algorithm.algorithm.to_id_string(),
        "1.2.840.10045.4.3.2",
        "ECDSA with SHA-256"
    );
    let curve = leaf.public_key().algorithm.parameters.as_ref().unwrap().as_oid().unwrap();
    assert_eq!(curve.to_id_string(), "1.2.840.10045.3.1.7", "P-256");
    let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let life = leaf.validity();
    assert!(life.not_before.timestamp() <= now - 3600, "other clocks may be behind");
    let days = (life.not_after.timestamp() - now + 3600) / (24 * 3600);
    assert_eq!(days, 30);
    let ca = CertificateDer::from_pem_slice(all.authorities.as_bytes()).unwrap();
    let (_, ca) = X509Certificate::from_der(&ca).unwrap();
    assert!(ca.is_ca() && ca.validity().not_after >= life.not_after);
}

#[test]
fn openssl_accepts_what_was_made() {
    let files = Files::new(&[]);
    assert_eq!(files.multipod(&["certs", "--out", "certs"]).code, 0);
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(files.join("certs")).output();
        output.map(|output| (output.status.success(), String::from_utf8(output.stdout).unwrap()))
    };
    let verify = |name| {
        openssl(&[
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-verify_hostname",
            name,
            "-CAfile",
            "ca.crt",
            "tls.crt",
        ])
    };
    let Ok((good, told)) = verify(SERVICE) else {
        return left_out("a second look at certificates", "openssl");
    };
    assert!(good, "{told}");
    assert!(!verify("multipod.other.svc").unwrap().0);
    let (_, text) = openssl(&["x509", "-in", "tls.crt", "-noout", "-text"]).unwrap();
    for part in
        ["prime256v1", "ecdsa-with-SHA256", "TLS Web Server Authentication", &format!("DNS:{SERVICE}")]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let public = |arguments: &[&str]| openssl(arguments).unwrap().1;
    assert_eq!(
        public(&["x509", "-in", "tls.crt", "-noout", "-pubkey"]),
        public(&["pkey", "-in", "tls.key", "-pubout"])
    );
}

#[test]
fn go_accepts_what_was_made_on_clocks_that_are_half_an_hour_off() {
    let files = Files::new(&[]);
    // The second authority has the first one's name: only the key tells them apart.
    let first = files.multipod(&["certs", "--out", "certs", "--days=1"]);
    fs::write(files.join("secret.yaml"), run_secret(&printed(first))).unwrap();
    let both = printed(files.multipod(&["certs", "--reuse", "secret.yaml", "--days=30"]));
    fs::write(files.join("both.crt"), &both.authorities).unwrap();
    fs::write(files.join("new.crt"), &both.signed.chain).unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/verify.go");
    let verify = |authority: &str, certificate: &str, name: &str| {
        let mut go = Command::new("go");
        go.args(["run", program, authority, certificate, name]).current_dir(files.path());
        go.output().map(|output| (output.status.success(), String::from_utf8(output.stderr).unwrap()))
    };
    let Ok((good, told)) = verify("certs/ca.crt", "certs/tls.crt", SERVICE) else {
        return left_out("tests/data/verify.go", "go");
    };
    assert!(good, "{told}");
    for (authority, certificate, name, good) in [
        ("both.crt", "certs/tls.crt", SERVICE, true),
        ("both.crt", "new.crt", SERVICE, true),
        ("certs/ca.crt", "new.crt", SERVICE, false),
        ("both.crt", "new.crt", "multipod.other.svc", false),
    ] {
        let (accepted, told) = verify(authority, certificate, name).unwrap();
        assert_eq!(accepted, good, "{authority} {certificate} {name}: {told}");
    }
}

#[test]
fn a_secret_that_is_good_for_a_while_stays_as_it_is() {
    let first = printed(filled(&[]));
    let files = Files::new(&[("secret.yaml", &run_secret(&first)), ("deploy.yaml", MANIFESTS)]);
    let again = files.multipod(&["certs", "--fill", "deploy.yaml", "--reuse", "secret.yaml"]);
    again.reports(&["note: the certificate stays as it is\n"]);
    let again = printed(again);
    assert_eq!((&again.signed, &again.authorities), (&first.signed, &first.authorities));
    assert_eq!(again.bundle("MutatingWebhookConfiguration"), first.bundle("MutatingWebhookConfiguration"));
}

/// The Secret as a cluster gives it back.
fn run_secret(printed: &Printed) -> String {
    let mut secret = printed.documents.iter().find(|document| document["kind"] == "Secret").unwrap().clone();
    secret["metadata"]["resourceVersion"] = "7".into();
    secret.to_string()
}

#[test]
fn while_a_certificate_is_renewed_the_old_and_the_new_one_are_trusted() {
    for (before, now, name) in [
        (&["--days=10"][..], &["--days=60"][..], SERVICE),
        (&[], &["--cluster-domain=corp.example"], "multipod.multipod-system.svc.corp.example"),
    ] {
        let old = printed(filled(before));
        let files = Files::new(&[("secret.yaml", &run_secret(&old)), ("deploy.yaml", MANIFESTS)]);
        let ran =
            files.multipod(&[&["certs", "--fill", "deploy.yaml", "--reuse", "secret.yaml"], now].concat());
        ran.reports(&["note: a new certificate, because of the previous one: "]);
        let new = printed(ran);
        assert_ne!(new.signed, old.signed);
        let bundle = decoded(&new.bundle("MutatingWebhookConfiguration"));
        new.serves(&bundle, &[SERVICE, name]);
        old.serves(&bundle, &[SERVICE]);
        assert_eq!(new.kinds().last(), Some(&"Secret"), "it is in force after everything that trusts it");
        // And again: the oldest is forgotten.
        let files = Files::new(&[("secret.yaml", &run_secret(&new))]);
        let third = printed(files.multipod(&["certs", "--reuse", "secret.yaml", "--days=1000"]));
        assert_eq!(third.authorities.matches("BEGIN").count(), 2);
        assert!(third.authorities.contains(multipod_certs::first_of(&new.authorities).unwrap().trim()));
    }
}

#[test]
fn why_a_certificate_is_renewed_is_said_truly() {
    let old = printed(filled(&["--days=300"]));
    let files = Files::new(&[("secret.yaml", &run_secret(&old))]);
    for (now, said, never) in [
        // It is good for most of a year, and somebody wants one for ten.
        (&["--days=3650"][..], "it ends within a third of 3650 days, on ", "expired"),
        (&["--service=other"], "the certificate cannot be used: ", "within"),
    ] {
        let ran = files.multipod(&[&["certs", "--reuse", "secret.yaml"], now].concat());
        ran.reports(&["note: a new certificate, because of the previous one: ", said]);
        assert!(!ran.err.contains(never), "{}", ran.err);
    }
}

#[test]
fn without_a_secret_yet_one_is_made() {
    let files = Files::new(&[("secret.yaml", "")]);
    let ran = files.multipod(&["certs", "--reuse", "secret.yaml"]);
    assert_eq!(ran.err, "");
    printed(ran);
}

#[test]
fn keys_are_for_their_owner_and_an_authority_is_used_again() {
    let files = Files::new(&[("certs/tls.key", "an old one, which all can read")]);
    let first = printed(files.multipod(&["certs", "--out", "certs"]));
    let mode = |name: &str| fs::metadata(files.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["certs/ca.key", "certs/tls.key"].map(mode), [0o600, 0o600]);
    let read = |name: &str| fs::read_to_string(files.join(name)).unwrap();
    assert_eq!(
        (read("certs/tls.crt"), read("certs/tls.key")),
        (first.signed.chain.clone(), first.signed.key.clone())
    );
    let refused = files.multipod(&["certs", "--out", "certs"]);
    refused.is_refused();
    refused.reports(&["certs/ca.key is there already; use it: --ca certs/ca.crt --ca-key certs/ca.key"]);
    let second = printed(files.multipod(&[
        "certs",
        "--ca",
        "certs/ca.crt",
        "--ca-key",
        "certs/ca.key",
        "--out",
        "certs",
    ]));
    assert_eq!(second.authorities, first.authorities);
    assert_ne!(second.signed, first.signed);
    second.serves(&first.authorities, &[SERVICE]);
    // A Secret of that authority stays, one of another does not.
    for (secret, stays) in [(&second, true), (&printed(multipod(&["certs"], "")), false)] {
        fs::write(files.join("secret.yaml"), run_secret(secret)).unwrap();
        let reuse = ["certs", "--ca", "certs/ca.crt", "--ca-key", "certs/ca.key", "--reuse", "secret.yaml"];
        let third = printed(files.multipod(&reuse));
        assert_eq!(third.signed == secret.signed, stays);
        third.serves(&first.authorities, &[SERVICE]);
    }
    let names: Vec<String> = fs::read_dir(files.join("certs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn a_certificate_never_outlives_an_authority_that_was_given() {
    let files = Files::new(&[]);
    let mut params = rcgen::CertificateParams::default();
    let end = SystemTime::now() + Duration::from_hours(72);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_after = end.into();
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(files.join("ca.crt"), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(files.join("ca.key"), key.serialize_pem()).unwrap();
    let all = printed(files.multipod(&["certs", "--ca", "ca.crt", "--ca-key", "ca.key", "--days", "365"]));
    let pair = Pair::read(all.signed.chain.as_bytes(), all.signed.key.as_bytes(), SystemTime::now()).unwrap();
    assert!(pair.ends <= end);
    all.serves(&all.authorities, &[SERVICE]);
}

#[test]
fn what_cannot_be_is_told_and_nothing_is_printed() {
    let two = MANIFESTS
        .replace("name: multipod, namespace: multipod-system, path: /warn", "name: other, namespace: b");
    let old = printed(multipod(&["certs"], ""));
    let files = Files::new(&[
        ("two.yaml", &two),
        ("none.yaml", "kind: ConfigMap\n"),
        ("broken.yaml", "a: [\n"),
        ("half.yaml", "kind: Secret\ndata: {tls.crt: YQ==}\n"),
        ("leaf.crt", &old.signed.chain),
        ("leaf.key", &old.signed.key),
        ("ca.crt", &old.authorities),
    ]);
    let cases: [(&[&str], &str); 12] = [
        (&["--fill", "-", "--reuse", "-"], "the standard input can be read only once"),
        (&["--fill", "two.yaml"], "webhooks call b/other and multipod-system/multipod; say which one"),
        (&["--fill", "none.yaml"], "none.yaml: no webhook calls such a Service"),
        (&["--fill", "two.yaml", "--service", "third"], "two.yaml: no webhook calls such a Service"),
        (&["--fill", "broken.yaml"], "error: broken.yaml:"),
        (&["--fill", "missing.yaml"], "missing.yaml: No such file"),
        (&["--reuse", "none.yaml"], "none.yaml: expected a Secret, found ConfigMap"),
        (&["--reuse", "half.yaml"], "half.yaml: the Secret has no tls.key"),
        (
            &["--ca", "leaf.crt", "--ca-key", "leaf.key"],
            "leaf.crt: the certificate is not one of an authority",
        ),
        (&["--ca", "ca.crt", "--ca-key", "leaf.key"], "ca.crt: the key does not belong"),
        (&["--ca", "ca.crt"], "--ca-key"),
        (&["--service", "Web"], "expected a-z, 0-9 and -"),
    ];
    for (arguments, expected) in cases {
        let ran = files.multipod(&[&["certs"], arguments].concat());
        ran.is_refused();
        ran.reports(&[expected]);
    }
    let one = files.multipod(&["certs", "--fill", "two.yaml", "--service", "other"]);
    let one = printed(one);
    one.serves(&one.authorities, &["other.b.svc"]);
    assert_eq!(one.bundle("MutatingWebhookConfiguration"), Value::Null);
}
