//! Looks for the files on disk.
//!
//! Looking again and again instead of asking for notifications: inotify reports nothing on network file systems, in some
//! sandboxed runtimes, and where the per-user limit of watches is used up.

use super::handles::is_starved;
use super::report::UnreadablePaths;
use super::table::{FileId, Found};
use multipod_values::{Glob, Part};
use std::collections::{HashMap, HashSet};
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Asking so many folders for their time at every round costs little.
const FOLDERS_ASKED: usize = 32;

/// The folders that were looked into, with their times: a file that comes, goes or is renamed changes its folder's time.
#[derive(Debug, Default)]
pub(super) struct Folders(HashMap<PathBuf, Option<SystemTime>>);

impl Folders {
    pub(super) fn changed(&self) -> bool {
        self.0.len() <= FOLDERS_ASKED && self.0.iter().any(|(folder, seen)| modified(folder) != *seen)
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// What a look at the disk has brought.
pub(super) struct Scan {
    pub(super) found: Vec<Found>,
    pub(super) folders: Folders,
    /// A folder could not be read, because too many files are open.
    pub(super) starved: bool,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), born: metadata.created().ok() }
    }
}

/// Every file that matches, and every known one that is still in the folder where it was, whatever its name now.
pub(super) fn scan<'a>(
    globs: &[Glob],
    known: impl Iterator<Item = (FileId, &'a Path)>,
    unreadable: &mut UnreadablePaths,
) -> Scan {
    let mut walk = Walk { found: Vec::new(), folders: Folders::default(), starved: false, unreadable };
    for glob in globs {
        walk.folder(Path::new("/"), glob.parts());
    }
    let Walk { mut found, folders, starved, .. } = walk;
    find_renamed(&mut found, known);
    Scan { found, folders, starved }
}

struct Walk<'a> {
    found: Vec<Found>,
    folders: Folders,
    starved: bool,
    unreadable: &'a mut UnreadablePaths,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, parts: &[Part]) {
        match parts {
            [] => {}
            [Part::Name(name)] => {
                self.folders.0.entry(folder.to_owned()).or_insert_with(|| modified(folder));
                self.file(folder.join(name));
            }
            [Part::Name(name), rest @ ..] => self.folder(&folder.join(name), rest),
            [Part::Wild(wild), rest @ ..] => {
                for (path, kind) in self.entries(folder, |name| wild.matches(name)) {
                    match rest {
                        // Devices and pipes are not even asked: some answer to an open.
                        [] if kind.is_file() || kind.is_symlink() => self.file(path),
                        [_, ..] if kind.is_dir() || kind.is_symlink() => self.folder(&path, rest),
                        _ => {}
                    }
                }
            }
            [Part::AnyDepth, rest @ ..] => {
                self.folder(folder, rest);
                // Links to folders are not followed here: they can lead in circles.
                for (path, kind) in self.entries(folder, |name| !name.starts_with('.')) {
                    if kind.is_dir() {
                        self.folder(&path, parts);
                    }
                }
            }
        }
    }

    fn file(&mut self, path: PathBuf) {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => self.found.push(seen(path, &metadata, true)),
            Ok(_) => {}
            Err(error) => self.report(&path, &error),
        }
    }

    /// All entries at once, so that walking down holds no descriptor open.
    fn entries(&mut self, folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<(PathBuf, FileType)> {
        // The time before the names: what changes in between is seen as a change.
        self.folders.0.entry(folder.to_owned()).or_insert_with(|| modified(folder));
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.report(folder, &error);
                return Vec::new();
            }
        };
        let mut chosen: Vec<_> = entries
            .filter_map(Result::ok)
            .filter(|entry| is_wanted(&entry.file_name().to_string_lossy()))
            .filter_map(|entry| Some((entry.path(), entry.file_type().ok()?)))
            .collect();
        chosen.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        chosen
    }

    fn report(&mut self, path: &Path, error: &io::Error) {
        if is_starved(error) {
            self.starved = true;
        } else if !is_absent(error) {
            self.unreadable.report(path, error);
        }
    }
}

fn seen(path: PathBuf, metadata: &Metadata, matched: bool) -> Found {
    let id = FileId::of(metadata);
    Found { id, path, size: metadata.len(), modified: metadata.modified().ok(), matched }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Adds the known files that no pattern has led to: rotated to a name that does not match, they may still get lines.
fn find_renamed<'a>(found: &mut Vec<Found>, known: impl Iterator<Item = (FileId, &'a Path)>) {
    let matched: HashSet<FileId> = found.iter().map(|one| one.id).collect();
    let mut inodes: HashMap<PathBuf, HashMap<u64, PathBuf>> = HashMap::new();
    for (id, path) in known.filter(|(id, _)| !matched.contains(id)) {
        match fs::metadata(path) {
            Ok(metadata) if FileId::of(&metadata) == id => {
                found.push(seen(path.to_owned(), &metadata, false));
            }
            Err(error) if !is_absent(&error) => {
                // A disk that fails to answer has not deleted the file.
                found.push(Found { id, path: path.to_owned(), size: 0, modified: None, matched: false });
            }
            _ => {
                let Some(folder) = path.parent() else { continue };
                let names = inodes.entry(folder.to_owned()).or_insert_with(|| names_by_inode(folder));
                if let Some(name) = names.get(&id.inode)
                    && let Ok(metadata) = fs::metadata(name)
                    && FileId::of(&metadata) == id
                {
                    found.push(seen(name.clone(), &metadata, false));
                }
            }
        }
    }
}

fn names_by_inode(folder: &Path) -> HashMap<u64, PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| (entry.ino(), entry.path())).collect()
}
