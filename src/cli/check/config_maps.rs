//! A `ConfigMap` that a container of ours cannot read.

use multipod_engine::inject::Verdict;
use multipod_engine::pattern::ambassador::CONFIG_FILE;
use multipod_engine::pattern::container::{Volume, VolumeSource};

use crate::manifest::{Cluster, Finding, Opened, Template};

use super::related::Related;

/// HAProxy refuses a last line without its line break, which `|-` in YAML takes away.
pub(super) struct ConfigMaps<'m>(Vec<Related<'m>>);

impl<'m> ConfigMaps<'m> {
    pub(super) const KIND: &'static str = "ConfigMap";

    /// Those in these documents.
    pub(super) fn of(opened: &'m [Opened<'m>], cluster: &'m Cluster) -> ConfigMaps<'m> {
        ConfigMaps(Related::all(Self::KIND, opened, cluster))
    }

    /// Those that an ambassador of a template is configured by, and would not start with.
    pub(super) fn cut_off(&self, template: &Template<'_>) -> Vec<Finding> {
        let Some(decided) = &template.decided else { return Vec::new() };
        let plan = match &decided.decision.verdict {
            Verdict::Inject(injection) => Some(&injection.plan),
            _ => decided.decision.standing.as_deref(),
        };
        let volumes =
            plan.into_iter().flat_map(|plan| &plan.changes).filter_map(|planned| planned.change.volume());
        let named: Vec<&str> = volumes.filter_map(config_map_of).collect();
        if named.is_empty() {
            return Vec::new();
        }
        let mounted = self
            .0
            .iter()
            .filter(|map| map.namespace == decided.context.namespace && named.contains(&map.object().name()));
        mounted.filter_map(|map| cut_off(map, &template.target.title())).collect()
    }
}

/// The ConfigMap that an ambassador is configured by: no other pattern of ours mounts one.
fn config_map_of(volume: &Volume) -> Option<&str> {
    match &volume.source {
        VolumeSource::ConfigMap(map) => Some(&map.name),
        _ => None,
    }
}

fn cut_off(map: &Related<'_>, workload: &str) -> Option<Finding> {
    let text = map.object().value["data"][CONFIG_FILE].as_str()?;
    if text.is_empty() || text.ends_with('\n') {
        return None;
    }
    let message = format!(
        "{CONFIG_FILE} ends without a line break, and HAProxy, which the ambassador of {workload} is, refuses to start with \
         it\nWrite {CONFIG_FILE}: | instead of |-"
    );
    Some(map.warning("config_cut_off", &format!("/data/{CONFIG_FILE}"), message))
}
