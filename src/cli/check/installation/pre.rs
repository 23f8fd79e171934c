//! `check --pre`: what prevents an installation.

use serde_json::json;

use super::access::{Access, Kind, items};
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
    match access.one(Kind("v1", "Namespace"), name).await {
        Ok(None) => return report.good("there", format!("{name} is free")),
        Ok(Some(_)) => report.good("there", format!("{name} is there already")),
        Err(why) => return report.unseen("there", &why),
    }
    let mut spec = careful("multipod/multipod");
    spec["priorityClassName"] = json!("system-cluster-critical");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "multipod-check-"}, "spec": spec});
    match made(access, name, pod).await {
        Ok(_) => report.good("admits replicas", "Pod Security, quotas and policies (dry run)"),
        Err(why) if why.contains("serviceaccount") => report.unseen("admits replicas", &why),
        Err(why) => {
            report.bad("admits replicas", format!("a pod like a replica is refused: {why}"), Cure::INSTALL);
        }
    }
}

/// All that multipod calls its own in the cluster as a whole.
async fn names(access: &Access, report: &mut Report) {
    let role = access.one(Kind("rbac.authorization.k8s.io/v1", "ClusterRole"), "multipod").await;
    match role {
        Err(why) => report.unseen("free", &why),
        Ok(None) => report.good("free", "nobody else is called multipod"),
        Ok(Some(role)) => {
            let annotation = |key: &str| role["metadata"]["annotations"][key].as_str();
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
    let kind = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    match access.one(kind, "injectionpolicies.multipod.dev").await {
        Err(why) => report.unseen("custom resources", &why),
        Ok(None) => report.good("custom resources", "none yet"),
        Ok(Some(crd)) if crd["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm" => {
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
    let nodes = match access.all(Kind("v1", "Node"), "kubernetes.io/os=linux").await {
        Ok(nodes) => nodes,
        Err(why) => return report.unseen("for replicas", &why),
    };
    let usable = nodes.iter().filter(|node| {
        let closed = items(&node["spec"]["taints"]).any(|taint| taint["effect"] != "PreferNoSchedule");
        !closed && node["spec"]["unschedulable"] != true
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
