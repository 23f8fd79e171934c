//! What `inject` makes of manifests as people write them.

use serde_json::{Value, json};

use crate::support::run::{Ran, injected, multipod, only_adds, ours, pod, values};

const SPEC: &str = "containers: [{name: app, image: 'app:1'}]";
const ASKS: &str = "metadata: {annotations: {multipod/ambassador: '80:8775'}}";

/// One object of each kind that makes pods, with the place of its pod.
fn workloads() -> Vec<(String, &'static str)> {
    let whole = |version: &str, kind: &str, body: &str| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\n{body}\n")
    };
    let template = format!("template: {{{ASKS}, spec: {{{SPEC}}}}}");
    let of_spec = |version: &str, kind: &str| {
        (whole(version, kind, &format!("spec: {{{template}}}")), "/spec/template")
    };
    let cron = format!("spec: {{jobTemplate: {{spec: {{{template}}}}}}}");
    vec![
        (format!("apiVersion: v1\nkind: Pod\n{ASKS}\nspec: {{{SPEC}}}\n"), ""),
        (whole("v1", "PodTemplate", &template), "/template"),
        of_spec("apps/v1", "Deployment"),
        of_spec("apps/v1", "StatefulSet"),
        of_spec("apps/v1", "DaemonSet"),
        of_spec("apps/v1", "ReplicaSet"),
        of_spec("v1", "ReplicationController"),
        of_spec("batch/v1", "Job"),
        (whole("batch/v1", "CronJob", &cron), "/spec/jobTemplate/spec/template"),
    ]
}

#[test]
fn every_kind_of_workload_is_injected() {
    for (text, place) in workloads() {
        let ran = injected(&text);
        let values = values(&ran.out);
        assert_eq!(ours(values[0].pointer(place).unwrap()), ["multipod-ambassador"], "{text}");
        assert_eq!(ran.err, "", "{text}");
    }
}

#[test]
fn the_items_of_lists_are_injected_and_the_others_stay() {
    let pod = format!("{{apiVersion: v1, kind: Pod, {ASKS}, spec: {{{SPEC}}}}}");
    let bare = format!("{{{ASKS}, spec: {{{SPEC}}}}}");
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {pod}\n- {{apiVersion: v1, kind: Service, metadata: {{name: s}}}}\n\
         - {{apiVersion: v1, kind: PodList, items: [{bare}, {bare}]}}\n"
    );
    let ran = injected(&text);
    let items = &values(&ran.out)[0]["items"];
    for place in ["/0", "/2/items/0", "/2/items/1"] {
        assert_eq!(ours(items.pointer(place).unwrap()), ["multipod-ambassador"], "{place}");
    }
    assert_eq!(items[1], json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}));
    only_adds("- {apiVersion: v1, kind: Service, metadata: {name: s}}\n", &ran.out);
}

#[test]
fn what_does_not_change_passes_byte_for_byte() {
    let text = "\u{feff}%YAML 1.1\n--- # first\n\n---\n# only a comment\n---\n...\n---\n\
                apiVersion:   v1\nkind: \"ConfigMap\"   # why\ndata:\n    x: |\n      ---\n      -----BEGIN X-----\n\
                \t\n    z: 0x1F\n    a: ~\n---\nkind: List\r\napiVersion: v1\r\nitems: []\n---\nkind: List\nitems:\n\
                ---\n- {op: add, path: /spec, value: 1}\n--- text\n---\nkind: Pod\nspec: {containers: [{name: a}]}";
    let ran = injected(text);
    assert_eq!(ran.out, text);
    assert_eq!(injected("").out, "");
    assert_eq!(injected("# nothing\n").out, "# nothing\n");
}

