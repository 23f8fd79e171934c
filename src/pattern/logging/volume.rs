//! How a sidecar comes to see the files of an app's container.
//!
//! For each glob, the volume over its literal folder is shared; where the container has none there, an `emptyDir` is
//! mounted at the outermost such folder, so that globs in nested folders share one. Volumes that the container mounts
//! below the folder are shared too if the glob may reach them.
//!
//! The sidecar sees everything at the app's own paths, unless these could collide: with the files of another container,
//! or with what the sidecar itself needs. Then all of it stands below `/logs/CONTAINER`.
//!
//! A second look gives the same answer: a folder of ours from an earlier look is ours again, and what our other patterns
//! have mounted does not count as the app's.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Bound;

use crate::annotation::Problem;
use crate::annotation::item::Problems;
use crate::pattern::container::{Mount, Text, Volume};
use crate::pattern::{AppMount, system};
use crate::pod::path::{Folder, covers};
use crate::pod::view::is_own_name;
use crate::pod::{self, Pod};
use multipod_values::short;

use super::collector;
use super::source::{Seen, Source, View};

/// Our own volumes: `multipod-logs-1`, `multipod-logs-2`…
const VOLUME: &str = "multipod-logs-";
/// Where everything stands when paths could collide.
const APART: &str = "/logs";
/// What a sidecar itself needs: our program, configuration and certificates, state, the collector, and the empty
/// folder that withholds the service account's token.
const NEEDED: [&str; 5] =
    ["/multipod", "/etc", collector::STATE_FOLDER, "/otelcol-contrib", "/var/run/secrets"];
/// How many volumes below a folder are shared; more are not meant, and would cost more than they take to write down.
const MOST_BELOW: usize = 32;
/// How many below a folder are looked at, whether a glob reaches them or not.
const MOST_LOOKED_AT: usize = 256;

/// What is added for the sake of sharing, and how the sidecar sees each source.
pub(super) struct Shared {
    pub(super) volumes: Vec<Volume>,
    pub(super) app_mounts: Vec<AppMount>,
    pub(super) views: Vec<View>,
}

/// Shares the folders of all sources.
pub(super) fn share(sources: &[Source<'_>], pod: &Pod<'_>) -> Result<Shared, Vec<Problem>> {
    let covering = sources.iter().map(|source| covering(source, pod)).collect();
    let volumes = || pod.spec.volumes.items().iter();
    let mut sharing = Sharing {
        sources,
        pod,
        covering,
        fixed: volumes().filter(|volume| volume.read_only).map(|v| &*v.name).collect(),
        taken: volumes().map(|volume| volume.name.to_string()).collect(),
        added: Vec::new(),
    };
    let mut views = Vec::with_capacity(sources.len());
    let mut problems = Problems::default();
    for (index, source) in sources.iter().enumerate() {
        // Each is compared with each mount, some times.
        if !pod.go(1 + mounts_in(source, pod).count()) {
            break;
        }
        match sharing.mounts_of(index) {
            Ok(mounts) => views.push(View { glob: source.files.glob.as_str().to_owned(), mounts }),
            Err(problem) => problems.push(problem),
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
    let names: BTreeSet<&Text> = sharing.added.iter().map(|added| &added.mount.name).collect();
    let volumes = names.into_iter().map(|name| Volume::empty_dir(name.clone())).collect();
    problems.or(Shared { volumes, app_mounts: sharing.added, views })
}

/// The mounts that one sidecar needs, each once. They are read-only unless another one lies below: the container
/// runtime could not make the place for that one in a read-only folder.
pub(super) fn mounts(group: &[&Seen<'_, '_>]) -> Vec<Mount> {
    let all = || group.iter().flat_map(|seen| &seen.view.mounts);
    let mut seen = BTreeSet::new();
    let once = all().filter(|mount| seen.insert(&*mount.mount_path));
    let mut mounts: Vec<Mount> = once.cloned().collect();
    let places: BTreeSet<Folder<'_>> = all().map(|mount| Folder::of(&mount.mount_path)).collect();
    for mount in &mut mounts {
        let inside = Folder::of(&mount.mount_path).inside();
        // What lies below stands together, from here on.
        let next = places.range::<str, _>((Bound::Included(&*inside), Bound::Unbounded)).next();
        mount.read_only = !next.is_some_and(|next| next.starts_with(&inside));
    }
    mounts
}

/// Two containers may have different files at one path; and no mount may hide what the sidecar itself needs.
fn must_stand_apart(sources: &[Source<'_>], views: &[View]) -> bool {
    sources.iter().any(|source| source.container != sources[0].container)
        || views.iter().flat_map(|view| &view.mounts).any(|mount| {
            let place = Folder::of(&mount.mount_path);
            NEEDED.map(Folder::of).iter().any(|needed| needed.covers(&place) || place.covers(needed))
        })
}

/// The app's mount that holds the files: the deepest one over the folder, or over the file if the glob names just one.
fn covering<'p>(source: &Source<'_>, pod: &'p Pod<'_>) -> Option<&'p pod::Mount<'p>> {
    let glob = &source.files.glob;
    let place = if glob.is_one_file() { Folder::of(glob.as_str()) } else { source.folder.clone() };
    mounts_in(source, pod)
        .filter(|mount| !is_own_name(&mount.name) || is_log_folder(mount))
        .filter(|mount| mount.mount_path.place().covers(&place))
        .max_by_key(|mount| mount.mount_path.place().depth())
}

/// What is told of a glob that names the very folder where a volume is mounted: it would match, and print nothing.
pub(super) fn no_file(source: &Source<'_>, pod: &Pod<'_>) -> Option<String> {
    let glob = source.files.glob.as_str();
    let mount = covering(source, pod).filter(|mount| mount.mount_path.trim_end_matches('/') == glob)?;
    let mut volumes = pod.spec.volumes.items().iter();
    // A part of a volume may be a file, and so may what a node has.
    let may_be_file = !mount.sub_path.is_empty()
        || !mount.sub_path_expr.is_empty()
        || volumes.any(|volume| volume.name == mount.name && &*volume.kind == "hostPath");
    (source.files.glob.is_one_file() && !may_be_file).then(|| {
        format!(
            "{glob} is the folder of volume {} in container {}, and a folder has no lines: write {glob}/*.log, or \
             whatever the files are called",
            &*mount.name, source.name
        )
    })
}

/// The mounts of the container that writes the files.
fn mounts_in<'p>(source: &Source<'_>, pod: &'p Pod<'_>) -> impl Iterator<Item = &'p pod::Mount<'p>> {
    let container = pod.spec.containers.items().get(source.container);
    let mounts = container.map_or(&[][..], |container| container.volume_mounts.items());
    mounts.iter().filter(|mount| mount.mount_path.starts_with('/'))
}

/// Whether a mount is a folder that we added at an earlier look.
fn is_log_folder(mount: &pod::Mount<'_>) -> bool {
    mount.name.starts_with(VOLUME)
}

/// All sources, and what they have made necessary so far.
struct Sharing<'p> {
    sources: &'p [Source<'p>],
    pod: &'p Pod<'p>,
    /// The mount that holds the files of each source.
    covering: Vec<Option<&'p pod::Mount<'p>>>,
    /// The names of volumes that no app can write to.
    fixed: BTreeSet<&'p str>,
    /// The names of all volumes.
    taken: BTreeSet<String>,
    /// The folders that we add to the app's containers.
    added: Vec<AppMount>,
}

