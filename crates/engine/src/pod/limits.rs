//! How much of a pod is looked at: far more than pods have, and so little that a hostile one costs no more than its size.
//!
//! This is all there is; `docs/reference/promises.md` shows it. Variables are looked at one by one and need no limit.

use multipod_json::Budget;

/// Containers, ports, mounts, volumes…: items in one list, items in all lists of a pod, and bytes of one name or path.
pub(crate) const LISTS: Budget = Budget { in_one: 1024, in_all: 10_000, text: 4096, members: false };

/// What patterns may add to one pod: the mounts and variables that a pattern has for all containers, for each of them.
pub(crate) const CHANGES: usize = 10_000;

/// Slashes in the path of a mount.
pub(crate) const SLASHES: usize = 64;

/// What stands in the place of one thing of ours and is compared with it, member by member.
pub(crate) const THING: Budget = Budget { in_one: 1024, in_all: 4096, text: usize::MAX, members: true };

/// The record that an earlier round has left: more than any plan of ours adds.
pub(crate) const RECORD: Budget = Budget { in_one: 16_384, in_all: 16_384, text: 4096, members: true };

/// Labels, annotations, labels of nodes: entries of one map.
pub(crate) const ENTRIES: usize = 1024;
