//! The file of `--config` changes under a running server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::program::{Server, ambassador, decided, exchange, multipod, serve, started, wait_until};
use crate::support::reviews::{deployment, pod, verify};

fn config(server: &Server) -> Value {
    serde_json::from_str(&server.admin("/config")).unwrap()
}

fn image(server: &Server) -> String {
    let (_, answer) = server.post("/mutate", ambassador().to_string().as_bytes());
    let verdict = verify(&answer, "705ab4f5-6393-11e8-b7cc-42010a800002").unwrap();
    let patch = verdict.patch.unwrap().to_string();
    patch.split("\"image\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn counts(server: &Server, line: &str) -> bool {
    server.admin("/metrics").lines().any(|known| known == line)
}

#[test]
fn settings_and_the_options_that_can_take_effect_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| exchange(folder.path(), "config.yaml", text);
    write("registry: one.example\nserve: {logLevel: error}\n");
    let server = serve(&["--config", folder.path().join("config.yaml").to_str().unwrap()]);
    assert!(image(&server).starts_with("one.example/"));
    let bad = deployment(&json!({}), &json!({"multipod/ambassador": "x:y:z"}));
    let is_allowed = || {
        let (_, answer) = server.post("/warn", bad.to_string().as_bytes());
        verify(&answer, bad["request"]["uid"].as_str().unwrap()).unwrap().allowed
    };
    assert!(is_allowed());
    write("registry: two.example\nonMistake: warn\nserve: {warn: deny, logLevel: info}\n");
    wait_until(|| counts(&server, "multipod_reloads_total{what=\"config\",result=\"success\"} 1"));
    assert!(image(&server).starts_with("two.example/"));
    let (_, answer) =
        server.post("/mutate", pod(&json!({"multipod/ambassador": "x:y:z"})).to_string().as_bytes());
    assert!(verify(&answer, "705ab4f5-6393-11e8-b7cc-42010a800002").unwrap().allowed);
    assert_eq!(config(&server)["configuration"]["serve"]["warn"], "deny");
    assert_eq!(config(&server)["needsRestart"], json!([]));
    assert!(server.admin("/readyz?verbose").contains("[+]configuration ok\n"));
    let decided = decided(&server.end());
    assert_eq!(decided.len(), 2, "those before the change of level are not logged: {decided:?}");
}

#[test]
fn what_needs_a_restart_stays_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| exchange(folder.path(), "config.yaml", text);
    write("serve: {maxRequests: 7, listen: \"127.0.0.1:0\"}\n");
    let mut command = multipod();
    command.current_dir(&folder).env("MULTIPOD_MAX_CONNECTIONS", "80");
    // By a name without a folder, as people on the spot write it.
    let server = started(command.args([
        "serve",
        "--config=config.yaml",
        "--admin-listen=127.0.0.1:0",
        "--drain-floor=1ms",
    ]));
    write("registry: a.example\nipFamilies: Dual\nserve: {maxRequests: 8, maxConnections: 9, threads: 64}\n");
    wait_until(|| config(&server)["configuration"]["registry"] == "a.example");
    let now = config(&server);
    // The number of connections is what the environment says, so that nothing has changed about it.
    assert_eq!(now["needsRestart"], json!(["ipFamilies", "listen", "maxRequests", "threads"]));
    assert_eq!(now["configuration"]["serve"]["maxRequests"], 7);
    assert_eq!(now["limits"]["requests"], 7);
    assert_eq!(now["configuration"]["ipFamilies"], Value::Null);
    let ready = server.admin("/readyz?verbose");
    assert!(
        ready.contains(
            "[+]configuration ok: these need a restart: ipFamilies, listen, maxRequests, threads\n"
        )
    );
    write("registry: a.example\nserve: {maxRequests: 7, listen: \"127.0.0.1:0\"}\n");
    wait_until(|| config(&server)["needsRestart"] == json!([]));
    let log = server.end();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("needs a restart")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("\"needs_restart\":\"ipFamilies, listen, maxRequests, threads\""), "{told:?}");
}

