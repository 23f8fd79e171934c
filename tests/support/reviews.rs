//! Reviews of admission, and what an API server makes of their answers.
#![allow(dead_code, unreachable_pub)] // Each program uses its own part.

use base64::Engine;
use serde_json::{Value, json};

/// Pods that ask for something, in reviews as an API server sent them (tests/e2e records them).
pub const REAL: [&str; 9] = [
    include_str!("../data/reviews/pod-create.json"),
    include_str!("../data/reviews/pod-create-dry-run.json"),
    include_str!("../data/reviews/pod-create-unnamed.json"),
    include_str!("../data/reviews/pod-of-cronjob.json"),
    include_str!("../data/reviews/pod-of-daemonset.json"),
    include_str!("../data/reviews/pod-of-deployment.json"),
    include_str!("../data/reviews/pod-of-job.json"),
    include_str!("../data/reviews/pod-of-replicaset.json"),
    include_str!("../data/reviews/pod-of-statefulset.json"),
];

/// A pod that was injected already, with the defaults that an API server fills in before it asks again.
pub const REINVOKED: &str = include_str!("../data/reviews/pod-reinvoked.json");

/// Workloads whose pods ask: created, tried and changed.
pub const WORKLOADS: [&str; 18] = [
    include_str!("../data/reviews/cronjob-create.json"),
    include_str!("../data/reviews/cronjob-create-dry-run.json"),
    include_str!("../data/reviews/cronjob-update.json"),
    include_str!("../data/reviews/daemonset-create.json"),
    include_str!("../data/reviews/daemonset-create-dry-run.json"),
    include_str!("../data/reviews/daemonset-update.json"),
    include_str!("../data/reviews/deployment-create.json"),
    include_str!("../data/reviews/deployment-create-dry-run.json"),
    include_str!("../data/reviews/deployment-update.json"),
    include_str!("../data/reviews/job-create.json"),
    include_str!("../data/reviews/job-create-dry-run.json"),
    include_str!("../data/reviews/job-update.json"),
    include_str!("../data/reviews/replicaset-create.json"),
    include_str!("../data/reviews/replicaset-create-dry-run.json"),
    include_str!("../data/reviews/replicaset-update.json"),
    include_str!("../data/reviews/statefulset-create.json"),
    include_str!("../data/reviews/statefulset-create-dry-run.json"),
    include_str!("../data/reviews/statefulset-update.json"),
];

/// The creation of a pod with these annotations.
pub fn pod(annotations: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": {"username": "admin", "groups": ["system:masters"]},
            "object": {
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "web", "annotations": annotations},
                "spec": {"containers": [{"name": "app", "image": "example/app:1"}]},
            },
            "oldObject": null,
            "dryRun": false,
        },
    })
}

/// The creation of a Deployment with annotations on itself and on its pods.
pub fn deployment(own: &Value, of_pods: &Value) -> Value {
    let mut review = pod(&json!({}));
    review["request"]["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    review["request"]["resource"] = json!({"group": "apps", "version": "v1", "resource": "deployments"});
    review["request"]["object"] = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "annotations": own},
        "spec": {
            "replicas": 1,
            "template": {
                "metadata": {"annotations": of_pods},
                "spec": {"containers": [{"name": "app", "image": "example/app:1"}]},
            },
        },
    });
    review
}

/// What an API server takes from an answer.
#[derive(Debug)]
pub struct Verdict {
    pub allowed: bool,
    pub patch: Option<Value>,
    pub warnings: Vec<String>,
    pub message: String,
    pub code: u64,
}

/// Checks an answer as an API server does; the error is why it would call the webhook broken.
pub fn verify(answer: &[u8], uid: &str) -> Result<Verdict, String> {
    let answer: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    if answer["apiVersion"] != "admission.k8s.io/v1" || answer["kind"] != "AdmissionReview" {
        return Err(format!("version and kind: {answer}"));
    }
    let response = answer["response"].as_object().ok_or("no response")?;
    if response["uid"] != uid {
        return Err(format!("uid {} instead of {uid}", response["uid"]));
    }
    let patch = response.get("patch").and_then(Value::as_str);
    if patch.is_some_and(str::is_empty)
        || patch.is_some() != (response.get("patchType") == Some(&json!("JSONPatch")))
    {
        return Err("patch and patchType".to_owned());
    }
    let decoded = patch
        .map(|patch| {
            let bytes =
                base64::engine::general_purpose::STANDARD.decode(patch).map_err(|error| error.to_string())?;
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())
        })
        .transpose()?;
    let status = response.get("status").unwrap_or(&Value::Null);
    let warnings: Vec<String> =
        serde_json::from_value(response.get("warnings").cloned().unwrap_or(json!([])))
            .map_err(|e| e.to_string())?;
    // Warnings become headers, which are cut where they are too long.
    let characters = |warning: &String| warning.chars().count();
    if warnings.iter().map(characters).sum::<usize>() > 4096
        || warnings.iter().any(|warning| characters(warning) > 256 || warning.contains(char::is_control))
    {
        return Err(format!("warnings: {warnings:?}"));
    }
    Ok(Verdict {
        allowed: response["allowed"].as_bool().ok_or("allowed")?,
        patch: decoded,
        warnings,
        message: status["message"].as_str().unwrap_or_default().to_owned(),
        code: status["code"].as_u64().unwrap_or_default(),
    })
}

/// The pod of a review with the patch of its answer, applied strictly.
pub fn patched(review: &Value, verdict: &Verdict) -> Value {
    let mut object = review["request"]["object"].clone();
    if let Some(patch) = &verdict.patch {
        let patch: json_patch::Patch = serde_json::from_value(patch.clone()).expect("RFC 6902");
        json_patch::patch(&mut object, &patch).expect("the patch applies");
    }
    object
}
