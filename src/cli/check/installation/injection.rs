//! A pod that asks for something, made as a dry run: everything that stands between a user and multipod takes part.

use serde_json::{Value, json};

use super::access::{Access, Kind, Seen, items};
use super::found::{Cure, Report};

const ASKED: &str = "multipod-ambassador";

pub(super) async fn check(access: &Access, report: &mut Report) {
    report.about("Injection");
    let namespace = &access.dry_run_in;
    match made(access, namespace, pod()).await {
        Ok(pod) => {
            let mut containers =
                items(&pod["spec"]["initContainers"]).chain(items(&pod["spec"]["containers"]));
            if containers.any(|container| container["name"] == ASKED) {
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
pub(super) async fn made(access: &Access, namespace: &str, pod: Value) -> Seen<Value> {
    access.make(Kind("v1", "Pod"), Some(namespace), pod, true).await
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
