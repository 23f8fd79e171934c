//! The open files: as many as the process may have, the ones used last.

use super::table::FileId;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Descriptors that are left for everything else: standard streams, signals, the folder being read.
const RESERVED: usize = 16;
/// More than this is not held open, even where it is allowed.
const MOST: usize = 4096;
const FEWEST: usize = 4;

#[derive(Debug)]
pub(super) struct Handles {
    open: HashMap<FileId, (File, u64)>,
    ages: BTreeMap<u64, FileId>,
    clock: u64,
    most: usize,
}

#[derive(Debug)]
pub(super) enum Unopened {
    /// The path leads elsewhere by now, or nowhere.
    Moved,
    /// No descriptor is left, and none can be closed.
    NoDescriptor,
    Unreadable(io::Error),
}

impl Handles {
    pub(super) fn new(limit: Option<usize>) -> Self {
        let most = limit.map_or(256, |limit| limit.saturating_sub(RESERVED)).clamp(FEWEST, MOST);
        Self { open: HashMap::new(), ages: BTreeMap::new(), clock: 0, most }
    }

    /// The file, opened if needed; those that are `pinned` are not closed for it.
    pub(super) fn get(
        &mut self,
        id: FileId,
        path: &Path,
        pinned: impl Fn(FileId) -> bool,
    ) -> Result<&File, Unopened> {
        self.clock += 1;
        if let Some((_, used)) = self.open.get_mut(&id) {
            self.ages.remove(used);
            *used = self.clock;
        } else {
            if self.open.len() >= self.most {
                self.close_oldest(&pinned);
            }
            let file = self.open_as(id, path, &pinned)?;
            self.open.insert(id, (file, self.clock));
        }
        self.ages.insert(self.clock, id);
        self.open.get(&id).map(|(file, _)| file).ok_or(Unopened::Moved)
    }

    pub(super) fn close(&mut self, id: FileId) {
        if let Some((_, used)) = self.open.remove(&id) {
            self.ages.remove(&used);
        }
    }

    /// Closes half of the files and holds no more from now on: others need descriptors too.
    pub(super) fn give_way(&mut self, pinned: impl Fn(FileId) -> bool) {
        self.most = (self.open.len() / 2).max(1);
        while self.open.len() > self.most && self.close_oldest(&pinned) {}
    }

    fn open_as(
        &mut self,
        id: FileId,
        path: &Path,
        pinned: &impl Fn(FileId) -> bool,
    ) -> Result<File, Unopened> {
        loop {
            match open_regular(path) {
                Ok(file) => {
                    let metadata = file.metadata().map_err(Unopened::Unreadable)?;
                    let same = metadata.is_file() && FileId::of(&metadata) == id;
                    return if same { Ok(file) } else { Err(Unopened::Moved) };
                }
                Err(error) if is_starved(&error) => {
                    if !self.close_oldest(pinned) {
                        return Err(Unopened::NoDescriptor);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unopened::Moved),
                Err(error) => return Err(Unopened::Unreadable(error)),
            }
        }
    }

    fn close_oldest(&mut self, pinned: &impl Fn(FileId) -> bool) -> bool {
        let oldest = self.ages.values().copied().find(|&id| !pinned(id));
        oldest.map(|id| self.close(id)).is_some()
    }
}

/// The process, or the whole node, has as many files open as it may.
pub(super) fn is_starved(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Opens without ever waiting: between the scan and now, the file may have become a pipe.
fn open_regular(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// How many descriptors this process may have, where the system says so.
pub(super) fn descriptor_limit() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
