//! What the properties have found once, kept as plain tests.

use multipod_engine::inject::{SkipReason, removals};
use serde_json::{Value, json};

use super::cluster::{Cluster, Read};
use super::trial::{Ended, decide_in};
use crate::support::sound;

fn bare() -> Read {
    Cluster::bare().read()
}

fn asking(key: &str, value: &str) -> Value {
    json!({"metadata": {"annotations": {key: value}}, "spec": {"containers": [{"name": "app"}]}})
}

fn injected(read: &Read, pod: &Value) -> Value {
    match decide_in(read, pod).ended {
        Ended::Injected { result, .. } => *result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_command_in_our_container_makes_it_another_one() {
    let mut pod = injected(&bare(), &asking("multipod/metrics", "nginx"));
    pod["spec"]["initContainers"][0]["command"] = json!(["sh"]);
    let ended = decide_in(&bare(), &pod).ended;
    assert!(
        matches!(&ended, Ended::Denied(refusals) if refusals[0].0 == "container_name_taken"),
        "{ended:?}"
    );
}

#[test]
fn a_folder_of_the_node_is_not_taken_for_our_empty_volume() {
    let mut pod = injected(&bare(), &asking("multipod/sync", "https://git.example/a into=/srv/a"));
    pod["spec"]["volumes"][0] = json!({"name": "multipod-sync-1", "hostPath": {"path": "/"}});
    let ended = decide_in(&bare(), &pod).ended;
    assert!(matches!(&ended, Ended::Denied(refusals) if refusals[0].0 == "volume_name_taken"), "{ended:?}");
}

#[test]
fn a_namespace_that_is_no_name_does_not_reach_the_configuration() {
    let read = Cluster { namespace: String::new(), ..Cluster::bare() }.read();
    let mut pod = asking("multipod/ambassador", "5432:db");
    pod["metadata"]["namespace"] = json!("x\n  server evil 1.2.3.4:1");
    let ended = decide_in(&read, &pod).ended;
    assert!(matches!(&ended, Ended::Denied(refusals) if refusals[0].0 == "unreadable_pod"), "{ended:?}");
}

#[test]
fn a_large_status_of_before_does_not_count_beside_the_one_that_replaces_it() {
    let mut pod = asking("multipod/ambassador", "80:8775");
    pod["metadata"]["annotations"]["multipod/status"] = json!("x".repeat(256 * 1024 - 2000));
    injected(&bare(), &pod);
}

#[test]
fn metadata_that_was_null_is_null_again() {
    let annotations = vec![("multipod/ambassador".to_owned(), "80:8775".to_owned())];
    let read = Cluster { annotations, ..Cluster::bare() }.read();
    let pod = json!({"metadata": null, "spec": {"containers": [{"name": "app"}]}});
    let result = injected(&read, &pod);
    assert_eq!(sound::undo(&result, &removals(&result).unwrap()), pod);
}

#[test]
fn names_in_messages_do_not_steer_a_terminal() {
    let mut pod = asking("multipod/ambassador", "80:8775");
    pod["spec"]["containers"] = json!([{"name": "a\u{1b}[31m", "ports": [{"containerPort": 80}]}]);
    let Ended::Denied(refusals) = decide_in(&bare(), &pod).ended else { panic!("not refused") };
    assert!(refusals[0].1.contains("a\u{fffd}[31m"), "{refusals:?}");
}

#[test]
fn an_opt_out_alone_is_no_wish_that_a_windows_pod_is_refused_for() {
    let annotations = vec![("multipod/ambassador".to_owned(), "80:8775".to_owned())];
    let read = Cluster { annotations, ..Cluster::bare() }.read();
    let mut pod = asking("multipod/opt-out", "logging");
    pod["spec"]["os"] = json!({"name": "windows"});
    let ended = decide_in(&read, &pod).ended;
    assert!(matches!(ended, Ended::Skipped(SkipReason::Windows)), "{ended:?}");
    pod["spec"]["os"] = Value::Null;
    pod["spec"]["hostNetwork"] = json!(true);
    let ended = decide_in(&read, &pod).ended;
    assert!(matches!(ended, Ended::Skipped(SkipReason::HostNetwork)), "{ended:?}");
}