impl<'p> Sharing<'p> {
    fn mounts_of(&mut self, index: usize) -> Result<Vec<Mount>, Problem> {
        let sources = self.sources;
        let source = &sources[index];
        let first = match self.covering[index] {
            Some(mount) if !is_log_folder(mount) => self.shareable(mount, source)?,
            Some(earlier) => self.folder(source, &earlier.mount_path, &earlier.name),
            None => self.new_folder(source)?,
        };
        let mut mounts = vec![first];
        let glob = &source.files.glob;
        let below = mounts_in(source, self.pod).filter(|mount| {
            mount.mount_path.place().lies_below(&source.folder)
                && !is_own_name(&mount.name)
                && !self.is_read_only(mount)
        });
        let too_many = |most: usize| {
            let label = format!("more than {most} volumes are mounted below {}", short(glob.folder()));
            Err(Problem::new(source.files.span, label).help("Name a deeper folder."))
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
                mounts.push(self.shareable(mount, source)?);
            }
        }
        Ok(mounts)
    }

    /// A folder for files that nothing is mounted over.
    fn new_folder(&mut self, source: &'p Source<'p>) -> Result<Mount, Problem> {
        let path = self.outermost(source);
        let is_virtual = ["/proc", "/sys", "/dev"].iter().any(|folder| covers(folder, path));
        if is_virtual || system::FOLDERS.contains(&path) {
            let label = format!("a new volume at {path} would hide what the app's image has there");
            return Err(
                Problem::new(source.files.span, label).help("Write the logs to a folder of their own.")
            );
        }
        let mut names = (1..).map(|number: usize| format!("{VOLUME}{number}"));
        let name = names.find(|name| !self.taken.contains(name)).unwrap_or_default();
        Ok(self.folder(source, path, &name))
    }

    /// The outermost folder over the files among those of the same container that need a volume.
    fn outermost(&self, source: &'p Source<'p>) -> &'p str {
        let bare = self.sources.iter().zip(&self.covering).filter(|(_, covering)| covering.is_none());
        bare.filter(|(other, _)| other.container == source.container)
            .filter(|(other, _)| other.folder.covers(&source.folder))
            .map(|(other, _)| other.files.glob.folder())
            .min_by_key(|other| other.len())
            .unwrap_or(source.files.glob.folder())
    }

    /// Our folder at `path`: the one that another source has added, or one named `name`.
    fn folder(&mut self, source: &Source<'_>, path: &str, name: &str) -> Mount {
        let container = source.container;
        let here = |added: &&AppMount| added.container == container && added.mount.mount_path == path;
        if let Some(known) = self.added.iter().find(here) {
            return known.mount.clone();
        }
        let mount = Mount::new(name.to_owned(), path.to_owned());
        self.taken.insert(name.to_owned());
        self.added.push(AppMount { container, mount: mount.clone() });
        mount
    }

    /// A mount of the app as the sidecar gets it.
    fn shareable(&self, mount: &pod::Mount<'_>, source: &Source<'_>) -> Result<Mount, Problem> {
        let (name, path) = (short(&mount.name), short(&mount.mount_path));
        let problem = |label: String| Problem::new(source.files.span, label);
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
