//! The Deployment, its pods and endpoints, and the status of policies.

use std::collections::BTreeSet;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Api, ResourceExt};

use super::access::{Access, why};
use super::found::{Cure, Report};

const REPLICAS: &str = "app.kubernetes.io/name=multipod,app.kubernetes.io/component=webhook";
const GUARD: &str = "app.kubernetes.io/name=multipod,app.kubernetes.io/component=guard";

pub(super) async fn check(access: &Access, report: &mut Report) {
    report.about("Replicas");
    replicas(access, report).await;
    endpoints(access, report).await;
    versions(access, report).await;
    report.about("Guard");
    guard(access, report).await;
}

fn deployments(access: &Access) -> Api<Deployment> {
    Api::namespaced(access.client.clone(), &access.namespace)
}

async fn replicas(access: &Access, report: &mut Report) {
    let deployment = match access.one(deployments(access), "multipod").await {
        Ok(Some(deployment)) => deployment,
        Ok(None) => {
            let message = format!(
                "there is no Deployment multipod in {}; --installed-in names another namespace",
                access.namespace
            );
            return report.bad("ready", message, Cure::INSTALL);
        }
        Err(why) => return report.unseen("ready", &why),
    };
    let wanted = deployment.spec.replicas.unwrap_or(1);
    let status = deployment.status.unwrap_or_default();
    let ready = status.ready_replicas.unwrap_or(0);
    let updated = status.updated_replicas.unwrap_or(0);
    let message = format!("{ready} of {wanted}");
    match ready {
        0 => report.bad("ready", message, Cure::DOWN),
        _ if ready < wanted => report.doubtful("ready", message, Cure::DOWN),
        1 => report.doubtful("ready", "only 1: its end refuses pods that ask", Cure::SIZING),
        _ if updated < wanted => {
            report.doubtful(
                "ready",
                format!("{message}, {updated} of them as they should be by now"),
                Cure::UPGRADE,
            );
        }
        _ => report.good("ready", message),
    }
}

async fn endpoints(access: &Access, report: &mut Report) {
    let slices = match access.own::<EndpointSlice>("kubernetes.io/service-name=multipod").await {
        Ok(slices) => slices,
        Err(why) => return report.unseen("endpoints", &why),
    };
    let ready: BTreeSet<String> = slices
        .into_iter()
        .flat_map(|slice| slice.endpoints.unwrap_or_default())
        .filter(|endpoint| {
            endpoint.conditions.as_ref().is_none_or(|conditions| conditions.ready != Some(false))
        })
        .flat_map(|endpoint| endpoint.addresses)
        .collect();
    if ready.is_empty() {
        report.bad("endpoints", "the Service multipod leads to no replica", Cure::DOWN);
    } else {
        report.good("endpoints", format!("the Service multipod leads to {}", ready.len()));
    }
}

/// Of the images that run, and of this program.
async fn versions(access: &Access, report: &mut Report) {
    let pods = match access.own::<Pod>(REPLICAS).await {
        Ok(pods) => pods,
        Err(why) => return report.unseen("versions", &why),
    };
    let images: BTreeSet<String> = pods
        .into_iter()
        .filter_map(|pod| pod.spec)
        .flat_map(|spec| spec.containers)
        .filter(|container| container.name == "multipod")
        .filter_map(|container| container.image)
        .collect();
    let own = env!("CARGO_PKG_VERSION");
    let mut tags =
        images.iter().filter(|image| !image.contains('@')).filter_map(|image| image.rsplit_once(':'));
    if images.len() > 1 {
        let all: Vec<&str> = images.iter().map(String::as_str).collect();
        report.doubtful("versions", format!("replicas differ: {}", all.join(", ")), Cure::UPGRADE);
    } else if let Some((_, other)) = tags.find(|(_, tag)| *tag != own) {
        report.doubtful("versions", format!("replicas are {other}, and this program {own}"), Cure::UPGRADE);
    } else if let Some(image) = images.first() {
        report.good("versions", image);
    }
}

