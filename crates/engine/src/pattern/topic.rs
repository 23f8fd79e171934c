//! One thing that an annotation can ask for, as help, docs and editors describe it.

use crate::annotation::Key;
use crate::annotation::option::Row;

/// One thing that an annotation can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What people call it: the key's name, or the first word of an item.
    pub name: &'static str,
    /// The annotation that asks for it.
    pub key: Key,
    /// What it does, in one line.
    pub what: &'static str,
    /// `sidecar`, `step` or `switch`.
    pub kind: &'static str,
    /// What the settings of a cluster call the containers that it adds, below `patterns:`.
    pub(crate) programs: &'static [&'static str],
    /// How the names of the containers that it adds begin.
    pub containers: &'static [&'static str],
    /// The annotations that carry what it renders.
    pub rendered: &'static [&'static str],
    /// What an item looks like without its options.
    pub item: &'static str,
    /// Values that show every form of the item, and what each means.
    pub forms: &'static [(&'static str, &'static str)],
    /// The options of an item.
    pub options: &'static [Row],
    /// The settings of the whole value, which stand in an item of their own.
    pub settings: &'static [Row],
    /// A value that works, and shows what it does.
    pub example: &'static str,
}
