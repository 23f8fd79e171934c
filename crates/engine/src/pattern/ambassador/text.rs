//! What help and docs say of the ambassador.

use crate::annotation::Key;
use crate::pattern::topic::Topic;

use super::request::{RouteOptions, SETTINGS};

/// What the settings of a cluster call it.
pub(super) const PROGRAM: &str = "ambassador";

/// The file that HAProxy reads, also as the key of a ConfigMap.
pub const CONFIG_FILE: &str = "haproxy.cfg";
/// The container's name.
pub(crate) const CONTAINER: &str = "multipod-ambassador";
pub(crate) const RENDERED: &str = "rendered.multipod/haproxy.cfg";

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "ambassador",
    key: Key::Ambassador,
    what: "a proxy (HAProxy) in front of the app, or between the app and what it calls",
    kind: "sidecar",
    programs: &[PROGRAM],
    containers: &[CONTAINER],
    rendered: &[RENDERED],
    item: "LISTEN:TARGET",
    forms: &[
        ("80:8775", "inbound: everyone's port 80 leads to the app's own port 8775"),
        ("5432:db", "outbound: the app's 127.0.0.1:5432 leads to the Service db of its namespace, port 5432"),
        ("5432:db.prod", "outbound, to the Service db in the namespace prod"),
        ("5432:db.prod:5433", "the same, port 5433"),
        ("443:api.example.com", "outbound, to a name with three or more parts, as it stands"),
        ("8080:example.com.:80", "a closing dot: the name as it stands"),
        ("5432:10.0.0.7", "outbound, to an address"),
        ("5432:[fd00::7]:5433", "the same with IPv6, port 5433"),
        ("5432:@orders-db", "outbound, to an upstream that a policy names"),
        ("80:8775 mode=http, 5432:db maxconn=20", "both ways, each with an option"),
        ("80, config=my-haproxy", "a port of your own configuration"),
    ],
    options: RouteOptions::ROWS,
    settings: &SETTINGS,
    example: Key::Ambassador.example(),
}];
