//! Whether the webhook configurations make the API server call multipod for the right pods.

use serde_json::Value;

use super::access::{Access, Kind, bytes, items, text};
use super::found::{Cure, Report};

pub(super) const CONFIGURATION: Kind =
    Kind("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration");
const OF_POLICIES: Kind = Kind("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration");
const NAME: &str = "multipod";
const OF_PODS: [&str; 2] = ["pods.multipod.dev", "namespaces.multipod.dev"];
const OF_WORKLOADS: &str = "workloads.multipod.dev";
/// Whose pods must never wait for multipod.
const NEVER: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Returns the authorities that the API server trusts.
pub(super) async fn check(access: &Access, report: &mut Report) -> Option<Vec<u8>> {
    report.about("Webhooks");
    let configuration = match access.one(CONFIGURATION, NAME).await {
        Ok(Some(configuration)) => configuration,
        Ok(None) => {
            let message = format!(
                "there is no MutatingWebhookConfiguration {NAME}: no pod is injected, and enforced policies hold nobody"
            );
            report.bad("registered", message, Cure::DOWN);
            return None;
        }
        Err(why) => {
            report.unseen("registered", &why);
            return None;
        }
    };
    let webhooks: Vec<&Value> = items(&configuration["webhooks"]).collect();
    registered(&webhooks, report);
    selects(&webhooks, &access.namespace, report);
    failure_policy(&webhooks, report);
    let bundle = authorities(&webhooks, report);
    match access.one(OF_POLICIES, NAME).await {
        Ok(Some(_)) => report.good("policies are looked at", "when they are applied"),
        Ok(None) => report.doubtful(
            "policies are looked at",
            format!("there is no ValidatingWebhookConfiguration {NAME}: a mistake is told only by the status of a policy"),
            Cure::UPGRADE,
        ),
        Err(why) => report.unseen("policies are looked at", &why),
    }
    bundle
}

fn name(webhook: &Value) -> &str {
    text(&webhook["name"])
}

fn of_pods<'w>(webhooks: &[&'w Value]) -> impl Iterator<Item = &'w Value> {
    webhooks.iter().copied().filter(|webhook| OF_PODS.contains(&name(webhook)))
}

/// Whether a list of texts has this one.
pub(super) fn has(list: &Value, one: &str) -> bool {
    items(list).any(|it| it == one)
}

fn registered(webhooks: &[&Value], report: &mut Report) {
    let missing: Vec<&str> = OF_PODS
        .into_iter()
        .chain([OF_WORKLOADS])
        .filter(|wanted| !webhooks.iter().any(|webhook| name(webhook) == *wanted))
        .collect();
    if missing.is_empty() {
        report.good("registered", format!("{} entries", webhooks.len()));
    } else {
        report.bad("registered", format!("without {}", missing.join(", ")), Cure::UPGRADE);
    }
}

/// The pods that multipod needs to see, and none whose start must not wait for it.
fn selects(webhooks: &[&Value], own: &str, report: &mut Report) {
    let mut wrong = Vec::new();
    for webhook in of_pods(webhooks) {
        let name = name(webhook);
        let creates_pods = items(&webhook["rules"]).any(|rule| {
            let operations = &rule["operations"];
            has(&rule["resources"], "pods") && (has(operations, "CREATE") || has(operations, "*"))
        });
        if !creates_pods {
            wrong.push(format!("{name} is not for pods that are created"));
        }
        let pods = &webhook["objectSelector"];
        if pods["matchLabels"].is_object() || pods["matchExpressions"].is_array() {
            wrong.push(format!("{name} has an objectSelector: pods without these labels are not injected"));
        }
        if items(&webhook["matchConditions"]).next().is_none() {
            wrong.push(format!("{name} has no matchConditions: it holds up pods that ask for nothing"));
        }
        let expressions = items(&webhook["namespaceSelector"]["matchExpressions"]);
        let excluding = expressions
            .filter(|one| one["key"] == "kubernetes.io/metadata.name" && one["operator"] == "NotIn");
        let excluded: Vec<&Value> = excluding.flat_map(|one| items(&one["values"])).collect();
        let reached: Vec<&str> =
            NEVER.into_iter().chain([own]).filter(|name| !excluded.iter().any(|it| *it == name)).collect();
        if !reached.is_empty() {
            wrong.push(format!(
                "{name} does not exclude {}: what multipod itself needs could not start while it is down",
                reached.join(", ")
            ));
        }
    }
    if wrong.is_empty() {
        report.good("selects", "pods that ask, and the others of namespaces that have opted in");
    } else {
        report.bad("selects", wrong.join("\n"), Cure::WHICH_PODS);
    }
}

fn failure_policy(webhooks: &[&Value], report: &mut Report) {
    let open: Vec<&str> =
        of_pods(webhooks).filter(|webhook| webhook["failurePolicy"] == "Ignore").map(name).collect();
    if open.is_empty() {
        report.good("while it is down", "pods that ask are refused");
    } else {
        let message = format!(
            "{} admit pods as they are while no replica answers (Ignore); only the guard would see them",
            open.join(", ")
        );
        report.doubtful("while it is down", message, Cure::GUARD);
    }
}

/// What all entries trust; entries that differ trust nobody in common.
fn authorities(webhooks: &[&Value], report: &mut Report) -> Option<Vec<u8>> {
    let bundle = |webhook: &Value| bytes(&webhook["clientConfig"]["caBundle"]);
    let without: Vec<&str> =
        webhooks.iter().copied().filter(|webhook| bundle(webhook).is_empty()).map(name).collect();
    if !without.is_empty() {
        let message = format!(
            "no caBundle in {}: the API server trusts no replica, until one that makes its certificates itself has \
             written it",
            without.join(", ")
        );
        report.bad("authority", message, Cure::CERTIFICATES);
        return None;
    }
    let first = bundle(webhooks.first()?);
    if webhooks.iter().any(|webhook| bundle(webhook) != first) {
        report.doubtful("authority", "the entries have different caBundles", Cure::CERTIFICATES);
    } else {
        report.good("authority", "every entry has a caBundle");
    }
    Some(first)
}
