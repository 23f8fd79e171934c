//! Containers that see each other's processes.

use crate::annotation::Key;

use super::Fragment;

/// Nothing is added by `false`, which only stands against a default policy.
pub(super) fn fragments(wanted: bool) -> Vec<Fragment> {
    if !wanted {
        return Vec::new();
    }
    let key = Key::ShareProcessNamespace;
    let mut fragment = Fragment::new(key, key.name());
    fragment.share_process_namespace = Some(true);
    vec![fragment]
}
