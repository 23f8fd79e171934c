//! What help and docs say of the ambassador.

use crate::annotation::Key;
use crate::pattern::topic::Topic;

use super::request::{RouteOptions, SETTINGS};

/// What the settings of a cluster call it.
pub(super) const PROGRAM: &str = "ambassador";

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "ambassador",
    key: Key::Ambassador,
    what: "a proxy (HAProxy) in front of the app, or between the app and what it calls",
    kind: "sidecar",
    programs: &[PROGRAM],
    item: "LISTEN:TARGET",
    forms: &[
        ("80:8775", "inbound: everyone's port 80 leads to the app's own port 8775"),
        ("5432:db", "outbound: the app's 127.0.0.1:5432 leads to the Service db, port 5432"),
        ("5432:db.prod:5433", "outbound, to another namespace and port"),
        ("443:api.example.com:443", "outbound, to a name outside the cluster"),
        ("6379:@orders", "outbound, to an upstream that a policy names"),
        ("80", "a port of your own configuration, with config="),
    ],
    options: RouteOptions::ROWS,
    settings: &SETTINGS,
    example: Key::Ambassador.example(),
}];
