//! Files, folders and the standard input, as kubectl takes them.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use crate::manifest::Source;

use super::report::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Input {
    /// Files, folders (their *.yaml, *.yml and *.json), or - for the standard input, which is also read where there
    /// is no -f and something is piped in
    #[arg(short = 'f', long = "filename", value_name = "FILE", num_args = 1..)]
    files: Vec<PathBuf>,

    /// Also read the folders in folders
    #[arg(short = 'R', long)]
    recursive: bool,
}

const STDIN: &str = "-";
const STDIN_NAME: &str = "<stdin>";

impl Input {
    /// Reads everything, in the order given; the failure has one line for each file that cannot be read.
    pub(super) fn read(&self) -> Result<Vec<Source>, Failure> {
        let from_pipe = [PathBuf::from(STDIN)];
        let files = match self.files.as_slice() {
            [] if io::stdin().is_terminal() => {
                return Err(Failure::one("give files with -f, or - for the standard input"));
            }
            [] => &from_pipe[..],
            files => files,
        };
        if files.iter().filter(|file| file.as_os_str() == STDIN).count() > 1 {
            return Err(Failure::one("the standard input can be read only once, and -f - stands twice"));
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
        Failure::unless_empty(failures, sources)
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
    text(STDIN_NAME, bytes)
}

/// Reads one file, or the standard input as `-`.
pub(super) fn read_one(path: &Path) -> Result<(String, String), Failure> {
    let read = if path.as_os_str() == STDIN { read_stdin() } else { read_text(path) };
    read.map_err(Failure::one)
}

/// The name of a file as messages show it, and its text.
pub(super) fn read_text(path: &Path) -> Result<(String, String), String> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    text(&name, bytes)
}

/// UTF-8, or UTF-16 where its first mark says so, as kubectl takes it.
fn text(name: &str, bytes: Vec<u8>) -> Result<(String, String), String> {
    let decode = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            ("UTF-8", good.split(|byte| *byte == b'\n').count())
        }),
    };
    decode
        .map(|text| (name.to_owned(), text))
        .map_err(|(encoding, line)| format!("{name}:{line}: not {encoding} text"))
}

/// The text; or else the name of the encoding, and the line that breaks it.
fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, (&'static str, usize)> {
    let pairs = bytes.chunks(2).map(|pair| pair.try_into().map_or(0xd800, unit));
    let mut text = String::with_capacity(bytes.len());
    for char in char::decode_utf16(pairs) {
        text.push(char.map_err(|_| ("UTF-16", text.split('\n').count()))?);
    }
    Ok(text)
}

/// The file itself, or the manifests of a folder in the order of their names.
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
    let failure = |error: io::Error| format!("{name}: {error}");
    if !fs::metadata(path).map_err(failure)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    walk(path, recursive, &mut found).map_err(failure)?;
    if found.is_empty() {
        let how = if recursive { "" } else { " (-R looks into its folders too)" };
        return Err(format!("{name}: no *.yaml, *.yml or *.json in this folder{how}"));
    }
    Ok(found)
}

fn walk(folder: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_unstable_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        // A link to a folder may lead back to a folder above; a link to a file is read like a file.
        if entry.file_type()?.is_dir() {
            if recursive {
                walk(&path, recursive, found)?;
            }
        } else if is_manifest(&path) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}
