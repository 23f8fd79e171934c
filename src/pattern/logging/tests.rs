//! From annotation and pod to fragment.

use serde_json::{Value, json};

use super::*;
use crate::annotation::logging::parse;
use crate::pattern::context::{Name, Names};
use crate::pattern::{Catalogue, Settings};
use crate::pod::Head;

/// What a value adds to a pod.
fn ask(value: &str, pod: &Value) -> Result<Fragment, Vec<Fault>> {
    ask_in(value, pod, &Settings::default(), false)
}

fn ask_in(
    value: &str,
    pod: &Value,
    settings: &Settings,
    users_assigned: bool,
) -> Result<Fragment, Vec<Fault>> {
    let json = pod.to_string();
    let head = Head::read(&json).unwrap();
    let pod = head.open().unwrap();
    let catalogue = Catalogue::default();
    let name = |name, value| Name { name, value, policy: "central", enforced: false };
    let entries = vec![name("central", "otlp://collector.logs:4317"), name("broken", "https://x")];
    let context = Context {
        namespace: "shop",
        settings,
        catalogue: &catalogue,
        upstreams: Names::default(),
        destinations: Names { entries },
        users_assigned,
    };
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
    serde_json::to_value(&fragment.containers[index].container).unwrap()
}

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
    for added in &fragment.mounts {
        let mount = serde_json::to_value(&added.mount).unwrap();
        list(&mut pod["spec"]["containers"][added.container], "volumeMounts").push(mount);
    }
    for volume in &fragment.volumes {
        list(&mut pod["spec"], "volumes").push(serde_json::to_value(volume).unwrap());
    }
    for (index, addition) in fragment.containers.iter().enumerate() {
        let key = if index % 2 == 0 { "initContainers" } else { "containers" };
        list(&mut pod["spec"], key).push(serde_json::to_value(&addition.container).unwrap());
    }
    pod
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
        serde_json::to_value(&fragment.volumes).unwrap(),
        json!([{"name": "multipod-logs-1", "emptyDir": {}}])
    );
    let mount = Mount::new("multipod-logs-1", "/var/log/app");
    assert_eq!(fragment.mounts, [crate::pattern::AppMount { container: 0, mount }]);
    assert_eq!((fragment.containers.len(), fragment.notes.len(), fragment.warnings.len()), (1, 0, 0));
}

#[test]
fn the_volume_that_the_app_mounts_there_is_shared() {
    let app = json!({"volumeMounts": [
        {"name": "data", "mountPath": "/var"},
        {"name": "data", "mountPath": "/var/log/", "subPath": "logs"},
    ]});
    let fragment = ask("/var/log/app/*.log", &pod(app, &json!([{"name": "data", "hostPath": {}}]))).unwrap();
    assert!(fragment.volumes.is_empty() && fragment.mounts.is_empty());
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
    assert_eq!(fragment.volumes.len(), 2);
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
    let app: Vec<_> = fragment.mounts.iter().map(|m| (m.container, &*m.mount.mount_path)).collect();
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
    assert_eq!((alone.containers.len(), &container(&alone, 0)["name"]), (1, &json!("multipod-logging")));
}

