//! Pods of a given size, in the shape in which a `ReplicaSet` controller sends them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, dead_code, unreachable_pub)] // Each program uses its own part.

use serde_json::{Value, json};

/// A pod of about this many kilobytes: containers with variables, probes and mounts, and the managed fields that the
/// API server really sends along.
pub fn of_kilobytes(kilobytes: usize, ambassador: Option<&str>) -> String {
    let (containers, variables) = match kilobytes {
        0..=10 => (1, 36),
        11..=30 => (3, 39),
        _ => (5, 51),
    };
    pod(containers, variables, ambassador.map(|value| ("ambassador", value))).to_string()
}

/// A pod of about 8 kilobytes with any of our annotations.
pub fn with_annotation(key: &str, value: &str) -> String {
    pod(1, 36, Some((key, value))).to_string()
}

/// A pod with this many containers.
pub fn with_containers(containers: usize, ambassador: Option<&str>) -> String {
    pod(containers, 8, ambassador.map(|value| ("ambassador", value))).to_string()
}

/// A pod whose container has this many variables.
pub fn with_variables(variables: usize, ambassador: Option<&str>) -> String {
    pod(1, variables, ambassador.map(|value| ("ambassador", value))).to_string()
}

fn pod(containers: usize, variables: usize, annotation: Option<(&str, &str)>) -> Value {
    let mut annotations = json!({"team": "payments", "checksum/config": "4f2c8a9d3b7e61f05a"});
    if let Some((key, value)) = annotation {
        annotations[format!("multipod/{key}")] = json!(value);
    }
    let list: Vec<Value> = (0..containers).map(|index| container(index, variables)).collect();
    let fields: serde_json::Map<String, Value> = (0..containers)
        .map(|index| (format!("k:{{\"name\":\"app-{index}\"}}"), managed(variables)))
        .collect();
    json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "generateName": "checkout-bc976c5d5-",
            "namespace": "default",
            "labels": {"app": "checkout", "pod-template-hash": "bc976c5d5"},
            "annotations": annotations,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "checkout-bc976c5d5",
                "uid": "da33ea18-d492-4dc2-b2e2-0867a90e6c1a", "controller": true, "blockOwnerDeletion": true}],
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
                "time": "2026-11-21T01:11:39Z", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:annotations": {".": {}}, "f:labels": {".": {}, "f:app": {}}},
                    "f:spec": {"f:containers": fields}}}],
        },
        "spec": {
            "volumes": [
                {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
                {"name": "config", "configMap": {"name": "app", "defaultMode": 420}},
                {"name": "kube-api-access-fjlp7", "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}},
            ],
            "containers": list,
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default",
            "securityContext": {"runAsUser": 1000, "fsGroup": 2000},
            "schedulerName": "default-scheduler",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 300}],
            "enableServiceLinks": true,
        },
        "status": {},
    })
}

fn container(index: usize, variables: usize) -> Value {
    let env: Vec<Value> = (0..variables)
        .map(|variable| {
            let name = format!("SETTING_{variable:04}");
            match variable % 4 {
                0 => json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "password"}}}),
                1 => json!({"name": name, "value": "quote \" and \\ back", }),
                _ => json!({"name": name, "value": format!("https://service-{variable}.example.internal/v1")}),
            }
        })
        .collect();
    json!({
        "name": format!("app-{index}"),
        "image": "registry.example/shop/app:1.2.3",
        "ports": [{"name": format!("http-{index}"), "containerPort": 8775 + index, "protocol": "TCP"}],
        "env": env,
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http", "scheme": "HTTP"}, "periodSeconds": 5},
        "livenessProbe": {"tcpSocket": {"port": 8775}, "timeoutSeconds": 1, "periodSeconds": 10},
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "config", "mountPath": "/etc/app/app.yaml", "subPath": "app.yaml"},
            {"name": "kube-api-access-fjlp7", "readOnly": true,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
        ],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    })
}

/// What server-side tracking of fields says about one container.
fn managed(variables: usize) -> Value {
    let env: serde_json::Map<String, Value> = (0..variables)
        .map(|variable| {
            (
                format!("k:{{\"name\":\"SETTING_{variable:04}\"}}"),
                json!({".": {}, "f:name": {}, "f:value": {}}),
            )
        })
        .collect();
    json!({".": {}, "f:env": env, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:ports": {".": {}},
        "f:resources": {".": {}, "f:limits": {".": {}, "f:cpu": {}}}, "f:volumeMounts": {".": {}}})
}

#[test]
fn the_pods_have_the_size_that_they_are_named_after() {
    for kilobytes in [8, 22, 44] {
        let size = of_kilobytes(kilobytes, Some("80:8775")).len();
        let wanted = kilobytes * 1000;
        assert!((wanted * 9 / 10..=wanted * 11 / 10).contains(&size), "{kilobytes} kB: {size} bytes");
    }
}
