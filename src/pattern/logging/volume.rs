//! How a sidecar comes to see the files of an app's container.
//!
//! For each glob, the volume over its literal folder is shared; where the container has none there, an `emptyDir` is
//! mounted at the outermost such folder, so that globs in nested folders share one. Volumes that the container mounts
//! below the folder are shared too if the glob may reach them.
//!
//! The sidecar sees everything at the app's own paths, unless these could collide: with the files of another container,
//! or with what the sidecar itself needs. Then all of it stands below `/logs/CONTAINER`.
//!
//! What we ourselves added to a pod earlier does not count as the app's, so that a second look gives the same answer.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::annotation::Fault;
use crate::annotation::diagnostic::short;
use crate::annotation::item::Faults;
use crate::pattern::AppMount;
use crate::pattern::container::{Mount, Volume};
use crate::pod::view::covers;
use crate::pod::{self, Pod};

use super::{Seen, Source, View, collector, is_ours};

/// Our own volumes: `multipod-logs-1`, `multipod-logs-2`…
const VOLUME: &str = "multipod-logs-";
/// Where everything stands when paths could collide.
const APART: &str = "/logs";
/// What a sidecar itself needs: our program, configuration and certificates, state, the collector, and the empty
/// folder that withholds the service account's token.
const NEEDED: [&str; 5] =
    ["/multipod", "/etc", collector::STATE_FOLDER, "/otelcol-contrib", "/var/run/secrets"];
/// An empty folder in place of these would take away what the app runs on.
const SYSTEM: [&str; 12] =
    ["/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var"];
/// Kinds of volume that no app can write to.
const READ_ONLY: [&str; 5] = ["configMap", "downwardAPI", "image", "projected", "secret"];

/// What is added for the sake of sharing, and how the sidecar sees each source.
pub(super) struct Shared {
    pub(super) volumes: Vec<Volume>,
    pub(super) app_mounts: Vec<AppMount>,
    pub(super) views: Vec<View>,
}

/// Shares the folders of all sources.
pub(super) fn share(sources: &[Source<'_>], pod: &Pod<'_>) -> Result<Shared, Vec<Fault>> {
    let mut added = Added { pod, mounts: Vec::new(), names: BTreeSet::new() };
    let mut views = Vec::with_capacity(sources.len());
    let mut faults = Faults::default();
    for source in sources {
        match mounts_of(source, sources, pod, &mut added) {
            Ok(mounts) => views.push(View { glob: source.files.glob.as_str().to_owned(), mounts }),
            Err(fault) => faults.push(fault),
        }
    }
    if must_stand_apart(sources, &views) {
        for (view, source) in views.iter_mut().zip(sources) {
            let folder = format!("{APART}/{}", source.name);
            view.glob.insert_str(0, &folder);
            for mount in &mut view.mounts {
                mount.mount_path = Cow::Owned(format!("{folder}{}", mount.mount_path));
            }
        }
    }
    let volumes = added.mounts.iter().map(|added| Volume::empty_dir(added.mount.name.clone())).collect();
    faults.or(Shared { volumes, app_mounts: added.mounts, views })
}

/// The mounts that one sidecar needs, each once. They are read-only unless another one lies below: the container
/// runtime could not make the place for that one in a read-only folder.
pub(super) fn mounts(group: &[&Seen<'_, '_>]) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    for mount in group.iter().flat_map(|seen| &seen.view.mounts) {
        if !mounts.iter().any(|other| other.mount_path == mount.mount_path) {
            mounts.push(mount.clone());
        }
    }
    let paths: Vec<_> = mounts.iter().map(|mount| mount.mount_path.clone()).collect();
    for mount in &mut mounts {
        mount.read_only = !paths.iter().any(|path| lies_below(path, &mount.mount_path));
    }
    mounts
}

/// Two containers may have different files at one path; and no mount may hide what the sidecar itself needs.
fn must_stand_apart(sources: &[Source<'_>], views: &[View]) -> bool {
    sources.iter().any(|source| source.container != sources[0].container)
        || views.iter().flat_map(|view| &view.mounts).any(|mount| {
            NEEDED.iter().any(|path| covers(path, &mount.mount_path) || covers(&mount.mount_path, path))
        })
}

fn lies_below(path: &str, folder: &str) -> bool {
    covers(folder, path) && path.trim_end_matches('/') != folder.trim_end_matches('/')
}

/// The folders that we add, with the mounts of the app's containers.
struct Added<'p> {
    pod: &'p Pod<'p>,
    mounts: Vec<AppMount>,
    names: BTreeSet<String>,
}

