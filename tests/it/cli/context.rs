//! Policies, settings, namespaces and versions around manifests.

use crate::support::run::{Files, multipod, ours, pod, values};

const BARE: &str = "kind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {containers: [{name: app}]}\n";

fn policy(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\nspec:\n  \
         annotations: {{multipod/ambassador: \"80:8775\"}}\n{spec}"
    )
}

#[test]
fn policies_of_a_folder_apply_by_the_labels_of_the_namespace() {
    let selects = policy("tier", "  match: {namespaceSelector: {matchLabels: {tier: web}}}\n");
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tier: web}}\n";
    let files = Files::new(&[("p/tier.yaml", &selects), ("web.yaml", BARE), ("ns.yaml", namespace)]);
    let inject =
        |more: &[&str]| files.multipod(&[&["inject", "--policy-dir=p", "-f", "web.yaml"], more].concat());

    let unknown = inject(&[]);
    unknown.is_refused();
    unknown.reports(&["error[policy_undecided]: ", "--namespace-labels"]);
    for (more, injected) in [
        (&["--namespace-labels", "a=b,tier=web"][..], true),
        (&["--namespace-labels", "tier=db"], false),
        (&["--namespace-labels", ""], false),
        (&["ns.yaml"], true),
        (&["ns.yaml", "--namespace-labels", "tier=db"], false),
    ] {
        let ran = inject(more);
        assert_eq!(ran.code, 0, "{more:?}: {}", ran.err);
        assert_eq!(!ours(&values(&ran.out)[0]).is_empty(), injected, "{more:?}: {}", ran.err);
    }
}

#[test]
fn policies_see_the_kind_of_the_workload() {
    let jobs = policy("jobs", "  match: {ownerKinds: [Job]}\n");
    let spec = "spec: {template: {spec: {containers: [{name: a}]}}}";
    let text = format!(
        "kind: CronJob\nspec: {{jobTemplate: {{{spec}}}}}\n---\nkind: Job\n{spec}\n---\nkind: Deployment\n{spec}\n"
    );
    let files = Files::new(&[("p.yaml", &jobs), ("all.yaml", &text)]);
    let ran = files.multipod(&["inject", "--policy-dir", "p.yaml", "-f", "all.yaml"]);
    let after = values(&ran.out);
    assert_eq!(ours(&after[0]["spec"]["jobTemplate"]["spec"]["template"]), ["multipod-ambassador"]);
    assert_eq!(ours(&after[1]["spec"]["template"]), ["multipod-ambassador"]);
    assert!(ours(&after[2]["spec"]["template"]).is_empty());
}

/// Nobody has to run a command again and again to hear of one mistake after the other.
#[test]
fn what_is_wrong_around_manifests_hides_nothing_of_what_is_wrong_in_them() {
    let files = Files::new(&[
        ("p/a.yaml", &policy("a", "  mode: maybe\n")),
        ("p/b.yaml", &policy("b", "  mode: perhaps\n")),
        ("settings.yaml", "registri: x\nserve: {logLevel: verbose}\n"),
        ("web.yaml", &pod("").replace("80:8775", "80:@orders")),
        (
            "no-pod.yaml",
            "kind: Pod\nmetadata: {annotations: {multipod/ambassador: '80:1'}}\nspec: {containers: hello}\n",
        ),
        ("no-yaml.yaml", "kind: [\n"),
    ]);
    let named = ["web.yaml", "no-pod.yaml", "missing.yaml", "no-yaml.yaml"].map(|file| ["-f", file]).concat();
    let around = ["--policy-dir", "p", "--config", "settings.yaml", "-a", "a", "-a", "multipod/zebra=x"];
    let (policies, settings) = (["policy a", "policy b"], ["registri", "unknown level verbose"]);
    let options = ["expected KEY=VALUE", "there is no key multipod/zebra"];
    let own = ["spec.containers: \"hello\" is a string", "error[unreadable_yaml]", "missing.yaml: "];
    for command in ["check", "inject", "diff", "explain", "suggest"] {
        let ran = files.multipod(&[&[command], &around[..], &named].concat());
        assert_eq!((ran.code, &*ran.out), (2, ""), "{command}");
        ran.reports(&[&policies[..], &settings, &options, &own].concat());
        ran.reports(&["note: the pods are not judged"]);
        // It stands for what a policy may define.
        assert!(!ran.err.contains("@orders"), "{command}: {}", ran.err);
    }
    let ran = files.multipod(&[&["check"], &around[..4]].concat());
    ran.reports(&[&policies[..], &settings].concat());
    assert!(!ran.err.contains("not judged"), "{}", ran.err);
    for command in [&["policies"][..], &["guard"], &["export", "--as", "mutating-admission-policy"]] {
        let folder = if command[0] == "export" { "-f" } else { "--policy-dir" };
        let ran = files.multipod(&[command, &[folder, "p", "--config", "settings.yaml"]].concat());
        assert_eq!(ran.code, 2, "{command:?}");
        ran.reports(&[&settings[..], if command[0] == "policies" { &[] } else { &policies }].concat());
    }
}

