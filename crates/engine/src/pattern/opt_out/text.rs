//! What help and docs say of opting out.

use crate::annotation::Key;
use crate::pattern::topic::Topic;

pub(in crate::pattern) const TOPICS: [Topic; 1] = [Topic {
    name: "opt-out",
    key: Key::OptOut,
    what: "declines what a policy or the namespace would add, unless the policy is enforced",
    kind: "switch",
    programs: &[],
    containers: &[],
    rendered: &[],
    item: "KEY…|all",
    forms: &[("logging metrics", "what these keys would add"), ("all", "everything")],
    options: &[],
    settings: &[],
    example: Key::OptOut.example(),
}];
