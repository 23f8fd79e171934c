//! Other webhooks for pods: their order, and whether the API server can reach them.

use serde_json::Value;

use super::access::{Access, items, text};
use super::found::{Cure, Report};
use super::webhooks::{CONFIGURATION, has};

pub(super) async fn check(access: &Access, report: &mut Report) {
    report.about("Other webhooks");
    let mut all = match access.all(CONFIGURATION, "").await {
        Ok(all) => all,
        Err(why) => return report.unseen("injectors", &why),
    };
    all.retain(|configuration| {
        name(configuration) != "multipod" && items(&configuration["webhooks"]).any(is_for_new_pods)
    });
    all.sort_by(|a, b| name(a).cmp(name(b)));
    let (before, after): (Vec<&str>, Vec<&str>) = all.iter().map(name).partition(|name| *name < "multipod");
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
        items(&configuration["webhooks"]).any(|webhook| webhook["clientConfig"]["service"].is_object())
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

fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

fn is_for_new_pods(webhook: &Value) -> bool {
    items(&webhook["rules"]).any(|rule| {
        let has = |field: &str, one: &str| has(&rule[field], one) || has(&rule[field], "*");
        has("apiGroups", "") && has("resources", "pods") && has("operations", "CREATE")
    })
}
