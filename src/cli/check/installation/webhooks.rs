//! Whether the webhook configurations make the API server call multipod for the right pods.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::Api;

use super::access::Access;
use super::found::{Cure, Report};

const NAME: &str = "multipod";
const OF_PODS: [&str; 2] = ["pods.multipod.dev", "namespaces.multipod.dev"];
const OF_WORKLOADS: &str = "workloads.multipod.dev";
/// Whose pods must never wait for multipod.
const NEVER: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Returns the authorities that the API server trusts.
pub(super) async fn check(access: &Access, report: &mut Report) -> Option<Vec<u8>> {
    report.about("Webhooks");
    let found = access.one::<MutatingWebhookConfiguration>(Api::all(access.client.clone()), NAME).await;
    let configuration = match found {
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
    let webhooks = configuration.webhooks.unwrap_or_default();
    registered(&webhooks, report);
    selects(&webhooks, &access.namespace, report);
    failure_policy(&webhooks, report);
    let bundle = authorities(&webhooks, report);
    let validating =
        access.one::<ValidatingWebhookConfiguration>(Api::all(access.client.clone()), NAME).await;
    match validating {
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

fn of_pods(webhooks: &[MutatingWebhook]) -> impl Iterator<Item = &MutatingWebhook> {
    webhooks.iter().filter(|webhook| OF_PODS.contains(&&*webhook.name))
}

fn registered(webhooks: &[MutatingWebhook], report: &mut Report) {
    let missing: Vec<&str> = OF_PODS
        .into_iter()
        .chain([OF_WORKLOADS])
        .filter(|name| !webhooks.iter().any(|webhook| webhook.name == *name))
        .collect();
    if missing.is_empty() {
        report.good("registered", format!("{} entries", webhooks.len()));
    } else {
        report.bad("registered", format!("without {}", missing.join(", ")), Cure::UPGRADE);
    }
}

/// The pods that multipod needs to see, and none whose start must not wait for it.
fn selects(webhooks: &[MutatingWebhook], own: &str, report: &mut Report) {
    let mut wrong = Vec::new();
    for webhook in of_pods(webhooks) {
        let name = &webhook.name;
        let creates_pods = webhook.rules.iter().flatten().any(|rule| {
            let has = |list: &Option<Vec<String>>, one: &str| list.iter().flatten().any(|it| it == one);
            has(&rule.resources, "pods") && (has(&rule.operations, "CREATE") || has(&rule.operations, "*"))
        });
        if !creates_pods {
            wrong.push(format!("{name} is not for pods that are created"));
        }
        if webhook
            .object_selector
            .as_ref()
            .is_some_and(|selector| selector.match_labels.is_some() || selector.match_expressions.is_some())
        {
            wrong.push(format!("{name} has an objectSelector: pods without these labels are not injected"));
        }
        if webhook.match_conditions.iter().flatten().next().is_none() {
            wrong.push(format!("{name} has no matchConditions: it holds up pods that ask for nothing"));
        }
        let selector = webhook.namespace_selector.as_ref();
        let expressions = selector.and_then(|selector| selector.match_expressions.as_ref());
        let excluded: Vec<&String> = expressions
            .into_iter()
            .flatten()
            .filter(|one| one.key == "kubernetes.io/metadata.name" && one.operator == "NotIn")
            .flat_map(|one| one.values.iter().flatten())
            .collect();
        let reached: Vec<&str> =
            NEVER.into_iter().chain([own]).filter(|name| !excluded.iter().any(|it| it == name)).collect();
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

fn failure_policy(webhooks: &[MutatingWebhook], report: &mut Report) {
    let open: Vec<&str> = of_pods(webhooks)
        .filter(|webhook| webhook.failure_policy.as_deref() == Some("Ignore"))
        .map(|webhook| &*webhook.name)
        .collect();
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
fn authorities(webhooks: &[MutatingWebhook], report: &mut Report) -> Option<Vec<u8>> {
    let bundle = |webhook: &MutatingWebhook| {
        webhook.client_config.ca_bundle.as_ref().map(|bundle| bundle.0.clone()).unwrap_or_default()
    };
    let without: Vec<&str> =
        webhooks.iter().filter(|webhook| bundle(webhook).is_empty()).map(|webhook| &*webhook.name).collect();
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