#[test]
fn an_injected_document_keeps_its_order_its_comments_and_its_style() {
    let text = "# Shop\nkind: Deployment\napiVersion: apps/v1\nmetadata:\n    name: shop   # the name\nspec:\n\
                \x20   template:\n        # pods\n        spec:\n            # the one\n            containers:\n\
                \x20           -   name: main   # it\n                image: 'shop:1.10'\n\
                \x20               resources: {limits: {cpu: 0.50, memory: 1e3}}   # enough\n        metadata:\n\
                \x20           annotations:\n                multipod/ambassador: '80:8775'\n                # none\n\
                ---\n# tail\nkind: Service\n";
    let ran = injected(text);
    only_adds(text, &ran.out);
    assert_eq!(ours(&values(&ran.out)[0]["spec"]["template"]), ["multipod-ambassador"]);
}

#[test]
fn numbers_quantities_and_nulls_come_out_as_they_went_in() {
    let text = pod(
        "    resources: {limits: {cpu: 0.50, memory: 1e3}}\n    env: ~\n    stdin: null\n  priority: 0010\n  \
         terminationGracePeriodSeconds: 0x1E\n  volumes:\n  dnsPolicy:\n",
    );
    let ran = injected(&text);
    for kept in ["cpu: 0.50, memory: 1e3", "env: ~\n", "stdin: null\n", "0010", "0x1E", "dnsPolicy:\n"] {
        assert!(ran.out.contains(kept), "{kept}:\n{}", ran.out);
    }
    let json = multipod(&["inject", "-o", "json"], &text).out;
    for kept in [r#""cpu": 0.50"#, r#""memory": 1e3"#, r#""env": null"#, r#""dnsPolicy": null"#] {
        assert!(json.contains(kept), "{kept}:\n{json}");
    }
}

#[test]
fn a_map_that_is_shared_is_not_edited_for_all_its_users() {
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  metadata: {{annotations: &a {{multipod/ambassador: \
         '80:8775'}}}}\n  spec: &s {{{SPEC}}}\n- kind: ConfigMap\n  metadata: {{annotations: *a}}\n  data: *s\n"
    );
    let before = values(&text);
    let ran = injected(&text);
    let after = values(&ran.out);
    assert_eq!(ours(&after[0]["items"][0]), ["multipod-ambassador"]);
    assert_eq!(after[0]["items"][1], before[0]["items"][1]);
    ran.reports(&["warning: ", "the anchor on line 5 is used elsewhere too", "<stdin>:"]);
}

#[test]
fn an_alias_for_a_whole_template_is_injected_where_it_stands() {
    let text = format!(
        "kind: List\nitems:\n- kind: Deployment\n  spec: &s {{template: {{{ASKS}, spec: {{{SPEC}}}}}}}\n\
         - kind: Deployment\n  spec: *s\n- kind: Other\n  spec: {{<<: *s}}\n"
    );
    let items = &values(&injected(&text).out)[0]["items"];
    assert_eq!(ours(&items[0]["spec"]["template"]), ["multipod-ambassador"]);
    assert_eq!(items[0], items[1]);
    assert!(ours(&items[2]["spec"]["template"]).is_empty());
}

#[test]
fn windows_line_ends_stay_windows_line_ends() {
    let text = pod("").replace('\n', "\r\n");
    let ran = injected(&text);
    only_adds(&text, &ran.out);
    assert!(ran.out.lines().count() > 50);
    assert_eq!(ran.out.matches('\n').count(), ran.out.matches("\r\n").count());
}

#[test]
fn markers_comments_and_blocks_between_documents_stay() {
    let pem = "data:\n  ca.pem: |\n    -----BEGIN CERTIFICATE-----\n    MIIB\n    -----END CERTIFICATE-----\n    ---\n";
    let text =
        format!("# before\n---\n{}...\n# between\n--- # second\nkind: Secret\n{pem}---\n# last\n", pod(""));
    let ran = injected(&text);
    only_adds(&text, &ran.out);
    assert_eq!(values(&ran.out).len(), 2);
    assert_eq!(values(&ran.out)[1], values(&text)[1]);
}

