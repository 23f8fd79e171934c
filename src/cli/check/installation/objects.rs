//! The Deployment, its pods and endpoints, and the status of policies.

use std::collections::BTreeSet;

use serde_json::Value;

use super::access::{Access, Kind, Seen, items, text};
use super::found::{Cure, Report};
use super::images;

const GUARD: &str = "app.kubernetes.io/name=multipod,app.kubernetes.io/component=guard";

pub(super) async fn check(access: &Access, report: &mut Report) {
    report.about("Replicas");
    replicas(access, report).await;
    endpoints(access, report).await;
    images::check(access, report).await;
    report.about("Guard");
    guard(access, report).await;
}

async fn deployment(access: &Access) -> Seen<Option<Value>> {
    access.own_one(Kind("apps/v1", "Deployment"), "multipod").await
}

async fn replicas(access: &Access, report: &mut Report) {
    let deployment = match deployment(access).await {
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
    let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
    let count = |field: &str| deployment["status"][field].as_u64().unwrap_or(0);
    let (ready, updated) = (count("readyReplicas"), count("updatedReplicas"));
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
    let slices = match access
        .own(Kind("discovery.k8s.io/v1", "EndpointSlice"), "kubernetes.io/service-name=multipod")
        .await
    {
        Ok(slices) => slices,
        Err(why) => return report.unseen("endpoints", &why),
    };
    let endpoints = slices.iter().flat_map(|slice| items(&slice["endpoints"]));
    let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] != false);
    let ready: BTreeSet<&str> = ready.flat_map(|endpoint| items(&endpoint["addresses"])).map(text).collect();
    if ready.is_empty() {
        report.bad("endpoints", "the Service multipod leads to no replica", Cure::DOWN);
    } else {
        report.good("endpoints", format!("the Service multipod leads to {}", ready.len()));
    }
}

async fn guard(access: &Access, report: &mut Report) {
    let all = |kind| access.all(Kind("admissionregistration.k8s.io/v1", kind), GUARD);
    let policies = all("ValidatingAdmissionPolicy").await;
    let bindings = all("ValidatingAdmissionPolicyBinding").await;
    let (policies, bindings) = match (policies, bindings) {
        (Ok(policies), Ok(bindings)) => (policies, bindings),
        (Err(why), _) | (_, Err(why)) => return report.unseen("guard", &why),
    };
    let bound = |name: &str| bindings.iter().any(|binding| binding["spec"]["policyName"] == name);
    let names: Vec<&str> = policies.iter().map(name).collect();
    let loose: Vec<&str> = names.iter().copied().filter(|name| !bound(name)).collect();
    let warned =
        |policy: &&Value| items(&policy["status"]["typeChecking"]["expressionWarnings"]).next().is_some();
    let mistaken: Vec<&str> = policies.iter().filter(warned).map(name).collect();
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
    let deployment = deployment(access).await.ok()??;
    let mut volumes = items(&deployment["spec"]["template"]["spec"]["volumes"]);
    Some(volumes.find(|volume| volume["name"] == "tls")?["secret"]["secretName"].as_str()?.to_owned())
}

fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

pub(super) async fn check_policies(access: &Access, report: &mut Report) {
    report.about("Policies");
    for (kind, plural) in [("InjectionPolicy", "injectionpolicies"), ("Pattern", "patterns")] {
        match access.all_if_known(Kind("multipod.dev/v1alpha1", kind)).await {
            Ok(Some(objects)) => accepted(plural, &objects, report),
            Ok(None) => report.good(plural, "this cluster has no such kind: policies come from a folder"),
            Err(why) => report.unseen(plural, &why),
        }
    }
}

fn accepted(plural: &'static str, objects: &[Value], report: &mut Report) {
    let (mut refused, mut unheard) = (Vec::new(), Vec::new());
    for object in objects {
        let condition = items(&object["status"]["conditions"]).find(|one| one["type"] == "Accepted");
        match condition {
            Some(condition) if condition["status"] == "False" => {
                let why = text(&condition["message"]).lines().next().unwrap_or_default();
                refused.push(format!("{}: {why}", name(object)));
            }
            Some(_) => {}
            None => unheard.push(name(object)),
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
