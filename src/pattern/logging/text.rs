//! What help and docs say of logging.

use crate::annotation::Key;
use crate::annotation::settings::OF_SIDECARS;
use crate::pattern::topic::Topic;

use super::request::FilesOptions;

/// What the settings of a cluster call them.
pub(super) const FOLLOW: &str = "logging";
pub(super) const SHIP: &str = "logging-shipper";

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "logging",
    key: Key::Logging,
    what: "the app's log files, printed by a sidecar or shipped to a central server",
    kind: "sidecar",
    programs: &[FOLLOW, SHIP],
    item: "GLOB",
    forms: &[
        ("/var/log/app/*.log", "files of the app's default container"),
        ("/var/log/**/*.log", "files in folders at any depth"),
    ],
    options: FilesOptions::ROWS,
    settings: &OF_SIDECARS,
    example: Key::Logging.example(),
}];