#[test]
fn null_maps_and_lists_are_filled() {
    let text = "kind: Pod\nmetadata:\nspec:\n  initContainers: null\n  volumes:\n  securityContext: ~\n  containers:\n  \
                - {name: app, volumeMounts: null, ports: }\n";
    let ran = multipod(&["inject", "--annotate", "multipod/ambassador=80:8775"], text);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let pod = &values(&ran.out)[0];
    assert_eq!(ours(pod), ["multipod-ambassador"]);
    assert_eq!(pod["metadata"]["annotations"]["multipod/ambassador"], "80:8775");
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"], Value::Null);
}

#[test]
fn annotate_sets_an_annotation_on_every_pod_template_first() {
    let text = workloads().into_iter().fold(String::new(), |all, (text, _)| all + "---\n" + &text);
    let service = "---\nkind: Service\nmetadata: {name: s}\n";
    let args = ["inject", "-a", "multipod/ambassador=81:8775", "--annotate=example.com/team=a=b"];
    let ran = multipod(&args, &format!("{text}{service}"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let after = values(&ran.out);
    for (value, (text, place)) in after.iter().zip(workloads()) {
        let template = value.pointer(place).unwrap();
        assert_eq!(template["metadata"]["annotations"]["multipod/ambassador"], "81:8775", "{text}");
        assert_eq!(template["metadata"]["annotations"]["example.com/team"], "a=b", "{text}");
        let sidecar = &template["spec"]["initContainers"][0];
        assert_eq!(sidecar["ports"][0]["containerPort"], 81, "{text}");
    }
    assert!(ran.out.ends_with(service), "{}", ran.out);
}

#[test]
fn annotations_are_set_also_where_nothing_is_injected() {
    let text = "kind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a}]}\n";
    let ran = multipod(&["inject", "-a", "team=blue"], text);
    assert_eq!(ran.out, text.replace("{name: web}", "{name: web, annotations: {team: \"blue\"}}"));
    ran.reports(&["note: <stdin>:1: Pod web gets annotations only: nothing asks"]);
    let again = multipod(&["inject", "-a", "team=blue"], &ran.out);
    assert_eq!(again.out, ran.out);
    again.reports(&["Pod web is left as it is"]);
}

#[test]
fn injecting_twice_changes_nothing() {
    let once = injected(&pod(""));
    let twice = injected(&once.out);
    assert_eq!(twice.out, once.out);
    twice.reports(&["note: <stdin>:1: Pod web is left as it is: ", "(already_injected)"]);
}

#[test]
fn a_document_that_is_skipped_says_why() {
    let cases = [
        ("kind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a}]}\n", "Pod web", "not_requested"),
        ("kind: Service\nmetadata: {generateName: web-}\n", "Service web-", "no_pod_template"),
        ("kind: Deployment\nspec: {replicas: 2}\n", "Deployment", "no_pod_template"),
        ("kind: Deployment\nspec: {template: {spec: {priority: 1}}}\n", "Deployment", "no_pod_spec"),
        ("apiVersion: example.com/v1\nkind: Job\nspec: {template: {spec: {}}}\n", "Job", "unknown_kind"),
        ("a: 1\n", "object", "no_kind"),
        ("- 1\n", "document", "no_object"),
    ];
    for (text, title, slug) in cases {
        let text = format!("# why\n---\n# here\n{text}");
        let ran = multipod(&["inject", "-v"], &text);
        assert_eq!(ran.out, text);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        ran.reports(&["note: <stdin>:4: ", title, "left as it is: ", &format!("({slug})\n")]);
        assert_eq!(multipod(&["inject", "-q"], &text).err, "");
    }
}

#[test]
fn a_patch_that_asks_without_a_pod_spec_is_told_and_passes() {
    let text = "kind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata:\n      annotations:\n        \
                multipod/ambassador: '80:8775'\n";
    let ran = multipod(&["inject", "-q", "-a", "multipod/logging=/x/*.log"], text);
    assert_eq!((ran.code, &*ran.out), (0, text));
    ran.reports(&[
        "warning: multipod/ambassador has no effect here",
        "<stdin>:7:9 (document 1, Deployment web)",
    ]);
}

#[test]
fn annotations_that_never_reach_a_pod_are_told() {
    let beside = "kind: Deployment\nmetadata:\n  name: web\n  annotations: {multipod/ambassador: '80:1'}\nspec:\n  \
                  template: {spec: {containers: [{name: a}]}}\n";
    let ran = injected(beside);
    assert_eq!(ran.out, beside);
    ran.reports(&["warning: multipod/ambassador stands on the Deployment itself", "<stdin>:4:17 "]);
    ran.reports(&["Put it under spec.template.metadata.annotations"]);

    let between = "kind: CronJob\nspec:\n  jobTemplate:\n    metadata:\n      annotations: {multipod/init: 'x'}\n    \
                   spec: {template: {spec: {containers: [{name: a}]}}}\n";
    injected(between).reports(&["warning: multipod/init stands on the CronJob itself", "<stdin>:5:21 "]);

    let unknown = "apiVersion: example.com/v1\nkind: Rollout\nmetadata: {name: web}\nspec:\n  template:\n    \
                   metadata: {annotations: {multipod/ambassador: '80:1'}}\n    spec: {containers: [{name: a}]}\n";
    let ran = multipod(&["inject", "-q"], unknown);
    assert_eq!((ran.code, &*ran.out), (0, unknown));
    ran.reports(&[
        "warning: multipod/ambassador has no effect here",
        "<stdin>:6:30 (document 1, Rollout web)",
    ]);
}

#[test]
fn a_number_where_text_is_needed_is_recognised_and_explained() {
    let unquoted = pod("").replace("\"80:8775\"", "80:53");
    let ran = injected(&unquoted);
    assert_eq!(ours(&values(&ran.out)[0]), ["multipod-ambassador"]);
    ran.reports(&["warning: multipod/ambassador: 80:53 without quotes is the number 4853", "<stdin>:6:5 "]);
    ran.reports(&["Quote it: multipod/ambassador: \"80:53\""]);
    assert_eq!(injected(&pod("").replace("\"80:8775\"", "80:8775")).err, "");
    assert_eq!(injected(&pod("").replace("80:8775", "80:53")).err, "");

    let number = multipod(&["inject"], &pod("").replace("\"80:8775\"", "4853"));
    number.is_refused();
    number.reports(&["error[not_text]: multipod/ambassador: ", "80:53", "Quote it"]);
}

#[test]
fn clashes_that_were_there_before_are_told_and_not_refused() {
    let more = "    ports: [{containerPort: 9000}]\n  - name: other\n    ports: [{containerPort: 9000}]\n  volumes:\n  \
                - {name: v, emptyDir: {}}\n  - {name: v, emptyDir: {}}\n";
    let ran = injected(&pod(more));
    assert_eq!(ours(&values(&ran.out)[0]), ["multipod-ambassador"]);
    ran.reports(&["warning: ", "both declare port 9000", "the pod has two volumes named v"]);
}

#[test]
fn json_of_one_object_is_itself_and_of_several_a_list() {
    let one: Value = serde_json::from_str(&multipod(&["inject", "-o", "json"], &pod("")).out).unwrap();
    assert_eq!(ours(&one), ["multipod-ambassador"]);
    let text = format!("# none\n---\n{}---\nkind: Service\n---\n", pod(""));
    let list: Value = serde_json::from_str(&multipod(&["inject", "-o", "json"], &text).out).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"], json!([one, {"kind": "Service"}]));
    let Ran { code, out, .. } = multipod(&["inject", "-o", "json"], "# none\n");
    assert_eq!((code, &*out), (0, ""));
}

#[test]
fn json_manifests_stay_json() {
    let text = "{\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"annotations\": {\"multipod/ambassador\": \"80:8775\"}},\n\t\
                \"spec\": {\"containers\": [{\"name\": \"a\"}], \"priority\": 1.0}\n}\n";
    let ran = injected(text);
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ours(&value), ["multipod-ambassador"]);
    assert!(ran.out.contains("\"priority\": 1.0"));
}
