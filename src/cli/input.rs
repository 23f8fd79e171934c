//! Files, folders and the standard input, as kubectl takes them.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use crate::manifest::Source;
use crate::watch::files::{self, decoded};

use super::report::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Input {
    /// Files, directories (their *.yaml, *.yml and *.json), or - for standard input, which is also the default if something
    /// is piped in
    #[arg(value_name = "FILE")]
    named: Vec<PathBuf>,

    /// The same, as in kubectl
    #[arg(short = 'f', long = "filename", value_name = "FILE", num_args = 1..)]
    files: Vec<PathBuf>,

    /// Also read subdirectories
    #[arg(short = 'R', long)]
    recursive: bool,
}

const STDIN: &str = "-";
pub(super) const STDIN_NAME: &str = "<stdin>";

impl Input {
    /// Reads everything, in the order given; the failure has one line for each file that cannot be read.
    pub(super) fn read(&self) -> Result<Vec<Source>, Failure> {
        let (sources, unread) = self.read_what_is_there()?;
        unread.or(sources)
    }

    /// What can be read, in the order given, and why the rest cannot be.
    pub(super) fn read_what_is_there(&self) -> Result<(Vec<Source>, Unread), Failure> {
        let mut files: Vec<&Path> = self.named.iter().chain(&self.files).map(PathBuf::as_path).collect();
        if files.is_empty() {
            if io::stdin().is_terminal() {
                return Err(Failure::one("name files, or - for the standard input"));
            }
            files.push(Path::new(STDIN));
        }
        if files.iter().filter(|file| file.as_os_str() == STDIN).count() > 1 {
            return Err(Failure::one("the standard input can be read only once, and - stands twice"));
        }
        let mut sources = Vec::new();
        let mut failures = Vec::new();
        for file in files {
            if file.as_os_str() == STDIN {
                collect(read_stdin(), &mut sources, &mut failures);
                continue;
            }
            match manifests_at(file, self.recursive) {
                Ok(paths) => {
                    for path in &paths {
                        collect(read_text(path), &mut sources, &mut failures);
                    }
                }
                Err(failure) => failures.push(failure),
            }
        }
        Ok((sources, Unread(failures)))
    }
}

/// Files that cannot be read: what the others say is told first, because they may have mistakes too.
#[derive(Debug)]
pub(super) struct Unread(Vec<String>);

impl Unread {
    /// `good` if all could be read.
    pub(super) fn or<T>(self, good: T) -> Result<T, Failure> {
        Failure::unless_empty(self.0, good)
    }
}

fn collect(read: Result<(String, String), String>, sources: &mut Vec<Source>, failures: &mut Vec<String>) {
    match read {
        Ok((name, text)) => sources.push(Source { name, text }),
        Err(failure) => failures.push(failure),
    }
}

fn read_stdin() -> Result<(String, String), String> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|error| format!("{STDIN_NAME}: {error}"))?;
    decoded(STDIN_NAME, bytes).map_err(|unread| unread.to_string())
}

/// The name of a file as messages show it, and its text.
pub(super) fn read_text(path: &Path) -> Result<(String, String), String> {
    files::read_text(path).map_err(|unread| unread.to_string())
}

/// Reads one file, or the standard input as `-`.
pub(super) fn read_one(path: &Path) -> Result<(String, String), Failure> {
    let read = if path.as_os_str() == STDIN { read_stdin() } else { read_text(path) };
    read.map_err(Failure::one)
}

/// The file itself, or the manifests of a folder, of which there is at least one.
pub(super) fn manifests_at(path: &Path, recursive: bool) -> Result<Vec<PathBuf>, String> {
    let name = path.display();
    if ["http://", "https://"]
        .iter()
        .any(|scheme| path.as_os_str().as_encoded_bytes().starts_with(scheme.as_bytes()))
    {
        return Err(format!(
            "{name}: not fetched from here; pipe it in: curl -fsSL {name} | multipod inject -f -"
        ));
    }
    let found = files::manifests(path, recursive)?;
    if found.is_empty() {
        let how = if recursive { "" } else { " (-R looks into its folders too)" };
        return Err(format!("{name}: no *.yaml, *.yml or *.json in this folder{how}"));
    }
    Ok(found)
}
