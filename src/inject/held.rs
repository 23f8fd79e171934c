//! What the received pod holds where changes go: a parent that is not there has to be made, and cannot be appended to.

use crate::pattern::change::Parent;
use crate::pod::{Field, Pod};

/// What there is in one place of the received pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Absent,
    Null,
    Present,
}

impl Held {
    fn of<T>(field: &Field<T>) -> Self {
        match field {
            Field::Absent => Held::Absent,
            Field::Null => Held::Null,
            Field::Is(_) => Held::Present,
        }
    }
}

/// What there is in each of the [levels](Parent::levels) of a parent.
pub(super) fn held(parent: Parent, pod: &Pod<'_>) -> impl Iterator<Item = Held> {
    let spec = &pod.spec;
    let whole = Held::Present;
    let app = |index: usize| spec.containers.items().get(index);
    let (above, own) = match parent {
        Parent::Annotations => {
            let metadata = match (pod.has_metadata, pod.null_metadata) {
                (true, _) => Held::Present,
                (false, true) => Held::Null,
                (false, false) => Held::Absent,
            };
            (metadata, Held::of(&pod.metadata.annotations))
        }
        Parent::Sysctls => {
            let own =
                spec.security_context.value().map_or(Held::Absent, |context| Held::of(&context.sysctls));
            (Held::of(&spec.security_context), own)
        }
        Parent::SharedProcesses => (whole, Held::of(&spec.share_process_namespace)),
        Parent::PullSecrets => (whole, Held::of(&spec.image_pull_secrets)),
        Parent::Volumes => (whole, Held::of(&spec.volumes)),
        Parent::InitContainers => (whole, Held::of(&spec.init_containers)),
        Parent::Containers => (whole, Held::of(&spec.containers)),
        Parent::AppMounts(at) => (whole, app(at).map_or(Held::Absent, |app| Held::of(&app.volume_mounts))),
        Parent::AppVariables(at) => (whole, app(at).map_or(Held::Absent, |app| Held::of(&app.env))),
    };
    [above, own].into_iter()
}
