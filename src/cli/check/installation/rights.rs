//! Whether the user has the rights to create all objects of the installation.

use serde_json::json;

use super::access::{Access, Kind, Seen};
use super::found::{Cure, Report};

const REVIEW: Kind = Kind("authorization.k8s.io/v1", "SelfSubjectAccessReview");
/// What is installed: group, resource, and whether it is in multipod's namespace.
const INSTALLED: [(&str, &str, bool); 14] = [
    ("", "namespaces", false),
    ("", "serviceaccounts", true),
    ("", "configmaps", true),
    ("", "secrets", true),
    ("", "services", true),
    ("", "resourcequotas", true),
    ("apps", "deployments", true),
    ("policy", "poddisruptionbudgets", true),
    ("networking.k8s.io", "networkpolicies", true),
    ("rbac.authorization.k8s.io", "clusterroles", false),
    ("rbac.authorization.k8s.io", "clusterrolebindings", false),
    ("rbac.authorization.k8s.io", "roles", true),
    ("apiextensions.k8s.io", "customresourcedefinitions", false),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", false),
];

pub(super) async fn check(access: &Access, report: &mut Report) {
    report.about("Rights");
    let mut missing = Vec::new();
    for (group, resource, inside) in INSTALLED {
        match may_create(access, group, resource, inside).await {
            Ok(true) => {}
            Ok(false) => missing.push(resource),
            Err(why) => return report.unseen("to install", &why),
        }
    }
    if missing.is_empty() {
        report.good("to install", "you may create everything that is installed");
    } else {
        report.bad("to install", format!("you may not create {}", missing.join(", ")), Cure::RIGHTS);
    }
}

async fn may_create(access: &Access, group: &str, resource: &str, inside: bool) -> Seen<bool> {
    let namespace = if inside { &access.namespace } else { "" };
    let asked = json!({
        "apiVersion": REVIEW.0,
        "kind": REVIEW.1,
        "metadata": {},
        "spec": {"resourceAttributes": {"group": group, "resource": resource, "verb": "create", "namespace": namespace}},
    });
    let answer = access.make(REVIEW, None, asked, false).await?;
    Ok(answer["status"]["allowed"] == true)
}
