//! The answer of the webhook, read as an API server reads it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) warnings: Vec<String>,
}

pub(super) enum Verdict {
    /// The pod is created as it was sent.
    Unchanged,
    /// It is created with what a patch adds.
    Patched { patch: String, operations: usize, after: Value },
    /// It is not created, for this reason.
    Refused(String),
}

impl Answer {
    /// The answer to a review, and what its patch makes of the pod.
    pub(super) fn read(review: &Value, body: &[u8]) -> Result<Answer, String> {
        let body: Value =
            serde_json::from_slice(body).map_err(|error| format!("the answer is no JSON: {error}"))?;
        let response = &body["response"];
        if response["uid"] != review["request"]["uid"] {
            return Err("the answer is not to this review: it has another uid".to_owned());
        }
        let warnings = response["warnings"].as_array().into_iter().flatten();
        let warnings = warnings.filter_map(|warning| warning.as_str().map(str::to_owned)).collect();
        Ok(Answer { verdict: verdict(&review["request"]["object"], response)?, warnings })
    }
}

fn verdict(pod: &Value, response: &Value) -> Result<Verdict, String> {
    if response["allowed"] != true {
        let message = response["status"]["message"].as_str().unwrap_or("no reason is given");
        return Ok(Verdict::Refused(message.to_owned()));
    }
    let Some(encoded) = response["patch"].as_str() else { return Ok(Verdict::Unchanged) };
    let wrong = |why: &dyn std::fmt::Display| format!("the patch of the answer cannot be carried out: {why}");
    let patch = BASE64_STANDARD.decode(encoded).map_err(|error| wrong(&error))?;
    let operations: json_patch::Patch = serde_json::from_slice(&patch).map_err(|error| wrong(&error))?;
    let mut after = pod.clone();
    json_patch::patch(&mut after, &operations).map_err(|error| wrong(&error))?;
    let patch = String::from_utf8(patch).map_err(|error| wrong(&error))?;
    Ok(Verdict::Patched { operations: operations.len(), patch, after })
}
