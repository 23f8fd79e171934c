//! Who may do what: `tests/data/deploy/rights.yaml` is what people review, of the base and of the chart.

use std::fs;

use serde_json::{Value, json};

use super::{OURS, overlay, root};
use crate::support::run::values;

/// What the bindings among these objects give, in order.
fn rights(objects: &[Value]) -> Vec<Value> {
    let of_kind = |ending: &'static str| {
        objects.iter().filter(move |object| object["kind"].as_str().unwrap().ends_with(ending))
    };
    let roles: Vec<&Value> = of_kind("Role").collect();
    let bindings: Vec<&Value> = of_kind("Binding").collect();
    assert_eq!(roles.len(), bindings.len(), "a role that nobody has");
    let mut all: Vec<Value> = bindings
        .into_iter()
        .map(|binding| {
            let namespace = &binding["metadata"]["namespace"];
            let role = roles.iter().find(|role| {
                role["kind"] == binding["roleRef"]["kind"]
                    && role["metadata"]["name"] == binding["roleRef"]["name"]
                    && role["metadata"]["namespace"] == *namespace
            });
            let [subject] = &binding["subjects"].as_array().unwrap()[..] else { panic!("{binding}") };
            assert_eq!(subject["kind"], "ServiceAccount");
            json!({
                "who": format!("{}/{}", subject["namespace"].as_str().unwrap(), subject["name"].as_str().unwrap()),
                "where": namespace.as_str().unwrap_or("everywhere"),
                "by": binding["metadata"]["name"],
                "may": role.unwrap_or_else(|| panic!("{binding}"))["rules"],
            })
        })
        .collect();
    all.sort_by_key(|right| format!("{} {}", right["where"], right["by"]));
    all
}

#[test]
fn the_server_may_do_what_was_reviewed_and_nothing_else() {
    let reviewed = values(&fs::read_to_string(root().join("tests/data/deploy/rights.yaml")).unwrap());
    let Some(plain) = overlay(&[], &json!({}), &[]) else { return };
    let given = overlay(&["certificates-from-secret"], &json!({}), &[]).unwrap();
    for (name, objects) in [("managed", plain), ("secret", given)] {
        let rights = rights(&objects);
        assert_eq!(Value::from(rights.clone()), reviewed[0][name], "{name}");
        for right in &rights {
            assert_eq!(right["who"], format!("{OURS}/multipod"));
            right["may"].as_array().unwrap().iter().for_each(|rule| harmless(right, rule));
        }
        let text = Value::from(rights).to_string();
        for never in ["*", "update", "escalate", "impersonate"] {
            assert!(!text.contains(never), "{name}: {never}");
        }
        assert_eq!(text.contains("secrets"), name == "managed");
    }
}

/// What is written is what became of policies (their status, and Leases where it lives), and by name what is needed for
/// certificates: one Secret, and the webhooks.
#[track_caller]
fn harmless(right: &Value, rule: &Value) {
    let verbs: Vec<&str> =
        rule["verbs"].as_array().unwrap().iter().map(|verb| verb.as_str().unwrap()).collect();
    let reads = verbs.iter().all(|verb| ["get", "list", "watch"].contains(verb));
    let names = &rule["resourceNames"];
    let resources = rule["resources"].to_string();
    if resources.contains("secrets") {
        assert_eq!((names, &right["where"]), (&json!(["multipod-authority"]), &json!(OURS)), "{rule}");
    } else if resources.contains("webhookconfigurations") {
        assert_eq!(*names, json!(["multipod"]), "{rule}");
        assert!(verbs.iter().all(|verb| *verb == "patch" || ["get", "watch"].contains(verb)), "{rule}");
    } else {
        let status = rule["resources"] == json!(["injectionpolicies/status", "patterns/status"]);
        let leases = right["where"] == OURS && rule["resources"] == json!(["leases"]);
        assert!(reads || status || leases, "{rule}");
    }
}
