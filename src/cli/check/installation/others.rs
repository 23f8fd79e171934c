//! Other webhooks for pods: their order, and whether the API server can reach them.

use k8s_openapi::api::admissionregistration::v1::{MutatingWebhook, MutatingWebhookConfiguration};
use kube::ResourceExt;

use super::access::Access;
use super::found::{Cure, Report};

pub(super) async fn check(access: &Access, report: &mut Report) {
    report.about("Other webhooks");
    let mut all = match access.all::<MutatingWebhookConfiguration>("").await {
        Ok(all) => all,
        Err(why) => return report.unseen("injectors", &why),
    };
    all.retain(|configuration| {
        configuration.name_any() != "multipod" && configuration.webhooks.iter().flatten().any(is_for_new_pods)
    });
    all.sort_by_key(ResourceExt::name_any);
    let names = all.iter().map(ResourceExt::name_any);
    let (before, after): (Vec<_>, Vec<_>) = names.partition(|name| &**name < "multipod");
    if !before.is_empty() {
        report.good("before multipod", before.join(", "));
    }
    if after.is_empty() {
        report.good("after multipod", "none: what others ask for by an annotation is seen");
    } else {
        let message = format!("{}: an annotation of multipod's that they add is not seen", after.join(", "));
        report.doubtful("after multipod", message, Cure::OTHER_WEBHOOKS);
    }
    let reached = all.iter().filter(|configuration| {
        configuration.webhooks.iter().flatten().any(|webhook| webhook.client_config.service.is_some())
    });
    match reached.count() {
        0 => report.doubtful(
            "reachability",
            "no other webhook shows whether the API server reaches pods; it has to reach their port 8443",
            Cure::WHO_MAY_CONNECT,
        ),
        several => report.good(
            "reachability",
            format!("the API server calls {several} other webhooks in pods; multipod's port is 8443"),
        ),
    }
}

fn is_for_new_pods(webhook: &MutatingWebhook) -> bool {
    let has = |list: &Option<Vec<String>>, one: &str| list.iter().flatten().any(|it| it == one || it == "*");
    webhook.rules.iter().flatten().any(|rule| {
        has(&rule.api_groups, "") && has(&rule.resources, "pods") && has(&rule.operations, "CREATE")
    })
}
