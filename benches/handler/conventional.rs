//! The handler that most webhooks in Rust are: the pod as typed structs, changed in place, and a patch from the
//! difference of the two documents.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, PodSecurityContext, Sysctl, Volume};
use multipod_engine::inject::{Decision, Verdict};
use multipod_engine::pattern::Change;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is added, typed and ready: reading the annotation and making a plan of it costs this handler nothing.
#[derive(Default)]
pub(crate) struct Additions {
    sidecars: Vec<Container>,
    volumes: Vec<Volume>,
    annotations: BTreeMap<String, String>,
    sysctls: Vec<Sysctl>,
}

impl Additions {
    /// The same that multipod adds.
    pub(crate) fn of(decision: &Decision<'_>) -> Self {
        let Verdict::Inject(injection) = &decision.verdict else { return Additions::default() };
        let mut additions = Additions::default();
        for planned in injection.plan.missing() {
            match &planned.change {
                Change::Container(new) => additions.sidecars.push(typed(&new.container)),
                Change::Volume(volume) => additions.volumes.push(typed(volume)),
                Change::Annotation(note) => {
                    additions.annotations.insert(note.key.to_string(), note.value.clone());
                }
                Change::Sysctl(sysctl) => additions.sysctls.push(typed(sysctl)),
                other => panic!("the ambassador adds no {other:?}"),
            }
        }
        additions
    }
}

fn typed<T: DeserializeOwned>(value: &impl Serialize) -> T {
    serde_json::from_value(serde_json::to_value(value).unwrap()).unwrap()
}

/// From the pod's JSON to the patch's JSON; empty where nothing is to be changed.
pub(crate) fn patch(json: &str, additions: &Additions) -> Vec<u8> {
    let mut pod: Pod = serde_json::from_str(json).unwrap();
    let annotations = pod.metadata.annotations.as_ref();
    if !annotations.is_some_and(|annotations| annotations.contains_key("multipod/ambassador")) {
        return Vec::new();
    }
    let before = serde_json::to_value(&pod).unwrap();
    add(&mut pod, additions);
    let after = serde_json::to_value(&pod).unwrap();
    serde_json::to_vec(&json_patch::diff(&before, &after)).unwrap()
}

fn add(pod: &mut Pod, additions: &Additions) {
    pod.metadata.annotations.get_or_insert_default().extend(additions.annotations.clone());
    let spec = pod.spec.get_or_insert_default();
    spec.volumes.get_or_insert_default().extend_from_slice(&additions.volumes);
    spec.init_containers.get_or_insert_default().splice(0..0, additions.sidecars.iter().cloned());
    let context = spec.security_context.get_or_insert_with(PodSecurityContext::default);
    context.sysctls.get_or_insert_default().extend_from_slice(&additions.sysctls);
}
