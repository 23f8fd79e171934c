//! What help and docs say of logging.

use crate::annotation::Key;
use crate::annotation::settings::OF_SIDECARS;
use crate::pattern::topic::Topic;

use super::request::FilesOptions;

/// What the settings of a cluster call them.
pub(super) const FOLLOW: &str = "logging";
pub(super) const SHIP: &str = "logging-shipper";

/// The follower; where both formats are asked for, the one that prints lines as they are.
pub(crate) const FOLLOWER: &str = "multipod-logging";

/// What ships.
pub(crate) const SHIPPER: &str = "multipod-logging-shipper";
pub(crate) const RENDERED: &str = "rendered.multipod/otelcol.yaml";

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "logging",
    key: Key::Logging,
    what: "the app's log files, printed by a sidecar or shipped to a central server",
    kind: "sidecar",
    programs: &[FOLLOW, SHIP],
    containers: &[FOLLOWER, SHIPPER],
    rendered: &[RENDERED],
    item: "GLOB",
    forms: &[
        ("/var/log/app/*.log", "printed as they are"),
        ("/var/log/**/*.log container=web", "files in folders at any depth, of the container web"),
        ("/var/log/app/app.log format=json", "printed as {\"file\":…,\"line\":…}"),
        (
            "/var/log/nginx/*.log parse=nginx to=otlp://collector.observability:4317",
            "taken apart and shipped",
        ),
        (
            "/srv/a/*.log, /srv/b/*.log parse=json to=@central",
            "one printed, one shipped to what a policy names central",
        ),
    ],
    options: FilesOptions::ROWS,
    settings: &OF_SIDECARS,
    example: Key::Logging.example(),
}];
