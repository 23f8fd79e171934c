//! What the collector is told.

use super::*;
use crate::pattern::images;

#[test]
fn a_collector_ships_what_has_a_destination() {
    let settings: Settings = serde_json::from_str(r#"{"registry": "mirror.example"}"#).unwrap();
    let fragment = ask_in("/a/*.log to=@central, memory=200Mi", &plain(), &settings, false).unwrap();
    let field = |path: &str| json!({"fieldRef": {"fieldPath": path}});
    assert_eq!(
        container(&fragment, 0),
        json!({
            "name": "multipod-logging-shipper",
            "image": format!("mirror.example/{}", images::LOGGING_SHIPPER),
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
    let names: Vec<_> = fragment.volumes().iter().map(|volume| &*volume.name).collect();
    assert_eq!(names, ["multipod-logs-1", "multipod-logging-config", "multipod-logging-state"]);
    assert_eq!(fragment.notes()[0].key, "rendered.multipod/otelcol.yaml");
    assert!(fragment.notes()[0].must_be_ours);
}

fn configuration(fragment: &Fragment) -> Value {
    serde_json::from_str(&fragment.notes()[0].value).unwrap()
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
    assert!(!fragment.notes()[0].value.contains("/p/"));
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
}
