//! What is installed: rendered as people render it, and held to what was promised about it.

mod repository;
mod rights;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use multipod_engine::annotation::Key;
use multipod_engine::annotation::settings::Settings as Asked;
use multipod_engine::pattern::{Settings, object};
use multipod_engine::policy;

use crate::support::golden;
use crate::support::run::{self, Files, values};
use crate::support::tools::left_out;
use serde_json::{Value, json};

const OURS: &str = "multipod-system";
const EXCLUDED: [&str; 4] = [OURS, "kube-system", "kube-public", "kube-node-lease"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder as `kubectl kustomize` renders it; nothing where there is no kubectl.
fn rendered(folder: &Path) -> Option<Vec<Value>> {
    let Ok(output) = Command::new("kubectl").arg("kustomize").arg(folder).output() else {
        left_out("what kustomize makes of deploy", "kubectl");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(values(&String::from_utf8(output.stdout).unwrap()))
}

/// The manifests of the base, as they lie there: the same objects, but for labels and `ConfigMap`s.
fn base() -> Vec<Value> {
    let folder = root().join("deploy");
    let list = values(&fs::read_to_string(folder.join("kustomization.yaml")).unwrap());
    let files = list[0]["resources"].as_array().unwrap().clone();
    let text = |file: &Value| fs::read_to_string(folder.join(file.as_str().unwrap())).unwrap();
    files.iter().flat_map(|file| values(&text(file))).collect()
}

/// The base with components on top, and whatever else stands in the kustomization.
fn overlay(components: &[&str], more: &Value, files: &[(&str, &str)]) -> Option<Vec<Value>> {
    let overlay = Files::new(files);
    // Kustomize takes relative paths only, and none of them through a link.
    let up = "../".repeat(overlay.path().canonicalize().unwrap().components().count() - 1);
    let deploy =
        format!("{up}{}", root().join("deploy").canonicalize().unwrap().strip_prefix("/").unwrap().display());
    let mut kustomization = more.clone();
    kustomization["resources"] = json!([deploy]);
    kustomization["components"] =
        components.iter().map(|name| json!(format!("{deploy}/components/{name}"))).collect();
    fs::write(overlay.join("kustomization.yaml"), multipod_yaml::emit(&kustomization)).unwrap();
    rendered(overlay.path())
}

#[track_caller]
fn one<'v>(objects: &'v [Value], kind: &str) -> &'v Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    first
}

