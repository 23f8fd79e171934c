//! Tells Prometheus where to scrape, in the annotations that many of its configurations follow.

use crate::pattern::Fragment;
use crate::pod::{Pod, Scalar};

use super::Definition;
use super::definition::Scrape;

/// Adds `prometheus.io/*` to the first adapter, and warnings for what they cannot say: they name one port only, and
/// what the user wrote stays.
pub(super) fn annotate(fragments: &mut [(&Definition, Fragment)], pod: &Pod<'_>) {
    let mut scraped = fragments
        .iter_mut()
        .filter_map(|(definition, fragment)| Some((definition.parts.scrape.as_ref()?, definition, fragment)));
    let Some((scrape, definition, fragment)) = scraped.next() else { return };
    let wanted = wanted(scrape);
    let in_the_way = if let Some(other) = users_other(&wanted, pod) {
        // Adding only the missing ones would send Prometheus to the wrong place.
        let why = format!("the pod says {other}");
        fragment.warnings.push(by_port_name(&why, definition, scrape));
        why
    } else {
        for (key, value) in wanted {
            fragment.note(key, value);
        }
        format!("prometheus.io/port names the port of {}", definition.name)
    };
    for (scrape, definition, fragment) in scraped {
        fragment.warnings.push(by_port_name(&in_the_way, definition, scrape));
    }
}

fn wanted(scrape: &Scrape) -> [(&'static str, String); 3] {
    [
        ("prometheus.io/scrape", "true".to_owned()),
        ("prometheus.io/port", scrape.port.to_string()),
        ("prometheus.io/path", scrape.path.clone()),
    ]
}

/// The user's annotation that says something else.
fn users_other(wanted: &[(&str, String)], pod: &Pod<'_>) -> Option<String> {
    let annotations = pod.metadata.annotations.pairs();
    wanted.iter().find_map(|(key, ours)| match annotations.iter().find(|(name, _)| &**name == *key) {
        Some((_, Scalar::Text(text))) if **text != **ours => Some(format!("{key}: {}", &**text)),
        _ => None,
    })
}

fn by_port_name(why: &str, definition: &Definition, scrape: &Scrape) -> String {
    let adapter = &definition.name;
    format!(
        "{why}, so Prometheus is not told of {adapter}; scrape it by its port name {} (a PodMonitor can)",
        scrape.name
    )
}
