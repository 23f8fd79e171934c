//! Where the golden cases are.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // Each program uses its own part.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of every case, in order: `tests/cases/<what it is about>/<sentence>`.
pub fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = topics().flat_map(entries).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Files that stand where only cases may.
pub fn strays() -> Vec<PathBuf> {
    topics().flat_map(entries).filter(|path| !path.is_dir()).collect()
}

fn topics() -> impl Iterator<Item = PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    entries(root).filter(|path| path.is_dir())
}

fn entries(folder: PathBuf) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
}

/// What a case is about.
pub fn topic(folder: &Path) -> String {
    name(folder.parent().unwrap())
}

/// The sentence that a case proves.
pub fn name(folder: &Path) -> String {
    folder.file_name().unwrap().to_string_lossy().into_owned()
}

/// The file of every case that has one of this name, with the name of its case.
pub fn files(file: &str) -> Vec<(String, String)> {
    let read = |folder: PathBuf| Some((name(&folder), fs::read_to_string(folder.join(file)).ok()?));
    folders().into_iter().filter_map(read).collect()
}
