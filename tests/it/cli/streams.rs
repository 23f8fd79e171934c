//! What holds for every stream of documents, however they are mixed.

use multipod::manifest::{Annotation, Cluster, Listed, Manifests, Outcome, Source, inject, uninject, yaml};
use multipod_yaml::documents;
use proptest::prelude::*;

/// Documents that change, each in a style of its own.
const ASKING: [&str; 11] = [
    "kind: Pod\nmetadata:\n  annotations: {multipod/ambassador: '80:8775'} # asks\nspec: # pod\n  containers:\n  # app\n  - name: a\n",
    "{\"kind\": \"Pod\", \"metadata\": {\"annotations\": {\"multipod/ambassador\": \"80:1\"}}, \"spec\": {\"containers\": [{\"name\": \"a\"}], \"volumes\": null}}\n",
    "apiVersion: apps/v1\nkind: Deployment\nspec:\n    template:\n        metadata:\n            annotations:\n                multipod/init: |\n                    wait-for db:5432\n\n                # none\n        spec:\n            initContainers:\n              - name: own\n            containers: [{name: a, env: ~}]\n",
    "kind: List\nitems:\n- kind: Service\n- kind: Pod\n  metadata: {annotations: {multipod/metrics: nginx, prometheus.io/port: '1'}}\n  spec: {containers: [{name: a}], volumes: []}\n- kind: Pod\n  spec: {containers: [{name: a}]}\n",
    "kind: List\nitems:\n- kind: Pod\n  metadata: &m\n    annotations: {multipod/ambassador: '80:1'}\n  spec: &s {containers: [{name: a}]}\n- kind: Pod\n  metadata: *m\n  spec:\n    <<: *s\n    priority: 010\n",
    "kind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n        metadata: {annotations: {multipod/logging: '/var/log/a/*.log'}}\n        spec:\n          containers:\n          - name: a\n            volumeMounts:\n          - {name: b}\n          securityContext:\n",
    "kind: Pod\nmetadata: {annotations: {multipod/ambassador: '80:8775', # asks\n  b: c} # d\n  }\nspec: {\n  securityContext:\n    {},\n  containers: [\n    {name: a, env: [{name: b, value: c}]}, # the app\n    # and no more\n  ],\n  volumes: [{name: v} # mine\n  ]\n}\n",
    "{\"kind\":\"Pod\",\"metadata\":{\"annotations\":{\"multipod/ambassador\":\"80:1\",\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":[]}],\"securityContext\":{}}}\n",
    "kind: Pod\nmetadata:\n  annotations:\n    multipod/metrics: nginx\n  labels:\nspec:\n  securityContext:\n    {}\n  volumes:\n    []\n  containers:\n  - {name: a, image: \"b\"}\n",
    "kind: Deployment\nspec:\n  template:\n    metadata:\n      annotations: {multipod/logging: /var/log/a/*.log}\n    spec:\n      initContainers:\n      volumes: null\n      containers:\n      - name: a\n        volumeMounts: [{name: v, mountPath: /v}, # v\n          {name: w, mountPath: /w}]\n      securityContext: # none\n",
    "# 80:8775 in a comment\nkind: Pod\nmetadata:\n  annotations:\n    multipod/share-process-namespace: \"true\"\n    b: >-\n      folded\n\n      text\nspec:\n  shareProcessNamespace: null\n  containers:\n  - name: a\n    args:\n    - |+\n      kept\n\n",
];

/// Documents that pass.
const OTHERS: [&str; 9] = [
    "",
    "# only a comment\n",
    "\n",
    "kind: Service\nspec: {ports: [{port: 0x50}]} # hex\n",
    "kind: Secret\ndata:\n  a: |\n    ---\n    -----BEGIN X-----\n",
    "kind: List\nitems: []\n",
    "- {op: replace, path: /spec/template, value: {metadata: {annotations: {multipod/ambassador: x}}}}\n",
    "kind: Deployment\nspec:\n  template:\n    metadata:\n      annotations: {multipod/ambassador: '80:1'}\n",
    "kind: Pod\nspec:\n  containers:\n  - name: a\n    resources: {limits: {cpu: 0.50}}\n",
];

