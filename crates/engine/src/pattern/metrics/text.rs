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
    containers: &[],
    rendered: &[],
    item: "ADAPTER",
    forms: &[
        ("nginx", "NGINX on port 80"),
        ("nginx port=8081 path=/status", "its status page elsewhere"),
        ("redis secret=cache", "with the password from the Secret cache"),
        ("nginx, php-fpm", "two exporters"),
        ("postgres secret=db, memory=64Mi/128Mi", "a setting behind the comma"),
    ],
    options: &[],
    settings: &OF_SIDECARS,
    example: Key::Metrics.example(),
}];
