//! What the containers of a pod have mounted where their logs are.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::annotation::Problem;
use crate::pattern::container::Mount;
use crate::pod::path::{Folder, covers};
use crate::pod::view::is_own_name;
use crate::pod::{self, Pod};
use multipod_values::short;

use super::request::Files;

/// Our own volumes: `multipod-logs-1`, `multipod-logs-2`…
pub(super) const VOLUME: &str = "multipod-logs-";
/// How many volumes below a folder are shared; more are not meant, and would cost more than they take to write down.
const MOST_BELOW: usize = 32;
/// How many below a folder are looked at, whether a glob reaches them or not.
const MOST_LOOKED_AT: usize = 256;

/// The volumes of a pod, as its containers have them.
pub(super) struct Volumes<'p> {
    pub(super) pod: &'p Pod<'p>,
    /// The names of those that no app can write to.
    fixed: BTreeSet<&'p str>,
}

impl<'p> Volumes<'p> {
    pub(super) fn of(pod: &'p Pod<'p>) -> Self {
        let volumes = pod.spec.volumes.items().iter();
        Volumes { pod, fixed: volumes.filter(|volume| volume.read_only).map(|v| &*v.name).collect() }
    }

    /// What a container has for such files itself; and whether it needs a folder for them.
    pub(super) fn own(
        &self,
        container: usize,
        files: &Files,
        folder: &Folder<'_>,
    ) -> Result<(Vec<Mount>, bool), Problem> {
        let covering = self.covering(container, files, folder).filter(|mount| !is_log_folder(mount));
        // Whoever cannot write there has no such files.
        let writable = covering.filter(|mount| !self.is_read_only(mount));
        let mut mounts = Vec::new();
        if let Some(mount) = writable {
            mounts.push(self.shareable(mount, files)?);
        }
        self.add_below(container, files, folder, &mut mounts)?;
        Ok((mounts, covering.is_none()))
    }

    /// The mount that holds the files: the deepest one over the folder, or over the file if the glob names just one.
    pub(super) fn covering(
        &self,
        container: usize,
        files: &Files,
        folder: &Folder<'_>,
    ) -> Option<&'p pod::Mount<'p>> {
        let glob = &files.glob;
        let place = if glob.is_one_file() { Folder::of(glob.as_str()) } else { folder.clone() };
        self.mounts_in(container)
            .filter(|mount| !is_own_name(&mount.name) || is_log_folder(mount))
            .filter(|mount| mount.mount_path.place().covers(&place))
            .max_by_key(|mount| mount.mount_path.place().depth())
    }

    /// Adds the mounts below the folder that the glob may reach.
    pub(super) fn add_below(
        &self,
        container: usize,
        files: &Files,
        folder: &Folder<'_>,
        mounts: &mut Vec<Mount>,
    ) -> Result<(), Problem> {
        let glob = &files.glob;
        let below = self.mounts_in(container).filter(|mount| {
            mount.mount_path.place().lies_below(folder)
                && !is_own_name(&mount.name)
                && !self.is_read_only(mount)
        });
        let too_many = |most: usize| {
            let label = format!("more than {most} volumes are mounted below {}", short(glob.folder()));
            Err(Problem::new(files.span, label).help("Name a deeper folder."))
        };
        for (looked_at, mount) in below.enumerate() {
            if looked_at == MOST_LOOKED_AT {
                return too_many(MOST_LOOKED_AT);
            }
            if !glob.may_reach_below(&mount.mount_path) {
                continue;
            }
            if mounts.len() > MOST_BELOW {
                return too_many(MOST_BELOW);
            }
            if mounts.iter().all(|known| *known.mount_path != *mount.mount_path) {
                mounts.push(self.shareable(mount, files)?);
            }
        }
        Ok(())
    }

    pub(super) fn mounts_in(&self, container: usize) -> impl Iterator<Item = &'p pod::Mount<'p>> + use<'p> {
        let container = self.pod.spec.containers.items().get(container);
        let mounts = container.map_or(&[][..], |container| container.volume_mounts.items());
        mounts.iter().filter(|mount| mount.mount_path.starts_with('/'))
    }

    /// A mount of the app as the sidecar gets it.
    pub(super) fn shareable(&self, mount: &pod::Mount<'_>, files: &Files) -> Result<Mount, Problem> {
        let (name, path) = (short(&mount.name), short(&mount.mount_path));
        let problem = |label: String| Problem::new(files.span, label);
        if mount.mount_path.place().is_root() {
            return Err(problem(format!(
                "volume {name} is mounted at the root folder, which cannot be shared"
            )));
        }
        if !mount.sub_path_expr.is_empty() {
            let label =
                format!("the mount at {path} has a subPathExpr, whose variables only its container knows");
            return Err(problem(label).help("Use subPath there, or write the logs to a volume of their own."));
        }
        if self.is_read_only(mount) {
            let kind = self.pod.volume(&mount.name).map_or("volume", |volume| &volume.kind);
            let label =
                format!("the app cannot write logs here: {path} is a read-only mount of {kind} {name}");
            return Err(
                problem(label).help("Write the logs to another folder, or mount a writable volume there.")
            );
        }
        let sub_path = (!mount.sub_path.is_empty()).then(|| Cow::Owned(mount.sub_path.to_string()));
        Ok(Mount { sub_path, ..Mount::new(mount.name.to_string(), mount.mount_path.to_string()) })
    }

    fn is_read_only(&self, mount: &pod::Mount<'_>) -> bool {
        mount.read_only == Some(true) || self.fixed.contains(&*mount.name)
    }
}

/// Whether a mount is a folder that we added at an earlier look.
pub(super) fn is_log_folder(mount: &pod::Mount<'_>) -> bool {
    mount.name.starts_with(VOLUME)
}

/// The outermost of `folders` over one of them.
pub(super) fn outermost<'g>(folders: impl Iterator<Item = &'g str>, folder: &'g str) -> &'g str {
    folders.filter(|other| covers(other, folder)).min_by_key(|other| other.len()).unwrap_or(folder)
}
