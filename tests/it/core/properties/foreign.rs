//! What others do to a pod between two of our calls: the API server's defaults and admission, and other webhooks.

use serde_json::{Map, Value, json};

use super::STATUS;
use super::dice::Dice;

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Does a few of these things, in any order.
pub fn meddle(pod: &mut Value, dice: &mut Dice<'_>) {
    let mut all: Vec<fn(&mut Value)> = vec![
        defaults,
        service_account,
        reorder_annotations,
        sidecar_in_front,
        the_one_that_was_missing,
        sidecar_at_the_end,
        variables,
        quantities,
        mirror,
        limits,
    ];
    while !all.is_empty() {
        let next = all.remove(dice.below(all.len()));
        if dice.chance(60) {
            next(pod);
        }
    }
}

fn each_container(pod: &mut Value, mut change: impl FnMut(&mut Map<String, Value>)) {
    for list in ["initContainers", "containers"] {
        if let Some(containers) = pod["spec"].get_mut(list).and_then(Value::as_array_mut) {
            containers.iter_mut().filter_map(Value::as_object_mut).for_each(&mut change);
        }
    }
}

fn default(map: &mut Map<String, Value>, field: &str, value: Value) {
    if map.get(field).is_none_or(Value::is_null) {
        map.insert(field.to_owned(), value);
    }
}

/// As the API server fills in what is not said.
fn defaults(pod: &mut Value) {
    each_container(pod, |container| {
        default(container, "terminationMessagePath", json!("/dev/termination-log"));
        default(container, "terminationMessagePolicy", json!("File"));
        default(container, "imagePullPolicy", json!("IfNotPresent"));
        default(container, "resources", json!({}));
        for port in items(container, "ports") {
            default(port, "protocol", json!("TCP"));
        }
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let Some(probe) = container.get_mut(probe).and_then(Value::as_object_mut) else { continue };
            for (field, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                default(probe, field, json!(value));
            }
            if let Some(get) = probe.get_mut("httpGet").and_then(Value::as_object_mut) {
                default(get, "scheme", json!("HTTP"));
            }
        }
        for variable in items(container, "env") {
            if let Some(field) = variable.get_mut("valueFrom").and_then(|from| from.get_mut("fieldRef")) {
                field["apiVersion"] = json!("v1");
            }
        }
    });
    let Some(spec) = pod["spec"].as_object_mut() else { return };
    for volume in items(spec, "volumes") {
        for (kind, mode) in [("configMap", 420), ("secret", 420), ("downwardAPI", 420)] {
            if let Some(source) = volume.get_mut(kind).and_then(Value::as_object_mut) {
                default(source, "defaultMode", json!(mode));
                for item in items(source, "items") {
                    if let Some(field) = item.get_mut("fieldRef") {
                        field["apiVersion"] = json!("v1");
                    }
                }
            }
        }
    }
    default(spec, "restartPolicy", json!("Always"));
    default(spec, "dnsPolicy", json!("ClusterFirst"));
    default(spec, "securityContext", json!({}));
    default(spec, "schedulerName", json!("default-scheduler"));
}

fn items<'m>(
    map: &'m mut Map<String, Value>,
    list: &str,
) -> impl Iterator<Item = &'m mut Map<String, Value>> {
    map.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn push(map: &mut Map<String, Value>, list: &str, value: Value, front: bool) {
    let items = map.entry(list).or_insert_with(|| json!([]));
    if !items.is_array() {
        *items = json!([]);
    }
    if let Some(items) = items.as_array_mut() {
        items.insert(if front { 0 } else { items.len() }, value);
    }
}

/// The token goes into every container that has nothing at its path.
fn service_account(pod: &mut Value) {
    each_container(pod, |container| {
        let taken = items(container, "volumeMounts").any(|mount| mount["mountPath"] == TOKEN_PATH);
        if !taken {
            let mount = json!({"name": "kube-api-access-x2x2x", "readOnly": true, "mountPath": TOKEN_PATH});
            push(container, "volumeMounts", mount, false);
        }
    });
    if let Some(spec) = pod["spec"].as_object_mut() {
        push(spec, "volumes", json!({"name": "kube-api-access-x2x2x", "projected": {"sources": []}}), false);
    }
}

