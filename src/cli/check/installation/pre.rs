//! `check --pre`: what prevents an installation.

use k8s_openapi::api::core::v1::{Namespace, Node};
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, ResourceExt};
use serde_json::json;

use super::access::Access;
use super::found::{Cure, Report};
use super::injection::{careful, made};

pub(super) async fn check(access: &Access, report: &mut Report) {
    report.about("Namespace");
    namespace(access, report).await;
    report.about("Names");
    names(access, report).await;
    report.about("Nodes");
    nodes(access, report).await;
}

/// Where it is there already, a pod as careful as a replica shows what Pod Security, quotas and other policies say.
async fn namespace(access: &Access, report: &mut Report) {
    let name = &access.namespace;
    match access.one::<Namespace>(Api::all(access.client.clone()), name).await {
        Ok(None) => return report.good("there", format!("{name} is free")),
        Ok(Some(_)) => report.good("there", format!("{name} is there already")),
        Err(why) => return report.unseen("there", &why),
    }
    let mut spec = careful("multipod/multipod");
    spec["priorityClassName"] = json!("system-cluster-critical");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "multipod-check-"}, "spec": spec});
    match made(access, name, &pod).await {
        Ok(_) => report.good("admits replicas", "Pod Security, quotas and policies (dry run)"),
        Err(why) if why.contains("serviceaccount") => report.unseen("admits replicas", &why),
        Err(why) => {
            report.bad("admits replicas", format!("a pod like a replica is refused: {why}"), Cure::INSTALL);
        }
    }
}

/// All that multipod calls its own in the cluster as a whole.
async fn names(access: &Access, report: &mut Report) {
    let role = access.one::<ClusterRole>(Api::all(access.client.clone()), "multipod").await;
    match role {
        Err(why) => report.unseen("free", &why),
        Ok(None) => report.good("free", "nobody else is called multipod"),
        Ok(Some(role)) => {
            let annotation = |key: &str| role.annotations().get(key).cloned();
            let by =
                match (annotation("meta.helm.sh/release-name"), annotation("meta.helm.sh/release-namespace"))
                {
                    (Some(release), Some(namespace)) => format!("by the release {release} in {namespace}"),
                    _ => "by kubectl".to_owned(),
                };
            report.doubtful(
                "free",
                format!("multipod is installed already, {by}: upgrade it"),
                Cure::UPGRADE,
            );
        }
    }
    let crds = Api::<CustomResourceDefinition>::all(access.client.clone());
    match access.one(crds, "injectionpolicies.multipod.dev").await {
        Err(why) => report.unseen("custom resources", &why),
        Ok(None) => report.good("custom resources", "none yet"),
        Ok(Some(crd)) if crd.labels().get("app.kubernetes.io/managed-by").is_some_and(|by| by == "Helm") => {
            report.good("custom resources", "there, from a release of Helm");
        }
        Ok(Some(_)) => report.doubtful(
            "custom resources",
            "there, but not from Helm: it wants --set crds.enabled=false, or --take-ownership",
            Cure::CUSTOM_RESOURCES,
        ),
    }
}

async fn nodes(access: &Access, report: &mut Report) {
    let nodes = match access.all::<Node>("kubernetes.io/os=linux").await {
        Ok(nodes) => nodes,
        Err(why) => return report.unseen("for replicas", &why),
    };
    let usable = nodes.iter().filter(|node| {
        let spec = node.spec.as_ref();
        let tainted = spec.and_then(|spec| spec.taints.as_ref()).into_iter().flatten();
        let closed = tainted.into_iter().any(|taint| taint.effect != "PreferNoSchedule");
        !closed && !spec.and_then(|spec| spec.unschedulable).unwrap_or(false)
    });
    match usable.count() {
        0 => report.bad("for replicas", "no Linux node takes pods", Cure::INSTALL),
        1 => report.doubtful(
            "for replicas",
            "only 1: while it is away, pods that ask are refused",
            Cure::SIZING,
        ),
        several => report.good("for replicas", format!("{several} Linux nodes")),
    }
}
