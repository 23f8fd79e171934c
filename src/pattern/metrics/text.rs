//! What help and docs say of metrics.

use crate::annotation::Key;
use crate::annotation::settings::OF_SIDECARS;
use crate::pattern::topic::Topic;

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "metrics",
    key: Key::Metrics,
    what: "exporters that turn the app's own status into Prometheus metrics",
    kind: "sidecar",
    programs: &[],
    item: "ADAPTER",
    forms: &[("nginx port=8080", "an adapter and its params; multipod patterns ADAPTER tells which")],
    options: &[],
    settings: &OF_SIDECARS,
    example: Key::Metrics.example(),
}];
