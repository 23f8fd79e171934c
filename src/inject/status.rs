//! The status annotation: a record for people and for `uninject`. Nothing is ever decided from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::annotation::key::STATUS;
use crate::pod::{Field, Pod};

use super::plan::Part;
use super::wanted::Wanted;

/// What was added to a pod.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The version of multipod that added it.
    pub version: String,
    /// What was asked for, and who asked.
    pub patterns: BTreeMap<String, String>,
    /// New containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<String>,
    /// New volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// New mounts of the app's containers: container and path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<(String, String)>,
    /// New variables of the app's containers: container and name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
    /// New annotations, besides this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<String>,
    /// New kernel settings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sysctls: Vec<String>,
    /// New secrets that pull images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pull_secrets: Vec<String>,
    /// Whether `shareProcessNamespace` is new.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub share_process_namespace: bool,
    /// Maps and lists that were not there before: `spec.volumes`, `app.env`…; a closing `?` says it was null.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<String>,
}

impl Status {
    /// What is added, and what an earlier round of the same kind has added.
    pub(super) fn of(wanted: &Wanted, parts: &[Part], pod: &Pod<'_>) -> Status {
        let earlier: Status = pod
            .metadata
            .annotations
            .text(STATUS)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let app = |index: usize| pod.spec.containers.items()[index].name.to_string();
        let mut status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            patterns: parts.iter().map(|part| (part.name.to_string(), part.source.to_string())).collect(),
            containers: wanted.containers.iter().map(|want| want.what.container.name.to_string()).collect(),
            volumes: wanted.volumes.iter().map(|want| want.what.name.to_string()).collect(),
            ..Status::default()
        };
        for want in &wanted.mounts {
            let entry = (app(want.what.container), want.what.mount.mount_path.to_string());
            record(&mut status.mounts, entry, want.there, &earlier.mounts);
        }
        for want in &wanted.env {
            let entry = (app(want.what.container), want.what.env.name.to_string());
            record(&mut status.env, entry, want.there, &earlier.env);
        }
        for want in &wanted.notes {
            record(&mut status.annotations, want.what.key.to_string(), want.there, &earlier.annotations);
        }
        for want in &wanted.sysctls {
            record(&mut status.sysctls, want.what.0.to_string(), want.there, &earlier.sysctls);
        }
        for want in &wanted.pull_secrets {
            record(&mut status.pull_secrets, want.what.to_string(), want.there, &earlier.pull_secrets);
        }
        status.share_process_namespace = wanted
            .share_process_namespace
            .as_ref()
            .is_some_and(|share| !share.there || earlier.share_process_namespace);
        status.made = made(wanted, pod);
        for place in earlier.made {
            if !status.made.contains(&place) {
                status.made.push(place);
            }
        }
        status
    }

    pub(super) fn to_json(&self) -> String {
        // A struct of strings always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A thing that may have been the user's own before us counts as ours only if it is new, or was recorded as ours.
fn record<T: PartialEq>(list: &mut Vec<T>, entry: T, there: bool, earlier: &[T]) {
    if (!there || earlier.contains(&entry)) && !list.contains(&entry) {
        list.push(entry);
    }
}

/// The parents that the patch has to make.
fn made(wanted: &Wanted, pod: &Pod<'_>) -> Vec<String> {
    let mut made = Vec::new();
    let spec = &pod.spec;
    if !pod.has_metadata {
        made.push("metadata".to_owned());
    }
    note_made(&mut made, "metadata.annotations", &pod.metadata.annotations, true);
    let init = wanted
        .containers
        .iter()
        .any(|want| !want.there && want.what.place != super::wanted::Place::ClassicSidecar);
    note_made(&mut made, "spec.initContainers", &spec.init_containers, init);
    note_made(&mut made, "spec.volumes", &spec.volumes, wanted.volumes.iter().any(|want| !want.there));
    let secrets = wanted.pull_secrets.iter().any(|want| !want.there);
    note_made(&mut made, "spec.imagePullSecrets", &spec.image_pull_secrets, secrets);
    let sysctls = wanted.sysctls.iter().any(|want| !want.there);
    note_made(&mut made, "spec.securityContext", &spec.security_context, sysctls);
    match spec.security_context.value() {
        Some(context) => note_made(&mut made, "spec.securityContext.sysctls", &context.sysctls, sysctls),
        None if sysctls => made.push("spec.securityContext.sysctls".to_owned()),
        None => {}
    }
    let share = wanted.share_process_namespace.as_ref().is_some_and(|share| !share.there);
    if share && spec.share_process_namespace == Field::Null {
        made.push("spec.shareProcessNamespace?".to_owned());
    }
    for (index, container) in spec.containers.items().iter().enumerate() {
        let mounts = wanted.mounts.iter().any(|want| !want.there && want.what.container == index);
        note_made(&mut made, &format!("{}.volumeMounts", &*container.name), &container.volume_mounts, mounts);
        let env = wanted.env.iter().any(|want| !want.there && want.what.container == index);
        note_made(&mut made, &format!("{}.env", &*container.name), &container.env, env);
    }
    made
}

fn note_made<T>(made: &mut Vec<String>, place: &str, field: &Field<T>, needed: bool) {
    match field {
        Field::Absent if needed => made.push(place.to_owned()),
        Field::Null if needed => made.push(format!("{place}?")),
        _ => {}
    }
}
