//! A file that `inject` wrote, edited by its author and injected again.

use crate::support::run::{Ran, multipod, values};

const ASKS: &str = "\
# the web shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    metadata:
      annotations:
        team: shop
        multipod/ambassador: \"8080:80\" # the old port
    spec:
      containers:
      - name: app
        image: shop:1
";

fn inject(text: &str) -> Ran {
    let ran = multipod(&["inject"], text);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran
}

#[test]
fn what_is_still_right_stays_with_what_people_have_added_to_it() {
    let once = inject(ASKS).out;
    let edited =
        once.replacen("imagePullPolicy: IfNotPresent", "imagePullPolicy: IfNotPresent\n        tty: true", 1);
    assert_ne!(edited, once);
    for text in [once, edited] {
        let again = inject(&text);
        assert_eq!(again.out, text);
        again.reports(&["(already_injected)"]);
        assert!(!multipod(&["check"], &text).out.contains("out of date"));
    }
}

#[test]
fn an_edited_annotation_brings_what_it_would_bring_to_a_file_without_the_old_one() {
    let once = inject(ASKS).out;
    for (from, to) in [("\"8080:80\"", "\"8081:80\""), ("\"8080:80\"", "\"8080:80, 9090:90\"")] {
        let again = inject(&once.replace(from, to));
        assert_eq!(again.out, inject(&ASKS.replace(from, to)).out);
        again.reports(&[
            "warning: what multipod has added to Deployment web before is out of date",
            "init container multipod-ambassador is different in ports",
            "annotation rendered.multipod/haproxy.cfg is different",
        ]);
        assert_eq!(inject(&again.out).out, again.out);
    }
    // Another pattern in the place of the first.
    let (from, to) = ("multipod/ambassador: \"8080:80\"", "multipod/logging: \"/var/log/shop/*.log\"");
    let again = inject(&once.replace(from, to));
    assert_eq!(values(&again.out), values(&inject(&ASKS.replace(from, to)).out));
    again.reports(&["init container multipod-ambassador is not asked for any more"]);
    // One more beside it leaves the first as it is.
    let both = format!("{to}\n        {from}");
    let again = inject(&once.replace(from, &both));
    assert!(!again.err.contains("out of date"), "{}", again.err);
}

#[test]
fn a_removed_annotation_takes_along_what_it_has_brought() {
    let without = |text: &str| -> String {
        text.split_inclusive('\n').filter(|line| !line.contains("multipod/ambassador")).collect()
    };
    let stale = without(&inject(ASKS).out);
    let check = multipod(&["check"], &stale).out;
    assert!(check.contains("[outdated]\n"), "{check}");
    assert!(check.contains("init container multipod-ambassador is not asked for any more"), "{check}");
    assert_eq!(inject(&stale).out, without(ASKS));
}

#[test]
fn of_an_annotation_with_a_mistake_only_the_mistake_is_told() {
    let wrong = multipod(&["inject"], &inject(ASKS).out.replace("\"8080:80\"", "\"8o80:80\""));
    wrong.is_refused();
    wrong.reports(&["8o80:80 is not LISTEN:TARGET"]);
    assert!(!wrong.err.contains("out of date") && wrong.err.matches("error").count() == 1, "{}", wrong.err);
}

#[test]
fn what_people_have_changed_in_it_is_told() {
    let edited = inject(ASKS).out.replace("memory: 128Mi", "memory: 256Mi");
    let again = inject(&edited);
    again.reports(&[
        "init container multipod-ambassador is different in resources",
        "also where people have changed it",
    ]);
    assert_eq!(again.out, inject(ASKS).out);
}

#[test]
fn what_a_policy_has_brought_stays_where_that_policy_is_not_in_sight() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: shop}\n\
                  spec: {annotations: {multipod/ambassador: '8080:80'}}\n";
    std::fs::write(folder.path().join("policy.yaml"), policy).unwrap();
    let text: String =
        ASKS.split_inclusive('\n').filter(|line| !line.contains("multipod/ambassador")).collect();
    let policies = folder.path().to_str().unwrap();
    let once = multipod(&["inject", "--policy-dir", policies], &text);
    assert_eq!(once.code, 0, "{}", once.err);
    assert!(once.out.contains("multipod-ambassador"));
    assert_eq!(inject(&once.out).out, once.out);
    std::fs::write(folder.path().join("policy.yaml"), policy.replace("8080", "8081")).unwrap();
    let again = multipod(&["inject", "--policy-dir", policies], &once.out);
    assert_eq!(again.out, multipod(&["inject", "--policy-dir", policies], &text).out);
}

#[test]
fn a_name_is_not_completed_in_silence_with_a_namespace_that_nobody_has_named() {
    let named = ASKS.replace("8080:80", "5432:db");
    let unnamed = named.replace("  namespace: shop\n", "");
    inject(&unnamed).reports(&[
        "warning: db is completed to db.default.svc.cluster.local, and neither Deployment web nor --namespace",
        "write metadata.namespace, or give --namespace",
    ]);
    let whole = |host: &str| unnamed.replace("5432:db", &format!("5432:{host}"));
    for (text, args) in [
        (named, &["inject"][..]),
        (unnamed.clone(), &["inject", "--namespace", "shop"]),
        (whole("db.default"), &["inject"]),
        (whole("db.default.svc.cluster.local"), &["inject"]),
        (whole("db.example.com"), &["inject"]),
    ] {
        let ran = multipod(args, &text);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(!ran.err.contains("is completed to"), "{}", ran.err);
    }
}