fn mounts_of(
    source: &Source<'_>,
    sources: &[Source<'_>],
    pod: &Pod<'_>,
    added: &mut Added<'_>,
) -> Result<Vec<Mount>, Fault> {
    let glob = &source.files.glob;
    let mut mounts = match covering(source, pod) {
        Some(mount) => vec![shareable(mount, source, pod)?],
        None => vec![added.folder(source, outermost(source, sources, pod))?],
    };
    for mount in app_mounts(source, pod).filter(|mount| lies_below(&mount.mount_path, glob.folder())) {
        let is_new = mounts.iter().all(|known| *known.mount_path != *mount.mount_path);
        if is_new && !is_read_only(mount, pod) && glob.may_reach_below(&mount.mount_path) {
            mounts.push(shareable(mount, source, pod)?);
        }
    }
    Ok(mounts)
}

/// The app's mount that holds the files: the deepest one over the folder, or over the file if the glob names just one.
fn covering<'p>(source: &Source<'_>, pod: &'p Pod<'_>) -> Option<&'p pod::Mount<'p>> {
    let glob = &source.files.glob;
    let place = if glob.is_one_file() { glob.as_str() } else { glob.folder() };
    app_mounts(source, pod)
        .filter(|mount| covers(&mount.mount_path, place))
        .max_by_key(|mount| mount.mount_path.trim_end_matches('/').len())
}

/// The mounts of the container that holds the files, without ours.
fn app_mounts<'p>(source: &Source<'_>, pod: &'p Pod<'_>) -> impl Iterator<Item = &'p pod::Mount<'p>> {
    let container = pod.spec.containers.items().get(source.container);
    let mounts = container.map_or(&[][..], |container| container.volume_mounts.items());
    mounts.iter().filter(|mount| !is_ours(&mount.name) && mount.mount_path.starts_with('/'))
}

/// A mount of the app as the sidecar gets it.
fn shareable(mount: &pod::Mount<'_>, source: &Source<'_>, pod: &Pod<'_>) -> Result<Mount, Fault> {
    let (name, path) = (short(&mount.name), short(&mount.mount_path));
    let fault = |label: String| Fault::new(source.files.span, label);
    if mount.mount_path.trim_end_matches('/').is_empty() {
        return Err(fault(format!("volume {name} is mounted at the root folder, which cannot be shared")));
    }
    if !mount.sub_path_expr.is_empty() {
        let label =
            format!("the mount at {path} has a subPathExpr, whose variables only its container knows");
        return Err(fault(label).help("Use subPath there, or write the logs to a volume of their own."));
    }
    if is_read_only(mount, pod) {
        let kind = pod.volume(&mount.name).map_or("volume", |volume| &volume.kind);
        let label = format!("the app cannot write logs here: {path} is a read-only mount of {kind} {name}");
        return Err(fault(label).help("Write the logs to another folder, or mount a writable volume there."));
    }
    let sub_path = (!mount.sub_path.is_empty()).then(|| Cow::Owned(mount.sub_path.to_string()));
    Ok(Mount { sub_path, ..Mount::new(mount.name.to_string(), mount.mount_path.to_string()) })
}

fn is_read_only(mount: &pod::Mount<'_>, pod: &Pod<'_>) -> bool {
    mount.read_only == Some(true)
        || pod.volume(&mount.name).is_some_and(|volume| READ_ONLY.contains(&&*volume.kind))
}

/// The outermost folder over this one among those of the same container that need a volume.
fn outermost<'s>(source: &'s Source<'_>, sources: &'s [Source<'_>], pod: &Pod<'_>) -> &'s str {
    let folder = source.files.glob.folder();
    sources
        .iter()
        .filter(|other| other.container == source.container && covering(other, pod).is_none())
        .map(|other| other.files.glob.folder())
        .filter(|other| covers(other, folder))
        .min_by_key(|other| other.len())
        .unwrap_or(folder)
}

impl Added<'_> {
    /// Our folder at this place in the app's container; one that is there from an earlier look keeps its name.
    fn folder(&mut self, source: &Source<'_>, path: &str) -> Result<Mount, Fault> {
        let same = |added: &&AppMount| added.container == source.container && added.mount.mount_path == path;
        if let Some(known) = self.mounts.iter().find(same) {
            return Ok(known.mount.clone());
        }
        let virtual_files = ["/proc", "/sys", "/dev"].iter().any(|folder| covers(folder, path));
        if virtual_files || SYSTEM.contains(&path) {
            let label = format!("a new volume at {path} would hide what the app's image has there");
            return Err(Fault::new(source.files.span, label).help("Write the logs to a folder of their own."));
        }
        let name = self.name_at(source.container, path);
        self.names.insert(name.clone());
        let mount = Mount::new(name, path.to_owned());
        self.mounts.push(AppMount { container: source.container, mount: mount.clone() });
        Ok(mount)
    }

    fn name_at(&self, container: usize, path: &str) -> String {
        let mounts = self.pod.spec.containers.items().get(container).map(|c| c.volume_mounts.items());
        let earlier = mounts.unwrap_or_default().iter().find(|mount| {
            mount.name.starts_with(VOLUME) && &*mount.mount_path == path && !self.names.contains(&*mount.name)
        });
        if let Some(mount) = earlier {
            return mount.name.to_string();
        }
        let mut number = 1;
        loop {
            let name = format!("{VOLUME}{number}");
            if !self.names.contains(&name) && self.pod.volume(&name).is_none() {
                return name;
            }
            number += 1;
        }
    }
}