fn webhooks(objects: &[Value]) -> Vec<Value> {
    one(objects, "MutatingWebhookConfiguration")["webhooks"].as_array().unwrap().clone()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn the_base_is_complete_when_it_is_rendered() {
    let Some(objects) = rendered(&root().join("deploy")) else { return };
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    let kinds: Vec<(String, String)> =
        objects.iter().map(|object| (object["kind"].as_str().unwrap().to_owned(), name(object))).collect();
    for (kind, named) in [
        ("Namespace", OURS),
        ("ServiceAccount", "multipod"),
        ("ConfigMap", "multipod-policies"),
        ("Service", "multipod"),
        ("Deployment", "multipod"),
        ("PodDisruptionBudget", "multipod"),
        ("MutatingWebhookConfiguration", "multipod"),
        ("ValidatingWebhookConfiguration", "multipod"),
    ] {
        assert!(kinds.iter().any(|(of, name)| of == kind && name == named), "{kind} {named}: {kinds:?}");
    }
    for object in &objects {
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/part-of"], "multipod", "{}", name(object));
    }
    // The settings get a name of their content, so that a change replaces the replicas; the policies do not.
    let volumes = one(&objects, "Deployment")["spec"]["template"]["spec"]["volumes"].clone();
    let mounted = |volume: usize| volumes[volume]["configMap"]["name"].as_str().unwrap().to_owned();
    assert!(mounted(0).len() > "multipod-settings-".len() && mounted(1) == "multipod-policies");
    assert!(kinds.iter().any(|(_, name)| *name == mounted(0)));
}

#[test]
fn a_multipod_that_is_down_keeps_nobody_from_repairing_a_policy() {
    let objects = base();
    let webhooks = one(&objects, "ValidatingWebhookConfiguration")["webhooks"].as_array().unwrap();
    let [webhook] = &webhooks[..] else { panic!("{webhooks:?}") };
    assert_eq!(webhook["failurePolicy"], "Ignore");
    assert_eq!(webhook["sideEffects"], "None");
    assert_eq!(webhook["clientConfig"]["service"]["path"], "/validate");
    let [rule] = &webhook["rules"].as_array().unwrap()[..] else { panic!("{webhook}") };
    assert_eq!(texts(&rule["operations"]), ["CREATE", "UPDATE"], "to delete is always allowed");
    assert_eq!(
        texts(&rule["resources"]),
        ["injectionpolicies", "patterns"],
        "and status is no business of ours"
    );
}

#[test]
fn webhooks_leave_system_namespaces_alone_and_ask_for_nothing_broad() {
    let webhooks = webhooks(&base());
    assert_eq!(webhooks.len(), 3);
    for webhook in &webhooks {
        let name = &webhook["name"];
        let excluded = &webhook["namespaceSelector"]["matchExpressions"][0];
        assert_eq!(excluded["key"], "kubernetes.io/metadata.name", "{name}");
        assert_eq!(excluded["operator"], "NotIn", "{name}");
        assert_eq!(texts(&excluded["values"]), EXCLUDED, "{name}");
        assert!(webhook["timeoutSeconds"].as_u64().unwrap() <= 5, "{name}");
        assert_eq!(webhook["sideEffects"], "None", "{name}");
        assert_eq!(webhook["matchPolicy"], "Equivalent", "{name}");
        assert_eq!(webhook["admissionReviewVersions"], json!(["v1"]), "{name}");
        assert!(!webhook["matchConditions"].as_array().unwrap().is_empty(), "{name}");
        assert!(!webhook["rules"].to_string().contains('*'), "{name}");
        for rule in webhook["rules"].as_array().unwrap() {
            assert_eq!(rule["scope"], "Namespaced", "{name}");
            assert!(texts(&rule["resources"]).iter().all(|resource| !resource.contains('/')), "{name}");
        }
    }
    let pods = json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "Namespaced"}]);
    for webhook in &webhooks[..2] {
        assert_eq!(webhook["rules"], pods);
        assert_eq!(webhook["clientConfig"]["service"]["path"], "/mutate");
        assert_eq!(webhook["reinvocationPolicy"], "IfNeeded");
        assert_eq!(webhook["failurePolicy"], "Fail");
    }
    assert_eq!(webhooks[2]["clientConfig"]["service"]["path"], "/warn");
    assert_eq!(webhooks[2]["failurePolicy"], "Ignore", "a warning is never worth a refusal");
}

