//! How a sidecar comes to see the files of an app's container.
//!
//! For each glob, the volume over its literal folder is shared; where the container has none there, an `emptyDir` is
//! mounted at the outermost such folder, so that globs in nested folders share one. Volumes that the container mounts
//! below the folder are shared too if the glob may reach them.
//!
//! The sidecar sees everything at the app's own paths, unless these could collide: with the files of another container,
//! or with what the sidecar itself needs. Then all of it stands below `/logs/CONTAINER`, and what containers have parts of,
//! below `/shared`.
//!
//! A second look gives the same answer: a folder of ours from an earlier look is ours again, and what our other patterns
//! have mounted does not count as the app's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::annotation::Problem;
use crate::annotation::item::Problems;
use crate::pattern::container::{Mount, Volume};
use crate::pattern::{AppMount, system};
use crate::pod::path::{Folder, covers};
use crate::pod::{self, Pod};

use super::collector;
use super::held::{VOLUME, Volumes, is_log_folder};
use super::request::Files;
use super::source::{HeldBy, SHARED, Seen, Source, View};

/// Where everything stands when paths could collide.
const APART: &str = "/logs";
/// What a sidecar itself needs: our program, configuration and certificates, state, the collector, and the empty
/// folder that withholds the service account's token.
const NEEDED: [&str; 5] =
    ["/multipod", "/etc", collector::STATE_FOLDER, "/otelcol-contrib", "/var/run/secrets"];

/// What is added for the sake of sharing, and how the sidecar sees each source.
pub(super) struct Shared {
    pub(super) volumes: Vec<Volume>,
    pub(super) app_mounts: Vec<AppMount>,
    pub(super) views: Vec<View>,
}

/// Shares the folders of all sources.
pub(super) fn share(sources: &[Source<'_>], pod: &Pod<'_>) -> Result<Shared, Vec<Problem>> {
    let volumes = Volumes::of(pod);
    let covering = sources
        .iter()
        .map(|source| volumes.covering(source.container, source.files, &source.folder))
        .collect();
    let mut sharing = Sharing {
        sources,
        covering,
        taken: pod.spec.volumes.items().iter().map(|volume| volume.name.to_string()).collect(),
        volumes,
        added: Vec::new(),
        shared: BTreeMap::new(),
    };
    let mut views = Vec::with_capacity(sources.len());
    let mut problems = Problems::default();
    for (index, source) in sources.iter().enumerate() {
        // Each is compared with each mount, some times.
        if !pod.go(1 + sharing.volumes.mounts_in(source.container).count()) {
            break;
        }
        match sharing.view_of(index) {
            Ok(view) => views.push(view),
            Err(problem) => problems.push(problem),
        }
    }
    if must_stand_apart(sources, &views) {
        for (view, source) in views.iter_mut().zip(sources).filter(|(view, _)| view.parts_of.is_none()) {
            let folder = format!("{APART}/{}", source.name);
            view.glob.insert_str(0, &folder);
            for mount in &mut view.mounts {
                mount.mount_path = Cow::Owned(format!("{folder}{}", mount.mount_path));
            }
        }
    }
    let added = sharing.added.iter().map(|added| &*added.mount.name);
    let names: BTreeSet<&str> = added.chain(sharing.shared.values().map(|(name, _)| &**name)).collect();
    let volumes = names.into_iter().map(|name| Volume::empty_dir(name.to_owned())).collect();
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
        || sources.iter().any(|source| matches!(source.held_by, HeldBy::Own(_)))
        || views.iter().filter(|view| view.parts_of.is_none()).flat_map(|view| &view.mounts).any(|mount| {
            let place = Folder::of(&mount.mount_path);
            NEEDED.map(Folder::of).iter().any(|needed| needed.covers(&place) || place.covers(needed))
        })
}

/// All sources, and what they have made necessary so far.
struct Sharing<'p> {
    sources: &'p [Source<'p>],
    volumes: Volumes<'p>,
    /// The mount that holds the files of each source.
    covering: Vec<Option<&'p pod::Mount<'p>>>,
    /// The names of all volumes.
    taken: BTreeSet<String>,
    /// The folders that we add to the app's containers.
    added: Vec<AppMount>,
    /// By its path, the volume of each folder that containers have parts of, and which of them do.
    shared: BTreeMap<String, (String, BTreeSet<usize>)>,
}

