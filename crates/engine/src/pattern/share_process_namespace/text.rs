//! What help and docs say of shared processes.

use crate::annotation::Key;
use crate::pattern::topic::Topic;

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "share-process-namespace",
    key: Key::ShareProcessNamespace,
    what: "containers of the pod see each other's processes",
    kind: "switch",
    programs: &[],
    containers: &[],
    rendered: &[],
    item: "true|false",
    forms: &[
        ("true", "containers see each other's processes"),
        ("false", "they do not, whatever a default policy says"),
    ],
    options: &[],
    settings: &[],
    example: Key::ShareProcessNamespace.example(),
}];
