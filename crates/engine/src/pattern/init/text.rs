//! What help and docs say of init steps.

use crate::annotation::Key;
use crate::annotation::settings::OF_STEPS;
use crate::pattern::git;
use crate::pattern::topic::Topic;

use super::request::{CLONE_EXAMPLE, WaitOptions};

/// What the settings of a cluster call them.
pub(super) const WAIT_FOR: &str = "wait-for";
pub(super) const CLONE: &str = "clone";

/// How the steps are called, before their numbers.
pub(super) const WAIT_FOR_CONTAINER: &str = "multipod-wait-for-";
pub(super) const CLONE_CONTAINER: &str = "multipod-clone-";

pub(in crate::pattern) const TOPICS: [Topic; 2] = [
    Topic {
        name: "wait-for",
        key: Key::Init,
        what: "a step that ends as soon as something answers",
        kind: "step",
        programs: &[WAIT_FOR],
        containers: &[WAIT_FOR_CONTAINER],
        rendered: &[],
        item: "wait-for TARGET",
        forms: &[
            ("wait-for db:5432", "until the port takes connections"),
            ("wait-for dns:db", "until the name resolves"),
            ("wait-for http://auth/healthz", "until the page is served with status 2xx or 3xx"),
        ],
        options: WaitOptions::ROWS,
        settings: &OF_STEPS,
        example: Key::Init.example(),
    },
    Topic {
        name: "clone",
        key: Key::Init,
        what: "a step that fetches a git working copy",
        kind: "step",
        programs: &[CLONE],
        containers: &[CLONE_CONTAINER],
        rendered: &[],
        item: "clone URL",
        forms: &[
            ("clone https://git.example/seed into=/seed", "until the working copy is there"),
            (
                "wait-for db:5432 timeout=5m, clone https://git.example/seed into=/seed ref=main",
                "both, one after the other",
            ),
        ],
        options: git::CopyOptions::ROWS,
        settings: &OF_STEPS,
        example: CLONE_EXAMPLE,
    },
];
