//! Whether the user has the rights to create all objects of the installation.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::access::{Access, Seen, why};
use super::found::{Cure, Report};

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
    let attributes = ResourceAttributes {
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        verb: Some("create".to_owned()),
        namespace: inside.then(|| access.namespace.clone()),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews = Api::<SelfSubjectAccessReview>::all(access.client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await.map_err(|error| why(&error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
