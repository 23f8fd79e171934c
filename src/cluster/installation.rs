//! The settings and policies that the installation of a cluster has, found by way of its webhook.

use serde_json::Value;

use crate::live::Entry;

use super::objects::Resource;
use super::reach::{Reader, Unread};

/// What an installation is configured with.
#[derive(Debug, Default)]
pub(crate) struct Installation {
    /// The settings file.
    pub settings: Option<String>,
    /// The files of policies.
    pub policies: Vec<(String, String)>,
}

const LABEL: (&str, &str) = ("app.kubernetes.io/name", "multipod");

impl Installation {
    /// The one that these entries lead to, if they lead to one.
    pub(super) async fn of(reader: &Reader, entries: &[Entry]) -> Result<Installation, Unread> {
        match entries.iter().find_map(|entry| entry.service.clone()) {
            Some((namespace, _)) => Installation::inside(reader, &namespace).await,
            None => Ok(Installation::default()),
        }
    }

    /// The one in this namespace, if there is one.
    pub(crate) async fn inside(reader: &Reader, namespace: &str) -> Result<Installation, Unread> {
        let mut found = Installation::default();
        let deployments = reader.all(&Resource::new("apps/v1", "Deployment"), Some(namespace)).await?;
        let is_ours = |object: &&Value| object["metadata"]["labels"][LABEL.0] == LABEL.1;
        let Some(spec) = deployments.iter().find(is_ours).map(|object| &object["spec"]["template"]["spec"])
        else {
            return Ok(found);
        };
        if let Some((files, name)) = mounted(reader, namespace, spec, "MULTIPOD_CONFIG").await? {
            found.settings = files.into_iter().find(|(file, _)| *file == name).map(|(_, text)| text);
        }
        if let Some((files, _)) = mounted(reader, namespace, spec, "MULTIPOD_POLICY_DIR").await? {
            found.policies = files;
        }
        Ok(found)
    }
}

/// The files of the `ConfigMap` that stands where a variable says, and the last part of what it says.
async fn mounted(
    reader: &Reader,
    namespace: &str,
    spec: &Value,
    variable: &str,
) -> Result<Option<(Vec<(String, String)>, String)>, Unread> {
    let Some((map, path)) = map_of(spec, variable) else { return Ok(None) };
    let map = match reader.get(&Resource::new("v1", "ConfigMap"), Some(namespace), map).await {
        Err(Unread::NotThere(_)) => return Ok(None),
        read => read?,
    };
    let files = map["data"].as_object().into_iter().flatten();
    let files = files.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())));
    let last = path.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Some((files.collect(), last)))
}

fn map_of<'s>(spec: &'s Value, variable: &str) -> Option<(&'s str, &'s str)> {
    let list = |value: &'s Value| value.as_array().into_iter().flatten();
    for container in list(&spec["containers"]) {
        let Some(path) = list(&container["env"])
            .find(|entry| entry["name"] == variable)
            .and_then(|entry| entry["value"].as_str())
        else {
            continue;
        };
        let is_above = |mount: &&Value| {
            mount["mountPath"].as_str().is_some_and(|place| {
                path.strip_prefix(place.trim_end_matches('/'))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let mount = list(&container["volumeMounts"]).find(is_above)?;
        let volume = list(&spec["volumes"]).find(|volume| volume["name"] == mount["name"])?;
        return Some((volume["configMap"]["name"].as_str()?, path));
    }
    None
}
