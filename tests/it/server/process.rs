//! `multipod serve` as people run it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::support::cluster::Cluster;
use crate::support::program::{Server, ambassador, decided, exchange, multipod, serve, started, wait_until};
use crate::support::reviews::{deployment, pod, verify};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

#[test]
fn what_it_says_on_the_terminal_works_when_it_is_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&[]);
    fs::write(folder.path().join("app.yaml"), yaml_pod("80:8775")).unwrap();
    let commands: Vec<&str> = server.announced.iter().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(commands.len(), 3, "{:?}", server.announced);
    let (review, curl) = commands.split_at(1);
    let pasted = |commands: &[&str]| {
        let program = Path::new(env!("CARGO_BIN_EXE_multipod")).parent().unwrap().display().to_string();
        let path = format!("{program}:{}", std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        let shell = shell.arg("-ec").arg(commands.join("\n")).env("PATH", path).current_dir(folder.path());
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(pasted(review).contains("+  - name: multipod-ambassador"));
    let patch: Value = serde_json::from_str(&pasted(curl)).expect("curl and jq are needed here");
    assert!(patch[0]["op"] == "add", "{patch}");
    server.end();
}

#[test]
fn review_shows_what_the_webhook_answers_and_ends_by_it() {
    let server = serve(&[]);
    let folder = tempfile::tempdir().unwrap();
    let review = |text: &str, more: &[&str]| {
        let file = folder.path().join("app.yaml");
        fs::write(&file, text).unwrap();
        let mut command = multipod();
        command.arg("review").arg(&file).args(more);
        command
            .arg(format!("--url=https://{}", server.reviews))
            .arg(format!("--ca=http://{}/ca.crt", server.admin));
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    };
    let (code, told) = review(&yaml_pod("80:8775"), &["--draw"]);
    let shown = [
        "Pod web",
        "multipod/ambassador: \"80:8775\"",
        "allowed, with a patch of",
        "It is the patch that multipod inject carries out here, byte for byte.",
        "the pod as it was sent",
        "+ multipod-ambassador",
        "+  - name: multipod-ambassador",
    ];
    assert!(code == 0 && shown.iter().all(|part| told.contains(part)), "{code}\n{told}");
    let (code, told) = review(&yaml_pod("8o:8775"), &[]);
    assert!(code == 1 && told.contains("\nrefused") && told.contains("    | ^^"), "{code}\n{told}");
    let (code, told) = review(&ambassador().to_string(), &[]);
    assert!(code == 0 && told.contains("AdmissionReview") && told.contains("multipod-ambassador"), "{told}");
    let (code, told) = review("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", &[]);
    assert!(code == 2 && told.contains("there is no pod to send"), "{told}");
    let (code, told) = review(&yaml_pod("80:8775"), &["--namespace=shop"]);
    assert!(code == 0 && told.contains("namespace: shop"), "{told}");
    server.end();
    let mut nobody = multipod();
    nobody.args([
        "review",
        "--url=https://127.0.0.1:1",
        "--ca=http://127.0.0.1:1/ca.crt",
        "examples/fruit/deployment.yaml",
    ]);
    let output = nobody.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2)
            && told.contains("connection refused")
            && told.contains("multipod serve"),
        "{told}"
    );
}

fn yaml_pod(ambassador: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    multipod/ambassador: \"{ambassador}\"\n\
         spec:\n  containers:\n  - {{name: app, image: app, ports: [{{containerPort: 8775}}]}}\n"
    )
}

/// Nobody else can be connected where only this machine can, so nobody has to hear of the end first.
#[test]
fn on_loopback_the_first_signal_ends_it() {
    let mut command = multipod();
    command.args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"]);
    let mut server = started(&mut command);
    assert_eq!(server.post("/mutate", ambassador().to_string().as_bytes()).0, 200);
    let told = server.admin("/config");
    let limits: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(limits["limits"]["drainFloor"], "0ns", "{told}");
    server.signal("INT");
    assert_eq!(server.process.wait().unwrap().code(), Some(0));
}