/// Maps have no order for most programs.
fn reorder_annotations(pod: &mut Value) {
    if let Some(annotations) = pod["metadata"]["annotations"].as_object_mut() {
        let mut entries: Vec<(String, Value)> = std::mem::take(annotations).into_iter().collect();
        entries.reverse();
        entries.push(("other.example/injected".to_owned(), json!("true")));
        annotations.extend(entries);
    }
}

fn sidecar_in_front(pod: &mut Value) {
    if let Some(spec) = pod["spec"].as_object_mut() {
        let proxy = json!({"name": "other-proxy", "image": "other/proxy:1", "restartPolicy": "Always",
            "ports": [{"containerPort": 15090}]});
        push(spec, "initContainers", proxy, true);
        push(spec, "containers", json!({"name": "other-agent", "image": "other/agent:1"}), true);
    }
}

/// The container that the pod may have named before it was there.
fn the_one_that_was_missing(pod: &mut Value) {
    if let Some(spec) = pod["spec"].as_object_mut() {
        push(spec, "containers", json!({"name": "nobody", "image": "other/late:1"}), false);
    }
}

/// The pod without the containers that others added to the app's, and without the record of what was added to those.
pub fn without_late_containers(pod: &Value) -> Value {
    let mut pod = pod.clone();
    if let Some(containers) = pod["spec"]["containers"].as_array_mut() {
        let is_late = |name: &str| name == "nobody" || name.starts_with("other-");
        containers.retain(|container| !container["name"].as_str().is_some_and(is_late));
    }
    if let Some(annotations) = pod["metadata"]["annotations"].as_object_mut() {
        annotations.remove(STATUS);
    }
    pod
}

fn sidecar_at_the_end(pod: &mut Value) {
    if let Some(spec) = pod["spec"].as_object_mut() {
        push(spec, "initContainers", json!({"name": "other-init", "image": "other/init:1"}), false);
        push(spec, "containers", json!({"name": "other-tail", "image": "other/tail:1"}), false);
    }
}

/// Some webhooks put variables and mounts into every container, also into ours: the settings name them.
fn variables(pod: &mut Value) {
    each_container(pod, |container| {
        push(container, "env", json!({"name": "OTHER_HOST", "value": "x"}), true);
        let path = "/var/run/secrets/other.example/token";
        push(container, "volumeMounts", json!({"name": "other", "mountPath": path, "readOnly": true}), true);
    });
    if let Some(spec) = pod["spec"].as_object_mut() {
        push(spec, "volumes", json!({"name": "other", "emptyDir": {}}), true);
    }
}

/// The API server writes amounts in its own way; another program may write the same in another way.
fn quantities(pod: &mut Value) {
    each_container(pod, |container| {
        for kind in ["requests", "limits"] {
            let Some(amounts) = container.get_mut("resources").and_then(|resources| resources.get_mut(kind))
            else {
                continue;
            };
            for (from, to) in [("10m", "0.01"), ("64Mi", "65536Ki"), ("1Gi", "1024Mi"), ("50m", "0.05")] {
                for resource in ["cpu", "memory"] {
                    if amounts[resource] == from {
                        amounts[resource] = json!(to);
                    }
                }
            }
        }
    });
}

/// Images come from a mirror, and are pinned: the settings say so.
fn mirror(pod: &mut Value) {
    each_container(pod, |container| {
        if let Some(image) = container.get_mut("image")
            && let Some(text) = image.as_str().filter(|text| !text.starts_with("rewritten.example/"))
        {
            let pinned = if text.contains('@') { "" } else { "@sha256:0123" };
            *image = json!(format!("rewritten.example/{text}{pinned}"));
        }
    });
}

/// What a `LimitRange` gives to containers that say nothing.
fn limits(pod: &mut Value) {
    each_container(pod, |container| {
        let resources = container.entry("resources").or_insert_with(|| json!({}));
        let Some(resources) = resources.as_object_mut() else { return };
        let Some(limits) = resources.entry("limits").or_insert_with(|| json!({})).as_object_mut() else {
            return;
        };
        default(limits, "cpu", json!("2"));
        default(limits, "memory", json!("4Gi"));
    });
}