#[test]
fn a_policy_that_cannot_be_read_is_told_with_its_line() {
    let files = Files::new(&[
        ("p/a.yaml", &policy("good", "")),
        ("p/b.yaml", &policy("bad", "  mode: maybe\n")),
        ("web.yaml", BARE),
        ("config.yaml", "registry: mirror.example\nregistri: x\n"),
    ]);
    let ran = files.multipod(&["inject", "--policy-dir", "p", "--config", "config.yaml", "-f", "web.yaml"]);
    ran.is_refused();
    ran.reports(&[
        "error: policy bad: spec.mode: expected default, enforce or audit\n  --> p/b.yaml:6:9\n   |\n 6 |   mode: maybe\n   |         ^^^^^\n",
        "error: unknown field registri, did you mean registry?\n  --> config.yaml:2:1\n",
    ]);
    files.multipod(&["inject", "--policy-dir", "nowhere", "-f", "web.yaml"]).is_refused();
}

#[test]
fn a_windows_pod_under_a_policy_is_skipped() {
    let files = Files::new(&[("p.yaml", &policy("all", "")), ("web.yaml", &format!("{BARE}---\n{BARE}"))]);
    let windows = BARE.replace("spec: {", "spec: {nodeSelector: {kubernetes.io/os: windows}, ");
    std::fs::write(files.join("web.yaml"), format!("{windows}---\n{BARE}")).unwrap();
    let ran = files.multipod(&["inject", "--policy-dir", "p.yaml", "-f", "web.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let after = values(&ran.out);
    assert_eq!((ours(&after[0]).len(), ours(&after[1]).len()), (0, 1));
    ran.reports(&["note: web.yaml:1: Pod web is left as it is: ", "(windows)"]);
}

#[test]
fn annotations_of_the_namespace_are_defaults() {
    let namespace =
        "kind: Namespace\nmetadata: {name: shop, annotations: {multipod/ambassador: '81:8775'}}\n";
    let port = |args: &[&str], text: &str| {
        let ran = multipod(&[&["inject"], args].concat(), text);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let pod = values(&ran.out).into_iter().find(|value| value["kind"] == "Pod").unwrap();
        pod["spec"]["initContainers"][0]["ports"][0]["containerPort"].as_u64()
    };
    assert_eq!(port(&[], &format!("{BARE}---\n{namespace}")), Some(81));
    assert_eq!(port(&[], &format!("{namespace}---\n{}", pod("  x: 1\n"))), Some(80));
    let elsewhere = BARE.replace("namespace: shop", "namespace: other");
    assert_eq!(port(&[], &format!("{elsewhere}---\n{namespace}")), None);
    let nameless = BARE.replace(", namespace: shop", "");
    assert_eq!(port(&["-n", "shop"], &format!("{nameless}---\n{namespace}")), Some(81));
    assert_eq!(port(&["-n", "shop"], &format!("{elsewhere}---\n{namespace}")), None);
    assert_eq!(port(&["--namespace-annotations", "multipod/ambassador=82:8775"], BARE), Some(82));
    let both = ["--namespace-annotations", "multipod/ambassador=82:8775"];
    assert_eq!(port(&both, &format!("{BARE}---\n{namespace}")), Some(82));
}

#[test]
fn the_namespace_completes_the_names_of_services() {
    let asks = |namespace: &str| pod("").replace("80:8775", "80:db").replace("name: web", namespace);
    let config = |args: &[&str], text: &str| multipod(&[&["inject"], args].concat(), text).out;
    assert!(config(&[], &asks("name: web")).contains("db.default.svc.cluster.local"));
    assert!(config(&["--namespace", "shop"], &asks("name: web")).contains("db.shop.svc.cluster.local"));
    assert!(config(&["-n", "shop"], &asks("namespace: own")).contains("db.own.svc.cluster.local"));
}

#[test]
fn old_clusters_get_ordinary_containers() {
    let place = |args: &[&str]| {
        let ran = multipod(&[&["inject"], args].concat(), &pod(""));
        let pod = &values(&ran.out)[0]["spec"];
        (pod["initContainers"].is_null(), pod["containers"].as_array().unwrap().len())
    };
    assert_eq!(place(&[]), (false, 1));
    assert_eq!(place(&["--kubernetes-version", "1.29"]), (false, 1));
    assert_eq!(place(&["--kubernetes-version", "v1.28.4"]), (true, 2));
}

#[test]
fn an_ordinary_container_in_a_job_is_refused() {
    let template =
        "template: {metadata: {annotations: {multipod/ambassador: '80:1'}}, spec: {containers: [{name: a}]}}";
    let text = format!(
        "kind: CronJob\nmetadata: {{name: nightly}}\nspec: {{jobTemplate: {{spec: {{{template}}}}}}}\n"
    );
    let ran = multipod(&["inject", "--kubernetes-version=1.28"], &text);
    ran.is_refused();
    ran.reports(&["error[job_never_ends]: ", "(document 1, CronJob nightly)"]);
    assert_eq!(multipod(&["inject", "--kubernetes-version=1.29"], &text).code, 0);
}

#[test]
fn settings_are_those_of_the_file() {
    let files = Files::new(&[("a.yaml", &pod("")), ("config.yaml", "registry: mirror.example\n")]);
    let ran = files.multipod(&["inject", "-f", "a.yaml", "--config", "config.yaml"]);
    assert!(ran.out.contains("image: mirror.example/haproxy:"), "{}{}", ran.out, ran.err);
}
