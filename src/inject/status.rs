//! The status annotation: a record for people and for `uninject`. Nothing is ever decided from it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::annotation::key::STATUS;
use crate::pod::{Field, Pod};

use super::plan::Part;
use super::wanted::Wanted;

/// What was added to a pod.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status<'s> {
    /// The version of multipod that added it.
    pub version: Cow<'s, str>,
    /// What was asked for, and who asked.
    pub patterns: BTreeMap<Cow<'s, str>, Cow<'s, str>>,
    /// New containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Cow<'s, str>>,
    /// New volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Cow<'s, str>>,
    /// New mounts of the app's containers: container and path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<(Cow<'s, str>, Cow<'s, str>)>,
    /// New variables of the app's containers: container and name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(Cow<'s, str>, Cow<'s, str>)>,
    /// New annotations, besides this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Cow<'s, str>>,
    /// New kernel settings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sysctls: Vec<Cow<'s, str>>,
    /// New secrets that pull images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pull_secrets: Vec<Cow<'s, str>>,
    /// Whether `shareProcessNamespace` is new.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub share_process_namespace: bool,
    /// Maps and lists that were not there before: `spec.volumes`, `app.env`…; a closing `?` says it was null.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<Cow<'s, str>>,
}

impl<'s> Status<'s> {
    /// What is added, and what an earlier round of the same kind has added.
    pub(super) fn of(wanted: &'s Wanted, parts: &'s [Part], pod: &'s Pod<'_>) -> Status<'s> {
        let earlier: Status<'s> = pod
            .metadata
            .annotations
            .text(STATUS)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let app = |index: usize| Cow::Borrowed(&*pod.spec.containers.items()[index].name);
        let mut status = Status {
            version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
            patterns: parts.iter().map(|part| (borrowed(&part.name), part.source.text())).collect(),
            containers: wanted.containers.iter().map(|want| borrowed(&want.what.container.name)).collect(),
            volumes: wanted.volumes.iter().map(|want| borrowed(&want.what.name)).collect(),
            annotations: Vec::with_capacity(wanted.notes.len()),
            ..Status::default()
        };
        for want in &wanted.mounts {
            let entry = (app(want.what.container), borrowed(&want.what.mount.mount_path));
            record(&mut status.mounts, entry, want.there, &earlier.mounts);
        }
        for want in &wanted.env {
            let entry = (app(want.what.container), borrowed(&want.what.env.name));
            record(&mut status.env, entry, want.there, &earlier.env);
        }
        for want in &wanted.notes {
            record(&mut status.annotations, borrowed(&want.what.key), want.there, &earlier.annotations);
        }
        for want in &wanted.sysctls {
            record(&mut status.sysctls, borrowed(&want.what.0), want.there, &earlier.sysctls);
        }
        for want in &wanted.pull_secrets {
            record(&mut status.pull_secrets, borrowed(&want.what), want.there, &earlier.pull_secrets);
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
        let mut json = String::with_capacity(512);
        // Lists and maps of text can always be written.
        let _ = multipod_json::write(&mut json, self);
        json
    }
}

/// A thing that may have been the user's own before us counts as ours only if it is new, or was recorded as ours.
fn record<T: PartialEq>(list: &mut Vec<T>, entry: T, there: bool, earlier: &[T]) {
    if (!there || earlier.contains(&entry)) && !list.contains(&entry) {
        list.push(entry);
    }
}

fn borrowed(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// The parents that the patch has to make.
fn made<'s>(wanted: &Wanted, pod: &Pod<'_>) -> Vec<Cow<'s, str>> {
    let mut made = Vec::with_capacity(8);
    let spec = &pod.spec;
    if !pod.has_metadata {
        made.push(Cow::Borrowed(if pod.null_metadata { "metadata?" } else { "metadata" }));
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
        None if sysctls => made.push(Cow::Borrowed("spec.securityContext.sysctls")),
        None => {}
    }
    let share = wanted.share_process_namespace.as_ref().is_some_and(|share| !share.there);
    if share && spec.share_process_namespace == Field::Null {
        made.push(Cow::Borrowed("spec.shareProcessNamespace?"));
    }
    for (index, container) in spec.containers.items().iter().enumerate() {
        let mounts = wanted.mounts.iter().any(|want| !want.there && want.what.container == index);
        let env = wanted.env.iter().any(|want| !want.there && want.what.container == index);
        if mounts {
            note_made(
                &mut made,
                format!("{}.volumeMounts", &*container.name),
                &container.volume_mounts,
                true,
            );
        }
        if env {
            note_made(&mut made, format!("{}.env", &*container.name), &container.env, true);
        }
    }
    made
}

fn note_made<'s, T>(
    made: &mut Vec<Cow<'s, str>>,
    place: impl Into<Cow<'s, str>>,
    field: &Field<T>,
    needed: bool,
) {
    match field {
        Field::Absent if needed => made.push(place.into()),
        Field::Null if needed => made.push(Cow::Owned(place.into().into_owned() + "?")),
        _ => {}
    }
}