#[test]
fn plain_pods_reach_multipod_only_from_namespaces_that_have_opted_in() {
    let webhooks = webhooks(&base());
    let condition = |webhook: usize| {
        let expression = webhooks[webhook]["matchConditions"][0]["expression"].as_str().unwrap();
        expression.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(condition(0).starts_with("has(object.metadata.annotations) && "), "{}", condition(0));
    assert_eq!(condition(1), format!("!({})", condition(0)), "no pod is sent twice, none is missed");
    let opted_in = &webhooks[1]["namespaceSelector"]["matchExpressions"][1];
    assert_eq!(opted_in, &json!({"key": "multipod/injection", "operator": "In", "values": ["enabled"]}));
    // What multipod writes itself is not what a pod asks for.
    let mut written = BTreeSet::new();
    for (_, text) in golden::files("expected.yaml") {
        let keys = text.lines().filter_map(|line| line.trim().split_once(": ")).map(|(key, _)| key);
        let ours = keys.map(|key| key.trim_matches('"')).filter(|key| key.starts_with("multipod/"));
        written.extend(ours.filter(|key| Key::from_full(key).is_none()).map(str::to_owned));
    }
    assert!(written.contains("multipod/status"), "{written:?}");
    for key in written {
        assert!(condition(0).contains(&format!("'{key}'")), "{key} is written by multipod");
    }
}

#[test]
fn the_pods_are_many_enough_spread_and_restricted() {
    let objects = base();
    let deployment = &one(&objects, "Deployment")["spec"];
    assert!(deployment["replicas"].as_u64().unwrap() >= 2);
    assert_eq!(deployment["strategy"]["rollingUpdate"], json!({"maxSurge": 1, "maxUnavailable": 0}));
    assert_eq!(one(&objects, "PodDisruptionBudget")["spec"]["maxUnavailable"], 1);
    let template = &deployment["template"];
    let spec = &template["spec"];
    assert_eq!(spec["priorityClassName"], "system-cluster-critical");
    assert_eq!(spec["nodeSelector"], json!({"kubernetes.io/os": "linux"}));
    let topologies: Vec<&Value> =
        spec["topologySpreadConstraints"].as_array().unwrap().iter().map(|one| &one["topologyKey"]).collect();
    assert_eq!(topologies, ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]);
    assert_eq!(template["metadata"]["labels"]["sidecar.istio.io/inject"], "false");
    assert_eq!(template["metadata"]["annotations"]["linkerd.io/inject"], "disabled");
    let selector = deployment["selector"]["matchLabels"].as_object().unwrap();
    for other in [
        &one(&objects, "Service")["spec"]["selector"],
        &one(&objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        &one(&objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ] {
        assert_eq!(other.as_object().unwrap(), selector);
    }
    assert!(selector.iter().all(|(key, value)| template["metadata"]["labels"][key] == *value));

    assert_eq!(
        spec["securityContext"],
        json!({"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}})
    );
    let container = &spec["containers"][0];
    assert_eq!(
        container["securityContext"],
        json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}})
    );
    assert!(container["resources"]["requests"]["memory"].is_string());
    assert!(container["resources"]["limits"]["memory"].is_string());
    for probe in ["readinessProbe", "livenessProbe"] {
        assert_eq!(container[probe]["httpGet"]["port"], "admin", "no probe needs a client's certificate");
    }
    let labels = &one(&objects, "Namespace")["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    // The longest drain, and what is being answered then.
    assert!(spec["terminationGracePeriodSeconds"].as_u64().unwrap() >= 25 + 11);
}

#[test]
fn the_image_is_the_one_that_pods_get_for_their_own_steps() {
    let objects = base();
    let image = one(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    let own = Settings::default().own_image("wait-for", &Asked::default());
    assert_eq!(image, *own);
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).unwrap();
    assert!(dockerfile.contains(&format!("image.version=\"{}\"", env!("CARGO_PKG_VERSION"))));
    let toolchain = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let builder = dockerfile.lines().find_map(|line| line.strip_prefix("FROM rust:")).unwrap();
    let version = builder.split('-').next().unwrap();
    assert!(toolchain.contains(&format!("channel = \"{version}")), "{builder}");
    assert!(dockerfile.contains("\nUSER 65532:65532\nENTRYPOINT [\"/multipod\"]\n"));
}

#[test]
fn the_server_starts_with_the_options_and_files_that_the_base_gives_it() {
    let objects = base();
    let container = &one(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let help = run::multipod(&["serve", "--help"], "").out;
    let options: Vec<&str> = container["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    for option in options.into_iter().filter(|name| !name.starts_with("MALLOC_")).chain([
        "MULTIPOD_CLIENT_CA",
        "MULTIPOD_TLS_CERT",
        "MULTIPOD_TLS_KEY",
    ]) {
        assert!(help.contains(&format!("[env: {option}=")), "{option} is no option of\n{help}");
    }
    let read = |name: &str| fs::read_to_string(root().join("deploy").join(name)).unwrap();
    let settings: Settings = object::read(&read("settings.yaml")).unwrap();
    assert_eq!(settings.excluded_namespaces, EXCLUDED);
    let policies = read("policies.yaml");
    let load = |text: &str| policy::load(&[("policies.yaml".to_owned(), text.to_owned())]);
    assert!(load(&policies).problems.is_empty() && load(&policies).policies.iter().count() == 0);
    // What the comment shows is a policy, once it is none.
    let example =
        policies.lines().filter_map(|line| line.strip_prefix("# ")).skip(1).collect::<Vec<_>>().join("\n");
    let loaded = load(&example);
    assert!(loaded.problems.is_empty(), "{:?}\n{example}", loaded.problems);
    assert_eq!(loaded.policies.iter().count(), 1);
}

#[test]
fn components_change_what_they_say_and_nothing_else() {
    let Some(plain) = overlay(&[], &json!({}), &[]) else { return };
    let policies = |objects: &[Value]| -> Vec<Value> {
        webhooks(objects).iter().map(|webhook| webhook["failurePolicy"].clone()).collect()
    };
    assert_eq!(policies(&plain), ["Fail", "Fail", "Ignore"]);
    let open = overlay(&["fail-open"], &json!({}), &[]).unwrap();
    assert_eq!(policies(&open), ["Ignore", "Ignore", "Ignore"]);
    let all = overlay(&["all-namespaces"], &json!({}), &[]).unwrap();
    assert_eq!(policies(&all), ["Fail", "Ignore", "Ignore"]);
    let expressions = webhooks(&all)[1]["namespaceSelector"]["matchExpressions"].clone();
    assert_eq!(
        expressions,
        json!([{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": EXCLUDED}])
    );
    for changed in [&open, &all] {
        for (before, after) in plain.iter().zip(changed) {
            assert!(before == after || before["kind"] == "MutatingWebhookConfiguration", "{after}");
        }
        assert_eq!(plain.len(), changed.len());
    }
    assert_eq!(one(&plain, "NetworkPolicy")["spec"]["policyTypes"], json!(["Ingress"]));
    let without = overlay(&["no-network-policy"], &json!({}), &[]).unwrap();
    assert_eq!(without.len(), plain.len() - 1);
    assert!(without.iter().all(|object| object["kind"] != "NetworkPolicy"));
    let egress = overlay(&["network-policy-egress"], &json!({}), &[]).unwrap();
    let spec = &one(&egress, "NetworkPolicy")["spec"];
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(spec["egress"], json!([{"ports": [{"port": 443}, {"port": 6443}]}]));
    // Where API servers and Prometheus are, as docs/how-to/install.md tells to say it.
    let docs = fs::read_to_string(root().join("docs/how-to/install.md")).unwrap();
    let recipe = docs.split("```yaml\n").find(|text| text.contains("kind: NetworkPolicy, name")).unwrap();
    let recipe = values(recipe.split("```").next().unwrap());
    let named = overlay(&[], &recipe[0], &[]).unwrap();
    let ingress = &one(&named, "NetworkPolicy")["spec"]["ingress"];
    assert_eq!(ingress[0]["from"], json!([{"ipBlock": {"cidr": "10.0.0.0/28"}}]));
    assert_eq!(
        ingress[1]["from"][0]["namespaceSelector"]["matchLabels"],
        json!({"kubernetes.io/metadata.name": "metrics"})
    );
    let image = overlay(&["policies-from-image"], &json!({}), &[]).unwrap();
    let maps = |objects: &[Value]| objects.iter().filter(|object| object["kind"] == "ConfigMap").count();
    assert_eq!((maps(&image), image.len()), (maps(&plain) - 1, plain.len() - 1));
    let volume = one(&image, "Deployment")["spec"]["template"]["spec"]["volumes"][1].clone();
    assert_eq!(
        (&volume["name"], &volume["image"]["pullPolicy"]),
        (&json!("policies"), &json!("IfNotPresent"))
    );
    let clients = overlay(&["client-ca"], &json!({}), &[]).unwrap();
    let spec = one(&clients, "Deployment")["spec"]["template"]["spec"].clone();
    let variable = spec["containers"][0]["env"].as_array().unwrap().last().unwrap().clone();
    let mount = spec["containers"][0]["volumeMounts"].as_array().unwrap().last().unwrap().clone();
    let volume = spec["volumes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(variable["name"], "MULTIPOD_CLIENT_CA");
    assert!(variable["value"].as_str().unwrap().starts_with(mount["mountPath"].as_str().unwrap()));
    assert_eq!(mount["name"], volume["name"]);
}

/// Nobody but the replicas writes the authority and the bundles: whoever applies the manifests again takes nothing away. With
/// a Secret of others they need no right on any.
#[test]
fn the_replicas_make_their_certificates_unless_they_come_from_a_secret() {
    let Some(plain) = overlay(&[], &json!({}), &[]) else { return };
    let pod = one(&plain, "Deployment")["spec"]["template"]["spec"].to_string();
    assert!(!pod.contains("MULTIPOD_TLS") && !pod.contains("multipod-tls"), "{pod}");
    let secret = one(&plain, "Secret");
    assert!(secret["data"].is_null() && pod.contains(secret["metadata"]["name"].as_str().unwrap()));
    for webhook in webhooks(&plain) {
        assert!(webhook["clientConfig"]["caBundle"].is_null());
    }
    let given = overlay(&["certificates-from-secret"], &json!({}), &[]).unwrap();
    let of_certificates = |object: &&Value| {
        ["multipod-authority", "multipod-certificates"]
            .contains(&object["metadata"]["name"].as_str().unwrap())
    };
    assert_eq!(given.len(), plain.len() - plain.iter().filter(of_certificates).count());
    assert_eq!(given.iter().filter(of_certificates).count(), 0);
    let spec = one(&given, "Deployment")["spec"]["template"]["spec"].clone();
    let environment = spec["containers"][0]["env"].to_string();
    assert!(environment.contains("MULTIPOD_TLS_CERT") && environment.contains("MULTIPOD_TLS_KEY"));
    assert!(!environment.contains("MULTIPOD_CERTIFICATE_SECRET"), "{environment}");
    assert_eq!(spec["volumes"][2]["secret"]["secretName"], "multipod-tls");
    assert_eq!(spec["containers"][0]["volumeMounts"][2]["mountPath"], "/etc/multipod/tls");
}

#[test]
fn an_overlay_sets_the_image_the_settings_and_the_policies() {
    let more = json!({
        "images": [{"name": "multipod/multipod", "newName": "mirror.example/multipod/multipod", "newTag": "9"}],
        "configMapGenerator": [
            {"name": "multipod-settings", "namespace": OURS, "behavior": "replace", "files": ["settings.yaml"]},
            {"name": "multipod-policies", "namespace": OURS, "behavior": "replace", "files": ["web.yaml"]},
        ],
    });
    let files = [("settings.yaml", "registry: mirror.example\n"), ("web.yaml", "# none\n")];
    let Some(objects) = overlay(&[], &more, &files) else { return };
    let spec = &one(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(spec["containers"][0]["image"], "mirror.example/multipod/multipod:9");
    let data = |volume: usize| {
        let name = &spec["volumes"][volume]["configMap"]["name"];
        let maps = objects.iter().filter(|object| object["kind"] == "ConfigMap");
        maps.clone().find(|map| map["metadata"]["name"] == *name).unwrap()["data"].clone()
    };
    assert_eq!(data(0), json!({"settings.yaml": "registry: mirror.example\n"}));
    assert_eq!(data(1), json!({"web.yaml": "# none\n"}));
}

#[test]
fn alert_rules_ask_for_metrics_that_there_are_and_do_as_their_tests_say() {
    let folder = root().join("deploy/monitoring");
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let rules = values(&read("rules.yaml"));
    let tests = read("tests.yaml");
    let docs = ["reference/metrics.md", "how-to/install.md"]
        .map(|page| fs::read_to_string(root().join("docs").join(page)).unwrap());
    let alerts = rules[0]["groups"][0]["rules"].as_array().unwrap();
    assert!(alerts.len() >= 8);
    for alert in alerts {
        let name = alert["alert"].as_str().unwrap();
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} is never seen to fire");
        assert!(
            docs[1].contains(&format!("`{name}`")),
            "docs/how-to/install.md does not say what to do about {name}"
        );
        let expression = alert["expr"].as_str().unwrap();
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for metric in words.filter(|word| word.starts_with("multipod_")) {
            let metric = metric.trim_end_matches("_bucket");
            assert!(
                docs[0].contains(&format!("`{metric}`")),
                "{name}: {metric} is not in docs/reference/metrics.md"
            );
        }
    }
    for arguments in [["check", "rules", "rules.yaml"], ["test", "rules", "tests.yaml"]] {
        let Ok(output) = Command::new("promtool").args(arguments).current_dir(&folder).output() else {
            return left_out("a look at the alert rules", "promtool");
        };
        let told = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        assert!(output.status.success(), "{told}");
    }
}

#[test]
fn nothing_that_is_installed_names_a_registry() {
    let mut waiting: Vec<PathBuf> = vec![root().join("deploy")];
    let mut seen = 0;
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                waiting.push(entry);
                continue;
            }
            seen += 1;
            let text = fs::read_to_string(&entry).unwrap();
            for host in ["docker.io", "ghcr.io", "quay.io", "gcr.io", "registry.k8s.io"] {
                assert!(!text.contains(host), "{}: {host}", entry.display());
            }
        }
    }
    assert!(seen > 10);
}