#[test]
fn one_line_is_logged_for_each_decision_with_the_slug_of_the_metrics() {
    let server = serve(&[]);
    let mut bad = pod(&json!({"multipod/ambassador": "8o:8775"}));
    bad["request"]["name"] = json!("");
    bad["request"]["object"]["metadata"]["generateName"] = json!("checkout-7c9f-");
    for review in [&ambassador(), &bad, &pod(&json!({}))] {
        assert_eq!(server.post("/mutate", review.to_string().as_bytes()).0, 200);
    }
    server.post("/warn", deployment(&json!({}), &json!({"multipod/x": "y"})).to_string().as_bytes());
    let metrics = server.admin("/metrics");
    let lines = decided(&server.end());
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line["outcome"].as_str().unwrap(), line["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("injected", "injected"), ("denied", "bad_value"), ("skipped", "unknown_key")]);
    for (outcome, reason) in told {
        let labels = format!("outcome=\"{outcome}\",reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&labels), "{labels}\n{metrics}");
    }
    assert_eq!(lines[1]["name"], "checkout-7c9f-", "whose pod was refused");
    for line in lines {
        assert!(
            line["namespace"] == "shop"
                && line["name"].is_string()
                && line["uid"].is_string()
                && line["micros"].is_u64(),
            "{line}"
        );
    }
}

#[test]
fn nothing_that_peers_say_makes_a_series_of_its_own() {
    let server = serve(&[]);
    let round = |number: usize| {
        let mut review = ambassador();
        let request = &mut review["request"];
        request["uid"] = json!(format!("uid-{number}"));
        request["namespace"] = json!(format!("namespace-{number}"));
        request["object"]["metadata"]["name"] = json!(format!("pod-{number}"));
        request["object"]["metadata"]["ownerReferences"] = json!([{"kind": format!("Kind{number}"), "name": "a", "uid": "a", "apiVersion": "a/v1", "controller": true}]);
        let mut others = [review.clone(), review.clone(), review.clone(), review.clone()];
        others[0]["request"]["operation"] = json!(format!("OPERATION{number}"));
        others[1]["request"]["subResource"] = json!(format!("sub{number}"));
        others[2]["request"]["resource"]["resource"] = json!(format!("things{number}"));
        others[3]["request"]["object"]["metadata"]["annotations"] =
            json!({format!("multipod/key{number}"): "a"});
        for body in others.iter().chain([&review]).map(Value::to_string) {
            server.post("/mutate", body.as_bytes());
            server.post("/warn", body.as_bytes());
        }
        server.post(&format!("/path{number}"), b"{}");
        // Only the names of series, without their values.
        let metrics = server.admin("/metrics");
        metrics.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = round(0);
    assert!(first.len() > 50 && (1..10).all(|number| round(number) == first));
}

#[test]
fn nothing_of_a_review_is_logged_or_counted_but_its_name_and_fate() {
    const CANARY: &str = "canary5f1c";
    let server = serve(&["--log-level=trace"]);
    let mut review = ambassador();
    review["request"]["userInfo"] =
        json!({"username": CANARY, "groups": [CANARY], "extra": {CANARY: [CANARY]}});
    review["request"]["options"] = json!({"fieldManager": CANARY});
    let object = &mut review["request"]["object"];
    object["metadata"]["annotations"]["example.com/secret"] = json!(CANARY);
    object["metadata"]["labels"] = json!({"secret": CANARY});
    object["spec"]["containers"][0]["env"] = json!([{"name": "PASSWORD", "value": CANARY}, {"name": CANARY}]);
    object["spec"]["containers"][0]["command"] = json!([CANARY]);
    let mut bad = review.clone();
    bad["request"]["object"]["metadata"]["annotations"]["multipod/ambassador"] = json!(CANARY);
    bad["request"]["object"]["metadata"]["annotations"]["multipod/init"] = json!(CANARY);
    let mut twisted = review.clone();
    twisted["request"]["object"]["spec"]["containers"] = json!(CANARY);
    let broken = review.to_string().replace("\"spec\"", CANARY);
    for path in ["/mutate", "/warn", &format!("/{CANARY}")] {
        for body in
            [review.to_string(), bad.to_string(), twisted.to_string(), broken.clone(), CANARY.to_owned()]
        {
            server.post(path, body.as_bytes());
        }
    }
    server.post(
        "/warn",
        deployment(&json!({}), &json!({"multipod/x": CANARY, CANARY: CANARY})).to_string().as_bytes(),
    );
    for path in ["/metrics", "/config", "/readyz?verbose"] {
        assert!(!server.admin(path).contains(CANARY), "{path}");
    }
    let log = server.end();
    assert!(!decided(&log).is_empty());
    assert!(!log.contains(CANARY), "{}", log.lines().find(|line| line.contains(CANARY)).unwrap());
}

/// What it has besides the review: its token, what it knows of other namespaces, patterns and policies that are not for this pod.
#[test]
fn nothing_that_it_keeps_for_itself_is_in_any_answer() {
    const CANARY: &str = "canary7e2d";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = runtime.block_on(Cluster::start("v1.36.0"));
    let asks =
        json!({"multipod/sync": format!("https://{CANARY}.example/a into=/a/b"), "example.com/a": CANARY});
    cluster.put("other", &json!({"team": CANARY}), &asks);
    cluster.put("shop", &json!({"team": CANARY}), &json!({"example.com/a": CANARY}));
    let config = fs::read_to_string(&cluster.kubeconfig).unwrap();
    let config = config.replace("\"user\":{}", &format!("\"user\":{{\"token\":\"{CANARY}\"}}"));
    assert!(config.contains(CANARY));
    fs::write(&cluster.kubeconfig, config).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = format!(
        "# {CANARY}\napiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {{name: tap}}\nspec:\n  containers:\n  \
         - {{name: multipod-tap, image: \"{CANARY}.example/tap:1\", env: [{{name: A, value: {CANARY}}}]}}\n---\n\
         apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: tapped}}\nspec:\n  match: {{podSelector: \
         {{matchLabels: {{app: {CANARY}}}}}}}\n  annotations: {{multipod/patterns: tap}}\n"
    );
    fs::write(folder.path().join("a.yaml"), files).unwrap();
    let policies = folder.path().to_str().unwrap();
    let server = serve(&["--kubeconfig", cluster.kubeconfig.to_str().unwrap(), "--policy-dir", policies]);
    wait_until(|| server.admin("/readyz") == "ok\n");
    let asking = ambassador().to_string();
    let mistaken = pod(&json!({"multipod/patterns": "tab", "multipod/sync": "x", "multipod/nothing": "y"}));
    let workload = deployment(&json!({}), &json!({"multipod/ambassador": "x:y:z"}));
    for path in ["/mutate", "/warn", "/metrics", "/config", "/"] {
        for body in [&asking, &mistaken.to_string(), &workload.to_string(), "{", ""] {
            let (_, answer) = server.post(path, body.as_bytes());
            let answer = String::from_utf8(answer).unwrap();
            assert!(!patched(&answer).contains(CANARY), "{path}: {answer}");
        }
    }
    for path in ["/metrics", "/config", "/readyz?verbose", "/livez", "/"] {
        assert!(!server.admin(path).contains(CANARY), "{path}");
    }
    assert!(!server.end().contains(CANARY));
}

/// An answer with its patch as text.
fn patched(answer: &str) -> String {
    let value: Value = serde_json::from_str(answer).unwrap_or_default();
    let patch = value["response"]["patch"].as_str().map(|patch| BASE64_STANDARD.decode(patch).unwrap());
    answer.to_owned() + &patch.map(|patch| String::from_utf8(patch).unwrap()).unwrap_or_default()
}

#[test]
fn options_come_from_the_command_line_then_the_environment_then_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(
        &file,
        "registry: mirror.example\nserve:\n  warn: deny\n  maxRequests: 7\n  maxConnections: 70\n  logLevel: error\n",
    )
    .unwrap();
    let mut command = multipod();
    command
        .args(["serve", "--listen=127.0.0.1:0", "--max-requests=9"])
        .env("MULTIPOD_CONFIG", &file)
        .env("MULTIPOD_ADMIN_LISTEN", "127.0.0.1:0")
        .env("MULTIPOD_MAX_REQUESTS", "8")
        .env("MULTIPOD_MAX_CONNECTIONS", "80")
        .env("MULTIPOD_DRAIN_FLOOR", "1ms");
    let server = started(&mut command);
    let config: Value = serde_json::from_str(&server.admin("/config")).unwrap();
    assert_eq!(config["limits"]["requests"], 9);
    assert_eq!(config["limits"]["connections"], 80);
    assert_eq!(config["configuration"]["registry"], "mirror.example");
    assert_eq!(config["configuration"]["serve"]["warn"], "deny");
    let review = deployment(&json!({}), &json!({"multipod/ambassador": "x:y:z"}));
    let (_, answer) = server.post("/warn", review.to_string().as_bytes());
    assert!(!verify(&answer, review["request"]["uid"].as_str().unwrap()).unwrap().allowed);
    assert_eq!(server.end(), "", "only errors are logged");
}

#[test]
fn a_variable_with_nothing_in_it_says_nothing() {
    let mut command = multipod();
    command.args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--drain-floor=1ms"]);
    for name in ["CONFIG", "POLICY_DIR", "CLIENT_NAME", "WARN", "HTTP2", "THREADS"] {
        command.env(format!("MULTIPOD_{name}"), "");
    }
    let server = started(&mut command);
    let config: Value = serde_json::from_str(&server.admin("/config")).unwrap();
    assert_eq!(config["configuration"]["serve"]["warn"], "warn");
    assert!(server.admin("/nothing").contains("/readyz?verbose"));
    server.end();
}

#[test]
fn what_makes_no_sense_is_told_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let unknown = write("unknown.yaml", "registry: a.example\nserve:\n  listen: 127.0.0.1:0\n  listne: x\n");
    let wrong = write("wrong.yaml", "serve:\n  drainFloor: soon\n");
    let outside = write("outside.yaml", "server: {}\n");
    let empty = write("empty.pem", "");
    let none = write("none.yaml", "serve:\n  maxRequests: 0\n");
    let little = write("little.yaml", "serve:\n  maxBuffered: 1\n");
    let range = write("range.yaml", "serve:\n  apiServers: [10.0.0.0/28, 10.0.0]\n");
    let crowd = write("crowd.yaml", "serve:\n  threads: 65\n");
    let port = write("port.yaml", "serve:\n  listen: 8443\n");
    let twice = write("twice.yaml", "registry: a.example\nregistry: b.example\n");
    let pattern = write("pattern.yaml", "patterns:\n  nginx: {cpu: 5m}\n");
    for (arguments, expected) in [
        (vec!["--config", &*unknown], "unknown.yaml:4: unknown field listne"),
        (vec!["--config", &wrong], "wrong.yaml:2: not a duration above zero: `soon`"),
        (vec!["--config", &outside], "outside.yaml:1: unknown field server"),
        (vec!["--config", &none], "none.yaml:2: expected a number from 1 to"),
        (vec!["--config", &little], "little.yaml:2: expected a number from 36 to"),
        (vec!["--config", &range], "range.yaml:2: not a range of addresses: `10.0.0`"),
        (vec!["--config", &crowd], "crowd.yaml:2: expected a number from 1 to 64"),
        (vec!["--config", &port], "port.yaml:2: expected an address with its port"),
        (vec!["--config", &twice], "twice.yaml:2: registry is there twice"),
        (
            vec!["--config", &pattern],
            "pattern.yaml:2: patterns: there is no pattern \"nginx\", did you mean metrics-nginx?",
        ),
        (
            vec!["--api-servers", "10.0.0.0/28,10.0.0"],
            "not a range of addresses: `10.0.0`; write it as 10.0.0.0/28",
        ),
        (vec!["--threads", "0"], "expected a number from 1 to 64"),
        (vec!["--listen", "8443"], "expected an address with its port"),
        (vec!["--config", "/nowhere.yaml"], "/nowhere.yaml: No such file"),
        (vec!["--tls-cert", &empty], "--tls-cert and --tls-key need each other"),
        (vec!["--client-ca", &empty], "--client-ca needs --tls-cert and --tls-key"),
        (vec!["--client-name", "a"], "--client-name needs --client-ca"),
        (vec!["--tls-cert", &empty, "--tls-key", &empty], "empty.pem: no PEM certificate"),
        (vec!["--policy-dir", "/nowhere"], "/nowhere: No such file"),
        (
            vec!["--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--kubeconfig", "/nowhere"],
            "/nowhere: failed",
        ),
        (vec!["--listen", "203.0.113.1:1"], "cannot listen on 203.0.113.1:1"),
        (vec!["--log-level", "a=b=c"], "unknown level b=c"),
        (vec!["--log-level", "warning"], "unknown level warning, did you mean warn?"),
        (vec!["--log-level", "info,multipod=inof"], "unknown level inof, did you mean info?"),
        (
            vec!["--log-level", "multipod"],
            "unknown level multipod; expected off, error, warn, info, debug or trace",
        ),
        (vec!["--log-level", ""], "expected off, error, warn, info, debug or trace"),
    ] {
        let output = multipod().arg("serve").args(&arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        // A place in a file stands below what is wrong there.
        let (place, what) = expected.split_once(".yaml:").map_or(("", expected), |(file, rest)| {
            let (line, what) = rest.split_once(": ").unwrap_or((rest, ""));
            (&expected[..file.len() + ".yaml:".len() + line.len()], what)
        });
        assert!(errors.contains(place) && errors.contains(what), "{arguments:?}: {errors}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_ends_of_certificates_from_files_are_told_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    for (name, pem) in
        [("tls.crt", certificate.pem()), ("ca.crt", certificate.pem()), ("tls.key", key.serialize_pem())]
    {
        fs::write(path(name), pem).unwrap();
    }
    let mut command = multipod();
    command.args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"]);
    command.args([
        "--tls-cert",
        &path("tls.crt"),
        "--tls-key",
        &path("tls.key"),
        "--client-ca",
        &path("ca.crt"),
    ]);
    let mut process = command.spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
    let listening: Value =
        serde_json::from_str(&log.find(|line| line.contains("\"listening\"")).unwrap()).unwrap();
    let address = |name: &str| listening[name].as_str().unwrap().to_owned();
    let server =
        Server { process, announced: Vec::new(), reviews: address("reviews"), admin: address("admin") };
    let metrics = server.admin("/metrics");
    for name in ["serving", "client_ca"] {
        let line = format!("multipod_certificate_expiry_timestamp_seconds{{certificate=\"{name}\"}} ");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[test]
fn policies_are_read_again_when_their_folder_changes() {
    let folder = tempfile::tempdir().unwrap();
    let policy = |name: &str, spec: &str| {
        format!(
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
        )
    };
    let server = serve(&["--policy-dir", folder.path().to_str().unwrap()]);
    let review = pod(&json!({})).to_string();
    let is_patched = || {
        let (_, answer) = server.post("/mutate", review.as_bytes());
        verify(&answer, "705ab4f5-6393-11e8-b7cc-42010a800002").unwrap().patch.is_some()
    };
    assert!(!is_patched());
    exchange(folder.path(), "a.yaml", &policy("proxy", "annotations: {multipod/ambassador: \"80:8775\"}"));
    wait_until(is_patched);
    // What is wrong with one never disturbs the others.
    exchange(folder.path(), "b.yaml", &policy("typo", "mdoe: audit"));
    wait_until(|| server.admin("/metrics").contains("\nmultipod_policy_problems 1\n"));
    assert!(is_patched());
    let config: Value = serde_json::from_str(&server.admin("/config")).unwrap();
    assert_eq!(config["policies"], json!([{"name": "proxy", "mode": "default"}]));
    fs::remove_file(folder.path().join("a.yaml")).unwrap();
    wait_until(|| !is_patched());
    let log = server.end();
    assert!(log.contains("b.yaml:4: unknown field mdoe"), "{log}");
}

#[test]
fn the_cluster_of_a_kubeconfig_says_its_version_and_its_namespaces_unless_somebody_else_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = runtime.block_on(Cluster::start("v1.28.3"));
    cluster.put("shop", &json!({}), &json!({}));
    let file = cluster.kubeconfig.to_str().unwrap();
    for (more, version) in [("--warn=warn", "1.28"), ("--kubernetes-version=1.33", "1.33")] {
        let server = serve(&["--kubeconfig", file, more]);
        wait_until(|| server.admin("/readyz") == "ok\n");
        let config: Value = serde_json::from_str(&server.admin("/config")).unwrap();
        assert_eq!(config["kubernetesVersion"], version);
        let mut review = ambassador();
        assert_eq!(server.post("/mutate", review.to_string().as_bytes()).0, 200);
        review["request"]["namespace"] = json!("nowhere");
        assert_eq!(server.post("/mutate", review.to_string().as_bytes()).0, 503);
        server.end();
    }
}

#[test]
fn running_out_of_descriptors_is_survived() {
    let mut command = Command::new("sh");
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = env!("CARGO_BIN_EXE_multipod");
    // More connections than descriptors, so that accepting fails.
    let run = format!(
        "ulimit -n 20; exec {program} serve --listen=127.0.0.1:0 --admin-listen=127.0.0.1:0 --drain-floor=1ms"
    );
    let server = started(command.args(["-c", &run]));
    // Again and again: on a busy machine one crowd may be gone before the server has looked up.
    wait_until(|| {
        let crowd: Vec<TcpStream> =
            (0..60).filter_map(|_| TcpStream::connect(&server.reviews).ok()).collect();
        sleep(Duration::from_millis(300));
        drop(crowd);
        TcpStream::connect(&server.admin)
            .is_ok_and(|_| server.admin("/metrics").contains("reason=\"accept\""))
    });
    let (status, _) = server.post("/mutate", ambassador().to_string().as_bytes());
    assert_eq!(status, 200);
    server.end();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut command = multipod();
    command.args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--drain-floor=1h"]);
    let mut server = started(&mut command);
    server.signal("INT");
    wait_until(|| server.admin("/readyz").contains("[-]serving"));
    server.signal("INT");
    assert_eq!(server.process.wait().unwrap().code(), Some(0));
}