#[test]
fn a_file_with_a_mistake_changes_nothing_and_is_told_until_it_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| exchange(folder.path(), "config.yaml", text);
    let good = "registry: good.example\n";
    write(good);
    let server = serve(&["--config", folder.path().join("config.yaml").to_str().unwrap()]);
    let before = config(&server);
    for (text, why) in [
        ("registry: new.example\nserve:\n  listne: x\n", "config.yaml:3: unknown field listne"),
        ("registry: new.example\npatterns: {ambasador: {}}\n", "did you mean ambassador?"),
        ("registry: new.example\nserve: {tlsCert: a}\n", "--tls-cert and --tls-key need each other"),
        (
            "registry: new.example\nserve: {logLevel: warning}\n",
            "config.yaml:2: unknown level warning, did you mean warn?",
        ),
        ("registry: [", "config.yaml:1:"),
    ] {
        write(text);
        wait_until(|| config(&server)["problem"].as_str().is_some_and(|problem| problem.contains(why)));
        let mut now = config(&server);
        now["problem"] = Value::Null;
        assert_eq!(now, before, "{text}");
        assert!(image(&server).starts_with("good.example/"));
        let ready = server.admin("/readyz?verbose");
        assert!(ready.contains("[+]configuration ok: the file as it is now is not in force: "), "{ready}");
        assert!(counts(&server, "multipod_config_problems 1"));
    }
    fs::remove_file(folder.path().join("config.yaml")).unwrap();
    wait_until(|| {
        config(&server)["problem"].as_str().is_some_and(|problem| problem.contains("No such file"))
    });
    write(good);
    wait_until(|| counts(&server, "multipod_config_problems 0"));
    assert_eq!(config(&server), before);
    let log = server.end();
    assert!(log.lines().filter(|line| line.contains("the last good one stays")).count() >= 6, "{log}");
}

#[test]
fn a_mounted_config_map_is_exchanged_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let version = |name: &str, text: &str| {
        let version = folder.path().join(name);
        fs::create_dir(&version).unwrap();
        fs::write(version.join("config.yaml"), text).unwrap();
        let new = folder.path().join("..data_tmp");
        symlink(name, &new).unwrap();
        fs::rename(new, folder.path().join("..data")).unwrap();
    };
    version("..1", "registry: one.example\n");
    symlink(Path::new("..data/config.yaml"), folder.path().join("config.yaml")).unwrap();
    let server = serve(&["--config", folder.path().join("config.yaml").to_str().unwrap()]);
    for (name, registry) in [("..2", "two.example"), ("..3", "three.example")] {
        version(name, &format!("registry: {registry}\n"));
        wait_until(|| image(&server).starts_with(registry));
    }
    server.end();
}

#[test]
fn what_the_cluster_says_of_itself_outlives_a_new_file() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = runtime.block_on(Cluster::start("v1.34.1"));
    cluster.families(&json!(["IPv4", "IPv6"]));
    cluster.put("shop", &json!({}), &json!({}));
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| exchange(folder.path(), "config.yaml", text);
    write("{}\n");
    let config = folder.path().join("config.yaml");
    let server =
        serve(&["--kubeconfig", cluster.kubeconfig.to_str().unwrap(), "--config", config.to_str().unwrap()]);
    wait_until(|| server.admin("/readyz") == "ok\n");
    let listens_on_both = || {
        let (_, answer) = server.post("/mutate", ambassador().to_string().as_bytes());
        let verdict = verify(&answer, "705ab4f5-6393-11e8-b7cc-42010a800002").unwrap();
        verdict.patch.unwrap().to_string().contains("bind [::]:80")
    };
    assert!(listens_on_both());
    write("registry: new.example\n");
    wait_until(|| image(&server).starts_with("new.example/"));
    assert!(listens_on_both());
    server.end();
}

#[test]
fn a_setting_of_a_pattern_that_could_not_be_read_is_no_reason_not_to_serve() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, "patterns:\n  patterns-tap: {cpu: 5m}\n").unwrap();
    let policies = folder.path().join("policies");
    fs::create_dir(&policies).unwrap();
    let head = "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: tap}\n";
    let arguments = ["--config", file.to_str().unwrap(), "--policy-dir", policies.to_str().unwrap()];
    for (spec, is_told) in [("shareProcessNamespace: true", false), ("zzz: 1", true)] {
        fs::write(policies.join("tap.yaml"), format!("{head}spec: {{{spec}}}\n")).unwrap();
        let log = serve(&arguments).end();
        assert_eq!(log.contains("config.yaml:2: patterns: there is no pattern"), is_told, "{log}");
    }
    fs::remove_file(policies.join("tap.yaml")).unwrap();
    let refused = multipod().arg("serve").args(arguments).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        told.contains("error: patterns: there is no pattern \"patterns-tap\"\n")
            && told.contains("config.yaml:2:3\n"),
        "{told}"
    );
}
