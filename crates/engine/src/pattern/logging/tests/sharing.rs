//! Which volumes the sidecar sees, and where.

use super::*;

fn mounts(fragment: &Fragment) -> Value {
    container(fragment, 0)["volumeMounts"].clone()
}

/// The pod with everything of the fragment in it.
fn apply(pod: &Value, fragment: &Fragment) -> Value {
    fn list<'v>(parent: &'v mut Value, key: &str) -> &'v mut Vec<Value> {
        if parent[key].is_null() {
            parent[key] = json!([]);
        }
        parent[key].as_array_mut().unwrap()
    }
    let mut pod = pod.clone();
    for added in fragment.mounts() {
        let mount = serde_json::to_value(&added.mount).unwrap();
        list(&mut pod["spec"]["containers"][added.container], "volumeMounts").push(mount);
    }
    for volume in fragment.volumes() {
        list(&mut pod["spec"], "volumes").push(serde_json::to_value(volume).unwrap());
    }
    for (index, addition) in fragment.containers().iter().enumerate() {
        let key = if index % 2 == 0 { "initContainers" } else { "containers" };
        list(&mut pod["spec"], key).push(serde_json::to_value(&addition.container).unwrap());
    }
    pod
}

#[test]
fn the_volume_that_the_app_mounts_there_is_shared() {
    let app = json!({"volumeMounts": [
        {"name": "data", "mountPath": "/var"},
        {"name": "data", "mountPath": "/var/log/", "subPath": "logs"},
    ]});
    let fragment = ask("/var/log/app/*.log", &pod(app, &json!([{"name": "data", "hostPath": {}}]))).unwrap();
    assert!(fragment.volumes().is_empty() && fragment.mounts().is_empty());
    assert_eq!(
        mounts(&fragment),
        json!([{"name": "data", "mountPath": "/var/log/", "subPath": "logs", "readOnly": true}])
    );
}

#[test]
fn one_file_may_be_a_mount_of_its_own() {
    let app = json!({"volumeMounts": [{"name": "data", "mountPath": "/srv/a.log", "subPath": "a.log"}]});
    let fragment = ask("/srv/a.log", &pod(app, &json!([]))).unwrap();
    assert_eq!(
        mounts(&fragment),
        json!([{"name": "data", "mountPath": "/srv/a.log", "subPath": "a.log", "readOnly": true}])
    );
}

#[test]
fn mounts_below_the_folder_are_shared_if_the_glob_may_reach_them() {
    let app = json!({"volumeMounts": [
        {"name": "logs", "mountPath": "/srv/app/logs"},
        {"name": "secret", "mountPath": "/srv/app/tls"},
        {"name": "fixed", "mountPath": "/srv/app/fixed", "readOnly": true},
        {"name": "other", "mountPath": "/srv-other"},
    ]});
    let volumes = json!([{"name": "logs", "emptyDir": {}}, {"name": "secret", "secret": {}}]);
    let pod = pod(app, &volumes);
    // The outer folder is not read-only: the runtime makes the place for the inner mount in it.
    assert_eq!(
        mounts(&ask("/srv/**/*.log", &pod).unwrap()),
        json!([
            {"name": "multipod-logs-1", "mountPath": "/srv"},
            {"name": "logs", "mountPath": "/srv/app/logs", "readOnly": true},
        ])
    );
    assert_eq!(
        mounts(&ask("/srv/*/data/*.log", &pod).unwrap()),
        json!([{"name": "multipod-logs-1", "mountPath": "/srv", "readOnly": true}])
    );
}

#[test]
fn globs_in_nested_folders_share_the_outermost() {
    let fragment =
        ask("/srv/app/deep/*.log, /opt/x/*.log, /srv/app/*.txt, /srv/app/*.log", &plain()).unwrap();
    assert_eq!(
        mounts(&fragment),
        json!([
            {"name": "multipod-logs-1", "mountPath": "/srv/app", "readOnly": true},
            {"name": "multipod-logs-2", "mountPath": "/opt/x", "readOnly": true},
        ])
    );
    assert_eq!(fragment.volumes().len(), 2);
}

#[test]
fn files_of_two_containers_stand_apart() {
    let pod = json!({"spec": {"containers": [{"name": "app"}, {"name": "web"}]}});
    let fragment = ask("/var/log/x/*.log, /var/log/x/*.log container=web", &pod).unwrap();
    let value = container(&fragment, 0);
    assert_eq!(value["args"], json!(["follow", "/logs/app/var/log/x/*.log", "/logs/web/var/log/x/*.log"]));
    assert_eq!(
        value["volumeMounts"],
        json!([
            {"name": "multipod-logs-1", "mountPath": "/logs/app/var/log/x", "readOnly": true},
            {"name": "multipod-logs-2", "mountPath": "/logs/web/var/log/x", "readOnly": true},
        ])
    );
    let app: Vec<_> = fragment.mounts().iter().map(|m| (m.container, &*m.mount.mount_path)).collect();
    assert_eq!(app, [(0, "/var/log/x"), (1, "/var/log/x")]);
}