#[derive(Clone, Debug)]
struct Stream {
    text: String,
    /// Whether each of its documents asks.
    asks: Vec<bool>,
}

fn streams() -> impl Strategy<Value = Stream> {
    let asking = prop::sample::select(&ASKING[..]).prop_map(|text| (text, true));
    let other = prop::sample::select(&OTHERS[..]).prop_map(|text| (text, false));
    let document =
        (prop_oneof![asking, other], prop::sample::select(&["---\n", "--- # next\n", "...\n---\n"][..]));
    let documents = prop::collection::vec(document, 1..5);
    (documents, any::<bool>(), any::<bool>()).prop_map(|(documents, is_windows, is_cut)| {
        let mut text = String::new();
        let mut asks = Vec::new();
        for ((document, asking), separator) in documents {
            text.push_str(separator.trim_start_matches(if text.is_empty() { "...\n" } else { "" }));
            text.push_str(document);
            asks.push(asking);
        }
        if is_cut {
            text.truncate(text.trim_end().len());
        }
        Stream { text: if is_windows { text.replace('\n', "\r\n") } else { text }, asks }
    })
}

fn source(text: &str) -> Vec<Source> {
    vec![Source { name: "a".into(), text: text.into() }]
}

fn slugs(outcome: &Outcome<'_>) -> Vec<&'static str> {
    outcome.findings.iter().map(|finding| finding.slug).collect()
}

fn values(text: &str) -> Vec<serde_json::Value> {
    documents(text).unwrap().iter().map(|document| document.value().clone()).collect()
}

/// The text but for what may come back in another way: a null that was a word.
fn layout(text: &str) -> String {
    text.replace(": null", ":").replace(": ~", ":")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_what_asks_changes_and_all_comes_back(stream in streams()) {
        let sources = source(&stream.text);
        let manifests = Manifests::read(&sources);
        let outcome = inject(&manifests, &Cluster::default(), &[]);
        prop_assert!(!outcome.is_refused(), "{:?}", outcome.findings);
        let before: Vec<&str> = manifests.readable[0].documents.iter().map(Listed::text).collect();
        prop_assert_eq!(before.len(), stream.asks.len());
        for ((before, after), asks) in before.iter().zip(&outcome.texts[0]).zip(&stream.asks) {
            prop_assert_eq!(before != after, *asks, "{}\n{}", before, after);
        }

        let injected = source(&yaml(&outcome.texts));
        prop_assert_eq!(documents(&injected[0].text).unwrap().len(), before.len());
        let again = Manifests::read(&injected);
        let twice = inject(&again, &Cluster::default(), &[]);
        prop_assert_eq!(&yaml(&twice.texts), &injected[0].text);

        let back = uninject(&again);
        let text = yaml(&back.texts);
        prop_assert_eq!(values(&text), values(&stream.text));
        let is_anew = [slugs(&outcome), slugs(&back)].concat().contains(&"laid_out_anew");
        if !is_anew {
            prop_assert_eq!(layout(&text), layout(&stream.text));
        }
    }

    #[test]
    fn any_text_in_the_place_of_a_value_gives_an_answer(value in "[ -~]{0,20}", key in "multipod/[a-z]{1,12}") {
        let quoted = serde_json::to_string(&value).unwrap();
        let text = format!("kind: Pod\nmetadata: {{annotations: {{\"{key}\": {quoted}}}}}\nspec: {{containers: [{{name: a}}]}}\n");
        let sources = source(&text);
        let manifests = Manifests::read(&sources);
        let outcome = inject(&manifests, &Cluster::default(), &[]);
        prop_assert!(outcome.is_refused() || yaml(&outcome.texts).starts_with("kind: Pod\n"));
        let set = format!("{key}={value}").parse::<Annotation>();
        prop_assert!(set.is_ok_and(|set| set.value == value) || multipod_engine::annotation::Key::from_full(&key).is_none());
    }
}