#[test]
fn the_default_container_is_the_one_of_kubectl_and_never_ours() {
    let mut pod = json!({
        "metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "web"}},
        "spec": {"containers": [{"name": "multipod-metrics-nginx"}, {"name": "app"}, {"name": "web"}]},
    });
    assert_eq!(ask("/a/*.log", &pod).unwrap().mounts[0].container, 2);
    pod["metadata"] = Value::Null;
    assert_eq!(ask("/a/*.log", &pod).unwrap().mounts[0].container, 1);
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
        let security = &fragment.containers[0].container.security_context;
        assert_eq!((security.run_as_user, security.run_as_group), (user, group), "{pod}");
        assert!(security.run_as_non_root);
        assert_eq!(fragment.warnings.len(), warnings, "{:?}", fragment.warnings);
        let assigned = ask_in("/a/*.log", &pod, &Settings::default(), true).unwrap();
        assert_eq!(assigned.containers[0].container.security_context.run_as_user, None);
        assert!(assigned.warnings.is_empty());
    }
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
fn a_collector_ships_what_has_a_destination() {
    let settings: Settings = serde_json::from_str(r#"{"registry": "mirror.example"}"#).unwrap();
    let fragment = ask_in("/a/*.log to=@central, memory=200Mi", &plain(), &settings, false).unwrap();
    let field = |path: &str| json!({"fieldRef": {"fieldPath": path}});
    assert_eq!(
        container(&fragment, 0),
        json!({
            "name": "multipod-logging-shipper",
            "image": "mirror.example/otel/opentelemetry-collector-contrib:0.149.0",
            "imagePullPolicy": "IfNotPresent",
            "args": ["--config=/etc/multipod/otelcol/otelcol.yaml"],
            "env": [
                {"name": "POD_NAMESPACE", "valueFrom": field("metadata.namespace")},
                {"name": "POD_NAME", "valueFrom": field("metadata.name")},
                {"name": "POD_UID", "valueFrom": field("metadata.uid")},
                {"name": "NODE_NAME", "valueFrom": field("spec.nodeName")},
            ],
            "ports": [{"containerPort": 13133}],
            "startupProbe": {"httpGet": {"path": "/", "port": 13133}, "periodSeconds": 1, "failureThreshold": 60},
            "resources": {"requests": {"cpu": "20m", "memory": "200Mi"}, "limits": {"memory": "256Mi"}},
            "securityContext": {
                "runAsNonRoot": true,
                "readOnlyRootFilesystem": true,
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumeMounts": [
                {"name": "multipod-logging-config", "mountPath": "/etc/multipod/otelcol", "readOnly": true},
                {"name": "multipod-logging-state", "mountPath": "/var/lib/multipod"},
                {"name": "multipod-logs-1", "mountPath": "/a", "readOnly": true},
            ],
        })
    );
    let names: Vec<_> = fragment.volumes.iter().map(|volume| &*volume.name).collect();
    assert_eq!(names, ["multipod-logs-1", "multipod-logging-config", "multipod-logging-state"]);
    assert_eq!(fragment.notes[0].key, "rendered.multipod/otelcol.yaml");
    assert!(fragment.notes[0].must_be_ours);
}

fn configuration(fragment: &Fragment) -> Value {
    serde_json::from_str(&fragment.notes[0].value).unwrap()
}

#[test]
fn the_configuration_loses_nothing_and_names_the_pod() {
    assert_eq!(
        configuration(&ask("/a/*.log to=@central", &plain()).unwrap()),
        json!({
            "extensions": {
                "health_check": {"endpoint": "0.0.0.0:13133"},
                "file_storage": {"directory": "/var/lib/multipod", "recreate": true},
            },
            "receivers": {
                "filelog/1": {
                    "include": ["/a/*.log"],
                    "start_at": "beginning",
                    "include_file_path": true,
                    "storage": "file_storage",
                    "retry_on_failure": {"enabled": true, "max_elapsed_time": "0s"},
                    "resource": {
                        "k8s.namespace.name": "${env:POD_NAMESPACE}",
                        "k8s.pod.name": "${env:POD_NAME}",
                        "k8s.pod.uid": "${env:POD_UID}",
                        "k8s.node.name": "${env:NODE_NAME}",
                        "k8s.container.name": "app",
                    },
                    "operators": [],
                },
            },
            "processors": {
                "memory_limiter": {
                    "check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20,
                },
            },
            "exporters": {
                "otlp/1": {
                    "endpoint": "collector.logs.svc.cluster.local:4317",
                    "tls": {"insecure": true},
                    "retry_on_failure": {"enabled": true, "max_elapsed_time": "0s"},
                    "sending_queue": {
                        "enabled": true,
                        "storage": "file_storage",
                        "sizer": "bytes",
                        "queue_size": 268_435_456,
                        "block_on_overflow": true,
                        "batch": {"flush_timeout": "1s", "min_size": 262_144, "max_size": 2_097_152},
                    },
                },
            },
            "service": {
                "extensions": ["health_check", "file_storage"],
                "pipelines": {
                    "logs/1": {
                        "receivers": ["filelog/1"],
                        "processors": ["memory_limiter"],
                        "exporters": ["otlp/1"],
                    },
                },
                "telemetry": {"metrics": {"level": "none"}},
            },
        })
    );
}

#[test]
fn each_server_has_one_exporter_and_printed_files_stay_out() {
    let value = "/p/*.log, /a/*.log to=@central, /b/*.log to=otlphttps://otlp.example.com:443/x, \
        /c/*.log to=otlp://collector.logs:4317, /d/*.log to=otlphttp://[fd00::1]:4318, /e/*.log to=otlp://loki:1";
    let fragment = ask(value, &plain()).unwrap();
    assert_eq!(container(&fragment, 0)["args"], json!(["follow", "/p/*.log"]));
    let config = configuration(&fragment);
    let endpoints: Vec<_> =
        config["exporters"].as_object().unwrap().iter().map(|(name, e)| (&**name, &e["endpoint"])).collect();
    assert_eq!(
        endpoints,
        [
            ("otlp/1", &json!("collector.logs.svc.cluster.local:4317")),
            ("otlphttp/2", &json!("https://otlp.example.com:443/x")),
            ("otlphttp/3", &json!("http://[fd00::1]:4318")),
            ("otlp/4", &json!("loki.shop.svc.cluster.local:1")),
        ]
    );
    let pipelines = &config["service"]["pipelines"];
    assert_eq!(pipelines["logs/1"]["receivers"], json!(["filelog/1", "filelog/3"]));
    assert_eq!(pipelines["logs/4"]["receivers"], json!(["filelog/5"]));
    assert_eq!(config["receivers"].as_object().unwrap().len(), 5);
    assert!(!fragment.notes[0].value.contains("/p/"));
}

fn operators(value: &str) -> Vec<Value> {
    let config = configuration(&ask(value, &plain()).unwrap());
    config["receivers"]["filelog/1"]["operators"].as_array().unwrap().clone()
}

#[test]
fn every_way_to_parse_keeps_the_lines_that_it_cannot() {
    for (parse, first, count) in [
        ("json", "json_parser", 12),
        ("logfmt", "key_value_parser", 12),
        ("nginx", "regex_parser", 7),
        ("apache", "regex_parser", 7),
    ] {
        let operators = operators(&format!("/a/*.log to=@central parse={parse}"));
        assert_eq!((operators[0]["type"].as_str(), operators.len()), (Some(first), count), "{parse}");
        for operator in &operators {
            assert_eq!(operator["on_error"], "send_quiet", "{operator}");
        }
        let kinds: Vec<_> = operators.iter().filter_map(|operator| operator["type"].as_str()).collect();
        for kind in ["time_parser", "severity_parser", "move"] {
            assert!(kinds.contains(&kind), "{parse} {kind}");
        }
    }
}

#[test]
fn regular_expressions_reach_the_collector_with_their_dollars() {
    let operators = operators("/a/*.log to=@central parse=nginx");
    assert_eq!(
        operators[1],
        json!({
            "type": "regex_parser",
            "parse_to": "attributes",
            "regex": r"^(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<level>\w+)\] (?P<pid>\d+)#(?P<tid>\d+): (?:\*(?P<connection>\d+) )?(?P<message>.*)$$",
            "on_error": "send_quiet",
            "if": "attributes.status == nil",
        })
    );
}

#[test]
fn a_moved_file_is_shipped_under_the_path_of_the_app() {
    let app = json!({"volumeMounts": [{"name": "data", "mountPath": "/var"}]});
    let config = configuration(&ask("/var/log/*.log to=@central", &pod(app, &json!([]))).unwrap());
    let receiver = &config["receivers"]["filelog/1"];
    assert_eq!(receiver["include"], json!(["/logs/app/var/log/*.log"]));
    assert_eq!(
        receiver["operators"],
        json!([{
            "type": "add",
            "field": "attributes[\"log.file.path\"]",
            "value": "EXPR(attributes[\"log.file.path\"][9:])",
            "on_error": "send_quiet",
        }])
    );
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
        ("/a/*.log", json!({}), 0, 8, "no container that could write"),
        ("/a/*.log to=@x", plain(), 12, 14, "policies name here: @broken, @central"),
        ("/a/*.log to=@broken", plain(), 12, 19, "did you mean otlphttps?"),
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
        let faults = ask(value, &pod).unwrap_err();
        assert_eq!((faults[0].span.start, faults[0].span.end), (start, end), "{value}");
        assert!(faults[0].label.contains(label), "{value}: {}", faults[0].label);
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
    let value = "/opt/a/*.log, /opt/a/*.log container=web, /opt/b/*.log container=web";
    let first = ask(value, &two).unwrap();
    assert_eq!(first.volumes.len(), 3);
    assert_eq!(ask(value, &apply(&two, &first)).unwrap(), first);
}

#[test]
fn folders_of_other_patterns_are_not_the_apps() {
    let app = json!({"volumeMounts": [{"name": "multipod-sync-1", "mountPath": "/opt"}]});
    let fragment =
        ask("/opt/a/*.log", &pod(app, &json!([{"name": "multipod-logs-1", "emptyDir": {}}]))).unwrap();
    assert_eq!(fragment.volumes[0].name, "multipod-logs-2");
}

proptest::proptest! {
    #[test]
    fn any_accepted_glob_reaches_the_collector_as_it_was_written(
        text in "/[a-z ä-]{1,8}(/\\*\\*|/[*?a-z]{1,4}|/\\[!?[a-m]-[n-z]\\]|/[^\\p{Cc}\"\\\\]{1,8}){1,4}"
    ) {
        let value = format!("\"{text}\" to=@central");
        if parse(&value).is_ok() && let Ok(fragment) = ask(&value, &plain()) {
            let config = configuration(&fragment);
            let include = config["receivers"]["filelog/1"]["include"][0].as_str().unwrap();
            proptest::prop_assert_eq!(include.replace("$$", "$"), text);
        }
    }

    #[test]
    fn the_follower_takes_every_accepted_glob(text in "/[a-z]{1,4}(/\\*\\*|/[-*?a-z!\\[\\]]{1,6}){1,4}") {
        if parse(&text).is_ok() {
            proptest::prop_assert!(crate::inpod::Glob::parse(&text).is_ok());
        }
    }
}
