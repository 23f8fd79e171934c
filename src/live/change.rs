//! What becomes of a workload that is there, by the policies in force and by others.

use multipod_engine::inject::{Verdict, decide, uninjected};
use multipod_engine::pattern::Context;
use multipod_engine::pod::{Head, Object};
use serde_json::{Value, json};

use super::{Known, Namespace};

/// A workload that would change.
#[derive(Debug)]
pub(crate) struct Changed {
    /// `Deployment web`
    pub title: String,
    /// Its pods as they would be made now and then, as YAML.
    pub now: String,
    pub then: String,
}

/// Compares what is made of the pods of an object; nothing where that is the same, or where it has none.
pub(crate) fn change(
    object: &Object<'_>,
    namespace: &Namespace,
    now: &Known,
    then: &Known,
) -> Option<Changed> {
    let (_, template) = object.template()?;
    let mut pod = json!({"metadata": template["metadata"], "spec": template["spec"]});
    if let Ok(before) = uninjected(&pod) {
        pod = before;
    }
    let json = pod.to_string();
    let of = |known: &Known| become_of(&pod, &json, object, namespace, known);
    let (now, then) = (of(now), of(then));
    (now != then).then(|| Changed { title: format!("{} {}", object.kind, object.name()), now, then })
}

fn become_of(pod: &Value, json: &str, object: &Object<'_>, namespace: &Namespace, known: &Known) -> String {
    let head = match Head::read(json) {
        Ok(head) => head,
        Err(problem) => return format!("{problem}\n"),
    };
    let place = object.place.filter(|place| !place.pointer.is_empty());
    let context = Context {
        owner_kind: place.and_then(|place| place.owner_kind),
        owner_name: place.map(|_| object.name()),
        ..known.context(namespace)
    };
    match decide(&head, &context, &known.policies) {
        Err(error) => format!("{error}\n"),
        Ok(decision) => match decision.verdict {
            Verdict::Skip(_) => multipod_yaml::emit(pod),
            Verdict::Inject(injection) => {
                injection.patch.applied(pod).map(|after| multipod_yaml::emit(&after)).unwrap_or_default()
            }
            Verdict::Deny(refusals) => {
                let told: Vec<String> =
                    refusals.iter().map(|refusal| format!("refused: {}", refusal.message)).collect();
                told.join("\n") + "\n"
            }
        },
    }
}
