//! What `suggest` makes of containers that were written by hand.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::run::{Files, multipod, pod};

fn by_hand(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/by-hand").join(name);
    fs::read_to_string(path).unwrap()
}

/// The file after the diff that is proposed, and what was told.
fn applied(name: &str) -> (String, String) {
    let files = Files::new(&[("app.yaml", &by_hand(name))]);
    let ran = files.multipod(&["suggest", "-f", "app.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    fs::write(files.join("all.diff"), &ran.out).unwrap();
    let patched = Command::new("git").current_dir(files.path()).args(["apply", "-p0", "all.diff"]).output();
    let patched = patched.unwrap();
    assert!(patched.status.success(), "{}", String::from_utf8_lossy(&patched.stderr));
    // What it proposed leaves nothing to propose, and is injected.
    assert_eq!(files.multipod(&["suggest", "-f", "app.yaml"]).code, 0);
    assert_eq!(files.multipod(&["inject", "-f", "app.yaml"]).code, 0);
    (fs::read_to_string(files.join("app.yaml")).unwrap(), ran.err)
}

#[test]
fn an_ambassador_becomes_an_annotation() {
    let (after, told) = applied("ambassador.yaml");
    assert!(
        after.ends_with(
            "\
  template:
    metadata:
      labels: {app: fruit}
      annotations:
        multipod/ambassador: 80:8775 mode=http maxconn=32
    spec:
      containers:
        # Old, and nobody wants to touch it.
        - name: fruit
          image: example/fruit:1
"
        ),
        "{after}"
    );
    assert!(told.contains("the port name web goes with proxy"), "{told}");
}

#[test]
fn a_pod_with_four_sidecars_and_steps_is_its_app_and_four_annotations() {
    let (after, told) = applied("all.yaml");
    assert_eq!(told.matches("note: app.yaml:").count(), 4, "{told}");
    assert!(
        after.ends_with(
            "\
      annotations:
        team: fruit
        multipod/init: wait-for db:5432
        multipod/logging: /var/log/nginx/access.log
        multipod/metrics: nginx port=8081 path=/nginx_status
        multipod/sync: https://git.example/site into=/usr/share/nginx/site link=html ref=main every=60s
    spec:
      containers:
        - name: web # the app
          image: nginx:1.29
          volumeMounts:
            - name: logs
              mountPath: /var/log/nginx
      volumes:
        - name: logs
          emptyDir: {}
"
        ),
        "{after}"
    );
}

#[test]
fn a_container_that_does_more_stays_and_why_is_told() {
    let ran = multipod(&["suggest"], &by_hand("stays.yaml"));
    assert_eq!((ran.code, &*ran.out), (0, ""), "{}", ran.err);
    for why in [
        "behind-another looks like what multipod does, and stays: migrate runs before it",
        "in-a-variable looks like what multipod does, and stays: only its shell knows what $DB_HOST:5432 is",
        "and-more looks like what multipod does, and stays: it also runs \"touch /ready\"",
        "content looks like what multipod does, and stays: nobody knows here what exechook-command means",
        "elsewhere looks like what multipod does, and stays: it asks cache, which is not its own pod",
        "proxy looks like what multipod does, and stays: the ConfigMap not-here is not among these manifests",
    ] {
        assert!(ran.err.contains(why), "{why}\n{}", ran.err);
    }
}

#[test]
fn a_configuration_that_no_item_says_is_kept() {
    let text = by_hand("ambassador.yaml")
        .replace("        bind *:80\n", "        bind *:80\n        acl fruit path /fruit\n");
    let ran = multipod(&["suggest"], &text);
    assert!(
        ran.out.contains("+        multipod/ambassador: 80, config=fruit-proxy\n"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn a_proxy_that_mounts_more_than_its_configuration_stays() {
    let text = by_hand("ambassador.yaml")
        .replace("        - name: config\n          configMap:", "        - name: tls\n          secret: {secretName: tls}\n        - name: config\n          configMap:")
        .replace("            - name: config\n", "            - {name: tls, mountPath: /tls}\n            - name: config\n");
    let ran = multipod(&["suggest"], &text);
    assert_eq!((ran.code, &*ran.out), (0, ""), "{}", ran.err);
    assert!(ran.err.contains("its configuration has to be all that it mounts"), "{}", ran.err);
}

#[test]
fn what_would_be_refused_is_not_proposed() {
    let text = by_hand("ambassador.yaml").replace(
        "          image: example/fruit:1\n",
        "          image: example/fruit:1\n          ports: [{containerPort: 80}]\n",
    );
    let ran = multipod(&["suggest"], &text);
    assert_eq!((ran.code, &*ran.out), (2, ""), "{}", ran.err);
    assert!(ran.err.contains("port_taken") && ran.err.contains("it proposes nothing"), "{}", ran.err);
}

#[test]
fn nothing_is_proposed_for_what_asks_already() {
    let ran = multipod(&["suggest"], &pod(""));
    assert_eq!((ran.code, &*ran.out, &*ran.err), (0, "", ""));
}
