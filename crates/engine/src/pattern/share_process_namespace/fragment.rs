//! What shared processes add to a pod.

use crate::annotation::Key;

use crate::pattern::{Change, Fragment};

/// Nothing is added by `false`, which only stands against a default policy.
pub(crate) fn fragments(wanted: bool) -> Vec<Fragment> {
    if !wanted {
        return Vec::new();
    }
    let key = Key::ShareProcessNamespace;
    let mut fragment = Fragment::new(key, key.name());
    fragment.add(Change::SharedProcesses);
    vec![fragment]
}
