//! Pods as an API server sends them: what the controller of a workload would create, as a review.

use std::time::{SystemTime, UNIX_EPOCH};

use multipod_engine::annotation::key::PREFIX;
use multipod_engine::inject::Verdict;
use serde_json::{Value, json};

use crate::cli::explain;
use crate::explain::picture::Picture;
use crate::manifest::{Cluster, Decided, Examined, Finding, Manifests, Target, examine};

const REVIEW: &str = "AdmissionReview";

/// One review, and what is known about it here.
pub(super) struct Sent {
    /// `Deployment web`
    pub(super) title: String,
    /// Where that stands.
    pub(super) place: String,
    pub(super) review: Value,
    /// The patch that the engine makes here, without policies.
    pub(super) patch_here: Option<String>,
    /// The pod with that patch, with what is known of who talks to whom.
    pub(super) picture: Option<Picture>,
}

impl Sent {
    /// The pod.
    pub(super) fn object(&self) -> &Value {
        &self.review["request"]["object"]
    }

    /// The annotations that ask for something.
    pub(super) fn asked(&self) -> impl Iterator<Item = (&str, &str)> {
        let annotations = self.object()["metadata"]["annotations"].as_object();
        let ours = annotations.into_iter().flatten().filter(|(key, _)| key.starts_with(PREFIX));
        ours.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }
}

/// A review for every pod, and what is to be told of everything else.
pub(super) fn all(manifests: &Manifests<'_>, cluster: &Cluster) -> (Vec<Sent>, Vec<Finding>) {
    let mut sent = Vec::new();
    let mut findings = manifests.findings.clone();
    for opened in manifests.of_kind(REVIEW).filter(|opened| is_review(opened.document.value())) {
        sent.push(Sent {
            title: REVIEW.to_owned(),
            place: format!("  {}:{}", opened.file, opened.document.first_line()),
            review: opened.document.value().clone(),
            patch_here: None,
            picture: None,
        });
    }
    examine(manifests, cluster, &[], |examined| match examined {
        Examined::Other(_, others) => findings.extend(others),
        Examined::Template(template) => {
            sent.push(of(template.target, template.decided.as_ref(), cluster));
        }
    });
    (sent, findings)
}

fn is_review(document: &Value) -> bool {
    document["kind"] == REVIEW && document["request"].is_object()
}

fn of(target: &Target<'_>, decided: Option<&Decided<'_>>, cluster: &Cluster) -> Sent {
    let object = &target.placed.object;
    let namespace = object.namespace().or(cluster.namespace.as_deref()).unwrap_or("default");
    let report = decided.map(|decided| explain::of(target, decided, cluster, &[], &[]));
    let place = report
        .as_ref()
        .map_or_else(String::new, |report| format!("  {}:{}", report.origin.file, report.origin.line));
    let patch_here = decided.and_then(|decided| match &decided.decision.verdict {
        Verdict::Inject(injection) => Some(injection.patch.json().to_owned()),
        Verdict::Skip(_) | Verdict::Deny(_) => None,
    });
    Sent {
        title: target.title(),
        place,
        review: review(&pod(target, namespace), namespace),
        patch_here,
        picture: report.and_then(|report| report.pod),
    }
}

/// As a controller makes it of its template.
fn pod(target: &Target<'_>, namespace: &str) -> Value {
    let mut metadata = target.value["metadata"].as_object().cloned().unwrap_or_default();
    if !target.pointer.is_empty() && !metadata.contains_key("name") {
        let name = target.placed.object.name();
        metadata.entry("generateName").or_insert_with(|| json!(format!("{name}-")));
    }
    metadata.insert("namespace".to_owned(), json!(namespace));
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": target.value["spec"]})
}

/// A dry run: no pod comes of it.
fn review(pod: &Value, namespace: &str) -> Value {
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let resource = json!({"group": "", "version": "v1", "resource": "pods"});
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": uid(),
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": pod["metadata"]["name"].as_str().unwrap_or_default(),
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
            },
            "object": pod,
            "oldObject": null,
            "dryRun": true,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    })
}

/// Of the form that API servers give, from the clock: it only has to come back with its answer.
fn uid() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let hex = format!("{nanos:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
