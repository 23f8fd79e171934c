//! Tells Prometheus where to scrape, in the annotations that many of its configurations follow.

use crate::pattern::Fragment;
use crate::pod::{Pod, Scalar};

use super::Definition;

/// Adds `prometheus.io/*`, or a warning why not: they can name one port only, and what the user wrote stays.
pub(super) fn annotate(
    fragment: &mut Fragment,
    definition: &Definition,
    before: Option<&Definition>,
    pod: &Pod<'_>,
) {
    let Some(scrape) = &definition.scrape else { return };
    let (adapter, port, name) = (&definition.name, scrape.port, &scrape.name);
    if let Some(first) = before {
        fragment.warnings.push(format!(
            "prometheus.io/port can name one port, and names that of {}: scrape {adapter} by its port name {name}, \
             as a PodMonitor does",
            first.name
        ));
        return;
    }
    let wanted = [
        ("prometheus.io/scrape", "true".to_owned()),
        ("prometheus.io/port", port.to_string()),
        ("prometheus.io/path", scrape.path.clone()),
    ];
    let users = |key: &str| pod.metadata.annotations.pairs().iter().find(|(name, _)| &**name == key);
    let other = wanted.iter().find_map(|(key, ours)| match users(key) {
        Some((_, Scalar::Text(text))) if **text != *ours => Some(format!("{key}: {}", &**text)),
        _ => None,
    });
    if let Some(other) = other {
        // Only some of them would send Prometheus to the wrong place.
        fragment.warnings.push(format!(
            "the pod says {other}, so Prometheus is not told of {adapter}: scrape it by its port name {name}, \
             or remove the annotation"
        ));
        return;
    }
    for (key, value) in wanted {
        fragment.note(key, value);
    }
}