async fn guard(access: &Access, report: &mut Report) {
    let policies = access.all::<ValidatingAdmissionPolicy>(GUARD).await;
    let bindings = access.all::<ValidatingAdmissionPolicyBinding>(GUARD).await;
    let (policies, bindings) = match (policies, bindings) {
        (Ok(policies), Ok(bindings)) => (policies, bindings),
        (Err(why), _) | (_, Err(why)) => return report.unseen("guard", &why),
    };
    let bound = |name: &str| bindings.iter().any(|binding| binding.spec.policy_name == name);
    let names: Vec<String> = policies.iter().map(ResourceExt::name_any).collect();
    let loose: Vec<&str> = names.iter().map(String::as_str).filter(|name| !bound(name)).collect();
    let mistaken: Vec<&str> = policies
        .iter()
        .filter(|policy| {
            let checking = policy.status.as_ref().and_then(|status| status.type_checking.as_ref());
            checking
                .and_then(|checking| checking.expression_warnings.as_ref())
                .is_some_and(|all| !all.is_empty())
        })
        .filter_map(|policy| policy.metadata.name.as_deref())
        .collect();
    if names.is_empty() {
        report.good("guard", "none, which is as you like");
    } else if !loose.is_empty() {
        report.bad("guard", format!("no binding for {}: it holds nothing", loose.join(", ")), Cure::GUARD);
    } else if !mistaken.is_empty() {
        let message = format!("the API server warns of {}: print and apply it again", mistaken.join(", "));
        report.doubtful("guard", message, Cure::GUARD);
    } else {
        report.good("guard", format!("{} policies, each with its binding", names.len()));
    }
}

/// The Secret that the replicas take their certificate from, if they take it from one.
pub(super) async fn secret_of(access: &Access) -> Option<String> {
    let deployment = access.one(deployments(access), "multipod").await.ok()??;
    let volumes = deployment.spec.template.spec?.volumes?;
    volumes.into_iter().find(|volume| volume.name == "tls")?.secret?.secret_name
}

pub(super) async fn check_policies(access: &Access, report: &mut Report) {
    report.about("Policies");
    for (kind, plural) in [("InjectionPolicy", "injectionpolicies"), ("Pattern", "patterns")] {
        let resource = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk("multipod.dev", "v1alpha1", kind),
            plural,
        );
        let all = Api::<DynamicObject>::all_with(access.client.clone(), &resource);
        match all.list(&ListParams::default()).await {
            Ok(list) => accepted(plural, &list.items, report),
            Err(kube::Error::Api(status)) if status.code == 404 => {
                report.good(plural, "this cluster has no such kind: policies come from a folder");
            }
            Err(error) => report.unseen(plural, &why(&error)),
        }
    }
}

fn accepted(plural: &'static str, objects: &[DynamicObject], report: &mut Report) {
    let (mut refused, mut unheard) = (Vec::new(), Vec::new());
    for object in objects {
        let conditions = object.data.pointer("/status/conditions").and_then(|list| list.as_array());
        let condition = conditions.into_iter().flatten().find(|one| one["type"] == "Accepted");
        match condition {
            Some(condition) if condition["status"] == "False" => {
                let why =
                    condition["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
                refused.push(format!("{}: {why}", object.name_any()));
            }
            Some(_) => {}
            None => unheard.push(object.name_any()),
        }
    }
    if !refused.is_empty() {
        report.bad(plural, format!("{} not in force\n{}", refused.len(), refused.join("\n")), Cure::POLICIES);
    } else if !unheard.is_empty() {
        let message = format!("no replica has said what became of {}", unheard.join(", "));
        report.doubtful(plural, message, Cure::POLICIES);
    } else {
        report.good(plural, format!("{} accepted", objects.len()));
    }
}
