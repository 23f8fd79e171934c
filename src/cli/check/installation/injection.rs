//! A pod that asks for something, made as a dry run: everything that stands between a user and multipod takes part.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::access::{Access, Seen, why};
use super::found::{Cure, Report};

const ASKED: &str = "multipod-ambassador";

pub(super) async fn check(access: &Access, report: &mut Report) {
    report.about("Injection");
    let namespace = &access.dry_run_in;
    match made(access, namespace, &pod()).await {
        Ok(pod) => {
            let spec = pod.spec.unwrap_or_default();
            let containers = spec.init_containers.iter().flatten().chain(&spec.containers);
            if containers.into_iter().any(|container| container.name == ASKED) {
                report.good("dry run", format!("a pod in {namespace} that asks for an ambassador gets it"));
            } else {
                let message = format!("a pod in {namespace} that asks for an ambassador comes without it");
                report.bad("dry run", message, Cure::WHICH_PODS);
            }
        }
        Err(why) if why.contains("multipod") => {
            report.bad("dry run", format!("a pod in {namespace} that asks is refused: {why}"), Cure::DOWN);
        }
        // Somebody else's no: a quota, a policy, missing rights.
        Err(why) => report.unseen("dry run", &why),
    }
}

/// What becomes of a pod, without making it.
pub(super) async fn made(access: &Access, namespace: &str, pod: &Value) -> Seen<Pod> {
    let pod: Pod = serde_json::from_value(pod.clone()).map_err(|error| error.to_string())?;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let pods = Api::<Pod>::namespaced(access.client.clone(), namespace);
    pods.create(&dry, &pod).await.map_err(|error| why(&error))
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "multipod-check-", "annotations": {"multipod/ambassador": "80:8080"}},
        "spec": careful("app"),
    })
}

/// A pod that every level of Pod Security admits, and a namespace with quotas.
pub(super) fn careful(image: &str) -> Value {
    json!({
        "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "app",
            "image": image,
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "1", "memory": "32Mi"}},
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        }],
    })
}
