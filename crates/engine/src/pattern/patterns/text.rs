//! What help and docs say of the patterns of administrators.

use crate::annotation::Key;
use crate::annotation::settings::OF_SIDECARS;
use crate::pattern::topic::Topic;

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "patterns",
    key: Key::Patterns,
    what: "patterns that the administrators of a cluster have defined",
    kind: "sidecar",
    programs: &[],
    containers: &[],
    rendered: &[],
    item: "PATTERN",
    forms: &[("audit-tap level=debug", "a pattern and one of its params")],
    options: &[],
    settings: &OF_SIDECARS,
    example: Key::Patterns.example(),
}];
