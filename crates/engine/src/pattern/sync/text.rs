//! What help and docs say of sync.

use crate::annotation::Key;
use crate::annotation::settings::OF_SIDECARS;
use crate::pattern::topic::Topic;

use super::request::SyncOptions;

/// What the settings of a cluster call it.
pub(super) const PROGRAM: &str = "sync";

/// How the containers are called, before their numbers.
pub(super) const CONTAINER: &str = "multipod-sync-";

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "sync",
    key: Key::Sync,
    what: "a git working copy that is kept up to date beside the app",
    kind: "sidecar",
    programs: &[PROGRAM],
    containers: &[CONTAINER],
    rendered: &[],
    item: "URL",
    forms: &[
        (
            "https://git.example/site into=/usr/share/nginx/html",
            "the default branch, looked at every 30 seconds",
        ),
        ("https://git.example/site into=/srv/site ref=v2 every=5m", "a branch, tag or commit"),
        ("ssh://git@git.example/site into=/srv/site secret=deploy-key", "with a key"),
        (
            "https://git.corp/site into=/srv/site ca=corp-ca",
            "from a server with a certificate of one's own authority",
        ),
        ("https://git.example/conf into=/app link=conf", "the copy appears at /app/conf"),
    ],
    options: SyncOptions::ROWS,
    settings: &OF_SIDECARS,
    example: Key::Sync.example(),
}];
