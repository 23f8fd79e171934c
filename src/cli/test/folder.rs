//! The folders of cases: which there are, what is in them, and what surrounds them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::report::Failure;
use crate::manifest::case::{Ended, Files, INPUT, RESULTS, SURROUNDINGS};

/// The folder of one case.
pub(super) struct Folder {
    /// Its path below the folder that was asked for.
    pub(super) name: String,
    path: PathBuf,
    /// The folders above it that may hold what surrounds it, the nearest first.
    above: Vec<PathBuf>,
}

/// Every case in a folder, in the order of their names; there is at least one.
pub(super) fn cases(root: &Path) -> Result<Vec<Folder>, Failure> {
    let mut found = Vec::new();
    below(root, &mut Vec::new(), &mut found)
        .map_err(|(path, error)| Failure::one(format!("{}: {error}", path.display())))?;
    if found.is_empty() {
        let none = format!("{}: there is no case here: a folder with an input.yaml", root.display());
        return Err(Failure::one(none));
    }
    for folder in &mut found {
        let name = folder.path.strip_prefix(root).unwrap_or(&folder.path);
        let name = if name.as_os_str().is_empty() { root } else { name };
        folder.name = name.display().to_string();
    }
    Ok(found)
}

fn below(
    path: &Path,
    above: &mut Vec<PathBuf>,
    found: &mut Vec<Folder>,
) -> Result<(), (PathBuf, std::io::Error)> {
    let wrong = |error| (path.to_owned(), error);
    let entries = fs::read_dir(path).map_err(wrong)?.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    if path.join(INPUT).is_file() {
        let above = above.iter().rev().cloned().collect();
        found.push(Folder { name: String::new(), path: path.to_owned(), above });
        return Ok(());
    }
    let mut folders: Vec<PathBuf> =
        entries.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()).collect();
    folders.sort();
    above.push(path.to_owned());
    for folder in folders {
        below(&folder, above, found)?;
    }
    above.pop();
    Ok(())
}

impl Folder {
    /// Its files, and those around it that it does not have itself.
    pub(super) fn files(&self) -> Result<Files, String> {
        let mut files = Files::new();
        let entries = fs::read_dir(&self.path).map_err(|error| error.to_string())?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, read(&path)?);
        }
        for name in SURROUNDINGS {
            let around = self.above.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
            if let Some(path) = around.filter(|_| !files.contains_key(name)) {
                files.insert(name.to_owned(), read(&path)?);
            }
        }
        Ok(files)
    }

    /// Writes down how the case ended.
    pub(super) fn write(&self, ended: &Ended) -> Result<(), String> {
        for file in RESULTS {
            let path = self.path.join(file);
            let text = ended.files().find(|(name, _)| *name == file).map(|(_, text)| text);
            let done = match text {
                Some(text) => fs::write(&path, text),
                None if path.exists() => fs::remove_file(&path),
                None => Ok(()),
            };
            done.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