impl<'p> Sharing<'p> {
    fn view_of(&mut self, index: usize) -> Result<View, Problem> {
        let source = &self.sources[index];
        let glob = source.files.glob.as_str();
        let (folder, apps) = match &source.held_by {
            HeldBy::Whatever => {
                let mounts = self.mounts_of(index)?;
                return Ok(View { glob: glob.to_owned(), mounts, parts_of: None });
            }
            HeldBy::Own(mounts) => {
                return Ok(View { glob: glob.to_owned(), mounts: mounts.clone(), parts_of: None });
            }
            HeldBy::Shared { folder, apps } => (folder, apps),
        };
        let name = self.shared_folder(source, folder, apps)?;
        let place = format!("{SHARED}{folder}");
        Ok(View {
            glob: format!("{place}/*{}", &glob[folder.len()..]),
            mounts: vec![Mount::new(name, place)],
            parts_of: Some(folder.clone()),
        })
    }

    /// A folder of which each container gets the part that has its name; the name of its volume.
    fn shared_folder(&mut self, source: &Source<'_>, path: &str, apps: &[usize]) -> Result<String, Problem> {
        let known = self.shared.get(path).map(|(name, _)| name.clone());
        let name = match known.or_else(|| self.earlier(path)) {
            Some(name) => name,
            None => self.new_volume(source.files, path)?,
        };
        self.taken.insert(name.clone());
        let (_, there) =
            self.shared.entry(path.to_owned()).or_insert_with(|| (name.clone(), BTreeSet::new()));
        let containers = self.volumes.pod.spec.containers.items();
        for &container in apps.iter().filter(|container| there.insert(**container)) {
            let sub_path = Some(Cow::Owned(containers[container].name.to_string()));
            let mount = Mount { sub_path, ..Mount::new(name.clone(), path.to_owned()) };
            self.added.push(AppMount { container, mount });
        }
        Ok(name)
    }

    /// The volume that an earlier look has shared at `path`: a sidecar has all of it, an app a part.
    fn earlier(&self, path: &str) -> Option<String> {
        let spec = &self.volumes.pod.spec;
        let containers = spec.init_containers.items().iter().chain(spec.containers.items());
        let mut mounts = containers.flat_map(|container| container.volume_mounts.items());
        let is_it = |at: &str| at == path || at.strip_prefix(SHARED) == Some(path);
        let mount = mounts.find(|mount| is_log_folder(mount) && is_it(&mount.mount_path))?;
        Some(mount.name.to_string())
    }

    fn mounts_of(&mut self, index: usize) -> Result<Vec<Mount>, Problem> {
        let sources = self.sources;
        let source = &sources[index];
        let first = match self.covering[index] {
            Some(mount) if !is_log_folder(mount) => self.volumes.shareable(mount, source.files)?,
            Some(earlier) => self.folder(source, &earlier.mount_path, &earlier.name),
            None => self.new_folder(source)?,
        };
        let mut mounts = vec![first];
        self.volumes.add_below(source.container, source.files, &source.folder, &mut mounts)?;
        Ok(mounts)
    }

    /// A folder for files that nothing is mounted over.
    fn new_folder(&mut self, source: &'p Source<'p>) -> Result<Mount, Problem> {
        let path = self.outermost(source);
        let name = self.new_volume(source.files, path)?;
        Ok(self.folder(source, path, &name))
    }

    /// The name of a volume that can be mounted at `path`.
    fn new_volume(&self, files: &Files, path: &str) -> Result<String, Problem> {
        let is_virtual = ["/proc", "/sys", "/dev"].iter().any(|folder| covers(folder, path));
        if is_virtual || system::FOLDERS.contains(&path) {
            let label = format!("a new volume at {path} would hide what the app's image has there");
            return Err(Problem::new(files.span, label).help("Write the logs to a folder of their own."));
        }
        let mut names = (1..).map(|number: usize| format!("{VOLUME}{number}"));
        Ok(names.find(|name| !self.taken.contains(name)).unwrap_or_default())
    }

    /// The outermost folder over the files among those of the same container that need a volume.
    fn outermost(&self, source: &'p Source<'p>) -> &'p str {
        let bare = self.sources.iter().zip(&self.covering).filter(|(_, covering)| covering.is_none());
        bare.filter(|(other, _)| other.container == source.container && other.held_by == HeldBy::Whatever)
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
}