#[test]
fn no_mount_hides_what_the_sidecar_needs() {
    for (path, glob, moved) in [
        ("/var", "/var/log/*.log", "/logs/app/var/log/*.log"),
        ("/var/lib", "/var/lib/x/*.log", "/logs/app/var/lib/x/*.log"),
        ("/etc/app", "/etc/app/*.log", "/logs/app/etc/app/*.log"),
        ("/multipod", "/multipod/*.log", "/logs/app/multipod/*.log"),
        ("/var/log", "/var/log/*.log", "/var/log/*.log"),
    ] {
        let app = json!({"volumeMounts": [{"name": "data", "mountPath": path}]});
        let fragment = ask(glob, &pod(app, &json!([]))).unwrap();
        assert_eq!(container(&fragment, 0)["args"][1], moved);
    }
}

#[test]
fn asking_again_gives_the_same_fragment() {
    let app = json!({"volumeMounts": [{"name": "data", "mountPath": "/srv/app"}, {"name": "d", "mountPath": "/var"}]});
    let mut two = pod(app, &json!([{"name": "data", "emptyDir": {}}]));
    two["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "web"}));
    for pod in [plain(), two.clone()] {
        for value in [
            "/var/log/app/*.log",
            "/srv/app/deep/*.log, /opt/x/*.log format=json, /srv/**/*.log, /srv/app/*.log parse=json to=@central",
            "/opt/a/b/*.log, /opt/a/*.log",
            "/opt/a/*.log to=otlp://x:1, /opt/a/*.log",
        ] {
            let first = ask(value, &pod).unwrap();
            assert_eq!(ask(value, &apply(&pod, &first)).unwrap(), first, "{value}");
        }
    }
    // Another pattern may mount something over our folder before the second look.
    let first = ask("/opt/a/*.log", &plain()).unwrap();
    let mut later = apply(&plain(), &first);
    later["spec"]["containers"][0]["volumeMounts"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "x", "mountPath": "/opt"}));
    assert_eq!(ask("/opt/a/*.log", &later).unwrap(), first);

    let value = "/opt/a/*.log, /opt/a/*.log container=web, /opt/b/*.log container=web";
    let first = ask(value, &two).unwrap();
    assert_eq!(first.volumes().len(), 3);
    assert_eq!(ask(value, &apply(&two, &first)).unwrap(), first);
}

#[test]
fn a_glob_over_too_many_volumes_is_refused() {
    let mounts: Vec<Value> =
        (0..1000).map(|n| json!({"name": "v", "mountPath": format!("/srv/{n}")})).collect();
    let pod = pod(json!({"volumeMounts": mounts}), &json!([]));
    let problems = ask("/srv/**/*.log", &pod).unwrap_err();
    assert!(problems[0].label.contains("more than 32 volumes"), "{problems:?}");
    assert!(ask("/srv/7/*.log", &pod).is_ok());
}

#[test]
fn folders_of_other_patterns_are_not_the_apps() {
    let app = json!({"volumeMounts": [{"name": "multipod-sync-1", "mountPath": "/opt"}]});
    let fragment =
        ask("/opt/a/*.log", &pod(app, &json!([{"name": "multipod-logs-1", "emptyDir": {}}]))).unwrap();
    assert_eq!(fragment.volumes()[0].name, "multipod-logs-2");
}

/// A folder of few names, so that folders meet.
const FOLDER: &str = "(/[ab]|/var){1,3}";

proptest::proptest! {
    #[test]
    fn any_second_look_gives_the_same(
        mounts in proptest::collection::vec((FOLDER, 0..3usize), 0..5),
        globs in proptest::collection::vec((FOLDER, "(/\\*\\*|/\\*|/a){0,2}/(\\*\\.log|a)", "(| container=web| format=json| to=@central)"), 1..5),
    ) {
        let mut mounts: Vec<Value> = mounts
            .into_iter()
            .map(|(path, volume)| json!({"name": format!("v{volume}"), "mountPath": path}))
            .collect();
        mounts.sort_by_key(|mount| mount["mountPath"].to_string());
        mounts.dedup_by_key(|mount| mount["mountPath"].clone());
        let mut pod = pod(json!({"volumeMounts": mounts}), &json!([{"name": "v2", "secret": {}}]));
        pod["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "web"}));
        let items: Vec<String> = globs.into_iter().map(|(folder, rest, more)| format!("{folder}{rest}{more}")).collect();
        let value = items.join(", ");
        if let Ok(first) = ask(&value, &pod) {
            proptest::prop_assert_eq!(ask(&value, &apply(&pod, &first)).unwrap(), first, "{}", value);
        }
    }
}
