//! Takes out again what the status annotation says was added.
//!
//! For files, on a person's own request: the status is believed as far as names go that only multipod gives.

use std::borrow::Cow;

use serde_json::Value;
use thiserror::Error;

use crate::annotation::key::STATUS;
use multipod_json::pointer;

use super::Status;

/// One step back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The thing at this JSON pointer goes.
    Remove(String),
    /// The thing at this JSON pointer was null before.
    Null(String),
}

/// Why nothing can be taken out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UninjectError {
    /// There is no status annotation.
    #[error("nothing says what multipod has added: there is no annotation {STATUS}")]
    NoStatus,
    /// The status annotation is not one that multipod writes.
    #[error("the annotation {STATUS} cannot be read: {0}")]
    BadStatus(String),
}

/// The removals that undo an injection, in an order in which they can be applied one by one.
pub fn removals(pod: &Value) -> Result<Vec<Removal>, UninjectError> {
    let text = pod["metadata"]["annotations"][STATUS].as_str().ok_or(UninjectError::NoStatus)?;
    let status: Status<'_> =
        serde_json::from_str(text).map_err(|fault| UninjectError::BadStatus(fault.to_string()))?;
    let mut out = Vec::new();
    let spec = &pod["spec"];
    let ours = |name: &str| name.starts_with("multipod-");

    for (index, container) in items(&spec["containers"]).enumerate() {
        let name = container["name"].as_str().unwrap_or_default();
        let place = format!("/spec/containers/{index}");
        for (list, added, field) in
            [("volumeMounts", &status.mounts, "mountPath"), ("env", &status.env, "name")]
        {
            let added = |item: &Value| added.iter().any(|(c, what)| c == name && item[field] == **what);
            take_items(&mut out, &format!("{place}/{list}"), &container[list], added);
            restore(
                &mut out,
                &status,
                &format!("{name}.{list}"),
                &format!("{place}/{list}"),
                &container[list],
            );
        }
    }
    let containers: Vec<Cow<'_, str>> = status.containers.iter().filter(|name| ours(name)).cloned().collect();
    let volumes: Vec<Cow<'_, str>> = status.volumes.iter().filter(|name| ours(name)).cloned().collect();
    for (list, names) in [
        ("initContainers", &containers),
        ("containers", &containers),
        ("volumes", &volumes),
        ("imagePullSecrets", &status.pull_secrets),
    ] {
        let place = format!("/spec/{list}");
        take_items(&mut out, &place, &spec[list], named(names));
        restore(&mut out, &status, &format!("spec.{list}"), &place, &spec[list]);
    }
    let sysctls = &spec["securityContext"]["sysctls"];
    take_items(&mut out, "/spec/securityContext/sysctls", sysctls, named(&status.sysctls));
    restore(&mut out, &status, "spec.securityContext.sysctls", "/spec/securityContext/sysctls", sysctls);
    restore(&mut out, &status, "spec.securityContext", "/spec/securityContext", &spec["securityContext"]);
    if status.share_process_namespace && !spec["shareProcessNamespace"].is_null() {
        let place = "/spec/shareProcessNamespace";
        let was_null = status.made.iter().any(|made| made == "spec.shareProcessNamespace?");
        out.push(if was_null { Removal::Null(place.to_owned()) } else { Removal::Remove(place.to_owned()) });
    }
    for key in status.annotations.iter().map(|key| &**key).chain([STATUS]) {
        if pod["metadata"]["annotations"].get(key).is_some() {
            out.push(Removal::Remove(format!("/metadata/annotations/{}", pointer::escaped(key))));
        }
    }
    restore(
        &mut out,
        &status,
        "metadata.annotations",
        "/metadata/annotations",
        &pod["metadata"]["annotations"],
    );
    restore(&mut out, &status, "metadata", "/metadata", &pod["metadata"]);
    Ok(out)
}

fn named<'n>(names: &'n [Cow<'_, str>]) -> impl Fn(&Value) -> bool + 'n {
    move |item| names.iter().any(|name| item["name"] == **name)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().map_or(&[][..], Vec::as_slice).iter()
}

/// From the last to the first, so that the indexes hold.
fn take_items(out: &mut Vec<Removal>, place: &str, list: &Value, is_ours: impl Fn(&Value) -> bool) {
    let ours: Vec<usize> =
        items(list).enumerate().filter(|(_, item)| is_ours(item)).map(|(index, _)| index).collect();
    out.extend(ours.into_iter().rev().map(|index| Removal::Remove(format!("{place}/{index}"))));
}

/// A map or list that we made goes when nothing of anybody else is in it.
fn restore(out: &mut Vec<Removal>, status: &Status<'_>, made: &str, place: &str, value: &Value) {
    let absent = status.made.iter().any(|m| m == made);
    let null = status.made.iter().any(|m| m.strip_suffix('?') == Some(made));
    let size = value.as_array().map(Vec::len).or(value.as_object().map(serde_json::Map::len));
    let within = |removal: &&Removal| match removal {
        Removal::Remove(path) => path
            .strip_prefix(place)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|rest| !rest.contains('/')),
        Removal::Null(_) => false,
    };
    let taken = out.iter().filter(within).count();
    if !(absent || null) || size != Some(taken) {
        return;
    }
    // The whole goes, and with it what was in it.
    out.retain(|removal| !within(&removal));
    out.push(if null { Removal::Null(place.to_owned()) } else { Removal::Remove(place.to_owned()) });
}
