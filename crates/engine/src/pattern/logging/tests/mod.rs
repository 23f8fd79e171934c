//! From annotation and pod to fragment.

mod sharing;
mod shipping;

use serde_json::{Value, json};

use super::fragment::fragment;
use super::parse;
use crate::annotation::Problem;
use crate::pattern::container::Mount;
use crate::pattern::context::{Name, Names};
use crate::pattern::{Catalogue, Context, Fragment, Settings};
use crate::pod::Head;

/// What a value adds to a pod.
fn ask(value: &str, pod: &Value) -> Result<Fragment, Vec<Problem>> {
    ask_in(value, pod, &Settings::default(), false)
}

fn ask_in(
    value: &str,
    pod: &Value,
    settings: &Settings,
    users_assigned: bool,
) -> Result<Fragment, Vec<Problem>> {
    let json = pod.to_string();
    let head = Head::read(&json).unwrap();
    let pod = head.open(None).unwrap();
    let catalogue = Catalogue::default();
    let text = "otlp://collector.logs:4317";
    let endpoint = multipod_values::Endpoint::parse(text).unwrap();
    let entries = vec![Name { name: "central", text, value: &endpoint, policy: "central", enforced: false }];
    let mut settings = settings.clone();
    settings.assigned_users = users_assigned;
    let destinations = Names { entries };
    let context =
        Context { namespace: "shop", destinations: &destinations, ..Context::new(&settings, &catalogue) };
    fragment(&parse(value).unwrap(), &pod, &context)
}

/// A pod with these fields of the container `app`, and these volumes.
fn pod(mut app: Value, volumes: &Value) -> Value {
    app["name"] = json!("app");
    json!({"spec": {"containers": [app], "volumes": volumes}})
}

fn plain() -> Value {
    pod(json!({}), &json!([]))
}

fn container(fragment: &Fragment, index: usize) -> Value {
    serde_json::to_value(&fragment.containers()[index].container).unwrap()
}

#[test]
fn a_follower_prints_the_files_of_a_new_shared_folder() {
    let fragment = ask("/var/log/app/*.log", &plain()).unwrap();
    assert_eq!(
        container(&fragment, 0),
        json!({
            "name": "multipod-logging",
            "image": concat!("multipod/multipod:", env!("CARGO_PKG_VERSION")),
            "imagePullPolicy": "IfNotPresent",
            "command": ["/multipod"],
            "args": ["follow", "/var/log/app/*.log"],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
            "securityContext": {
                "runAsNonRoot": true,
                "readOnlyRootFilesystem": true,
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumeMounts": [{"name": "multipod-logs-1", "mountPath": "/var/log/app", "readOnly": true}],
        })
    );
    assert_eq!(
        serde_json::to_value(fragment.volumes()).unwrap(),
        json!([{"name": "multipod-logs-1", "emptyDir": {}}])
    );
    let mount = Mount::new("multipod-logs-1", "/var/log/app");
    assert_eq!(fragment.mounts(), [&crate::pattern::AppMount { container: 0, mount }]);
    assert_eq!((fragment.containers().len(), fragment.notes().len(), fragment.warnings.len()), (1, 0, 0));
}

#[test]
fn each_format_has_its_follower() {
    let fragment = ask("/a/*.log, /b/*.log format=json, /c/*.log", &plain()).unwrap();
    let (raw, json) = (container(&fragment, 0), container(&fragment, 1));
    assert_eq!(
        (&raw["name"], &raw["args"]),
        (&json!("multipod-logging"), &json!(["follow", "/a/*.log", "/c/*.log"]))
    );
    assert_eq!(json["name"], "multipod-logging-json");
    assert_eq!(json["args"], json!(["follow", "--format", "json", "/b/*.log"]));
    assert_eq!(json["volumeMounts"].as_array().unwrap().len(), 1);
    let alone = ask("/b/*.log format=json", &plain()).unwrap();
    assert_eq!((alone.containers().len(), &container(&alone, 0)["name"]), (1, &json!("multipod-logging")));
}

#[test]
fn the_default_container_is_the_one_of_kubectl_and_never_ours() {
    let mut pod = json!({
        "metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "web"}},
        "spec": {"containers": [{"name": "multipod-metrics-nginx"}, {"name": "app"}, {"name": "web"}]},
    });
    assert_eq!(ask("/a/*.log", &pod).unwrap().mounts()[0].container, 2);
    pod["metadata"] = Value::Null;
    assert_eq!(ask("/a/*.log", &pod).unwrap().mounts()[0].container, 1);
}

#[test]
fn the_sidecar_runs_as_the_app_but_never_as_root() {
    for (app, of_pod, user, group, warnings) in [
        (json!({}), json!({}), None, None, 0),
        (json!({"runAsUser": 1000}), json!({"runAsUser": 7}), Some(1000), None, 0),
        (json!({}), json!({"runAsUser": 1000, "runAsGroup": 2000}), Some(1000), Some(2000), 0),
        (json!({"runAsGroup": 2000}), json!({}), None, Some(2000), 0),
        (json!({"runAsUser": 0}), json!({}), Some(65532), Some(0), 1),
        (json!({"runAsGroup": 5}), json!({"runAsUser": 0}), Some(65532), Some(5), 1),
    ] {
        let mut pod = pod(json!({"securityContext": app}), &json!([]));
        pod["spec"]["securityContext"] = of_pod;
        let fragment = ask("/a/*.log", &pod).unwrap();
        let security = &fragment.containers()[0].container.security_context;
        assert_eq!((security.run_as_user, security.run_as_group), (user, group), "{pod}");
        assert!(security.run_as_non_root);
        assert_eq!(fragment.warnings.len(), warnings, "{:?}", fragment.warnings);
        let assigned = ask_in("/a/*.log", &pod, &Settings::default(), true).unwrap();
        assert_eq!(assigned.containers()[0].container.security_context.run_as_user, None);
        assert!(assigned.warnings.is_empty());
    }
}

#[test]
fn a_folder_where_a_file_belongs_is_warned_about() {
    let file_of = |mount: Value, kind: &str| {
        let mut pod = pod(json!({"volumeMounts": [mount]}), &json!([]));
        pod["spec"]["volumes"] = json!([{"name": "v", kind: {}}]);
        ask("/a/logs", &pod).unwrap().warnings.len()
    };
    let folder = json!({"name": "v", "mountPath": "/a/logs"});
    assert_eq!(file_of(folder.clone(), "emptyDir"), 1);
    assert_eq!(file_of(folder, "hostPath"), 0);
    assert_eq!(file_of(json!({"name": "v", "mountPath": "/a/logs", "subPath": "app.log"}), "emptyDir"), 0);
    assert_eq!(file_of(json!({"name": "v", "mountPath": "/a"}), "emptyDir"), 0);
}

#[test]
fn containers_with_different_users_are_warned_about() {
    let pod = json!({"spec": {"containers": [
        {"name": "app", "securityContext": {"runAsUser": 1000}}, {"name": "web"}
    ]}});
    let fragment = ask("/a/*.log, /b/*.log container=web", &pod).unwrap();
    assert_eq!(
        fragment.warnings,
        [
            "multipod-logging runs with the user and group of container app; the log files of container web must be readable for them too"
        ]
    );
    assert!(ask("/a/*.log, /b/*.log container=web to=@central", &pod).unwrap().warnings.is_empty());
}

#[test]
fn faults_of_the_pod_point_at_the_bad_token() {
    let mount = |more: Value| {
        let mut mount = json!({"name": "v", "mountPath": "/srv/logs"});
        mount.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        mount
    };
    let with =
        |mount: Value, kind: &str| pod(json!({"volumeMounts": [mount]}), &json!([{"name": "v", kind: {}}]));
    let two = json!({"spec": {"containers": [{"name": "app"}, {"name": "multipod-x"}, {"name": "web"}]}});
    let none = json!({"spec": {"containers": [{"name": "multipod-logging"}]}});
    for (value, pod, start, end, label) in [
        ("/a/*.log container=wbe", two.clone(), 19, 22, "expected app or web, did you mean web?"),
        ("/a/*.log container=multipod-x", two.clone(), 19, 29, "expected app or web"),
        ("/a/*.log container=app", none.clone(), 19, 22, "no container that could write"),
        ("/a/*.log", none, 0, 8, "no container that could write"),
        ("/a/*.log", json!({}), 0, 8, "no containers"),
        ("/a/*.log to=@x", plain(), 12, 14, "policies name here: @central"),
        ("/a/*.log, /a/*.log container=app", plain(), 10, 18, "already go there"),
        ("/a/*.log to=@central, /a/*.log to=otlp://collector.logs:4317", plain(), 22, 30, "already go there"),
        ("/srv/logs/*.log", with(mount(json!({})), "configMap"), 0, 15, "read-only mount of configMap v"),
        ("/srv/logs/*.log", with(mount(json!({})), "projected"), 0, 15, "read-only mount of projected v"),
        (
            "/srv/logs/*.log",
            with(mount(json!({"readOnly": true})), "emptyDir"),
            0,
            15,
            "read-only mount of emptyDir v",
        ),
        ("/srv/logs/*.log", with(mount(json!({"subPathExpr": "$(X)"})), "emptyDir"), 0, 15, "subPathExpr"),
        ("/srv/**/*.log", with(mount(json!({"subPathExpr": "$(X)"})), "emptyDir"), 0, 13, "subPathExpr"),
        ("/srv/logs/*.log", with(json!({"name": "v", "mountPath": "/"}), "emptyDir"), 0, 15, "root folder"),
        ("/etc/*.log", plain(), 0, 10, "would hide what the app's image has there"),
        ("/proc/1/*.log", plain(), 0, 13, "would hide"),
    ] {
        let problems = ask(value, &pod).unwrap_err();
        assert_eq!((problems[0].span.start, problems[0].span.end), (start, end), "{value}");
        assert!(problems[0].label.contains(label), "{value}: {}", problems[0].label);
    }
}
