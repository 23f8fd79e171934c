//! Manifests in files and folders: the server finds and reads the same ones as the commands.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file itself, or the manifests of a folder in the order of their names.
pub(crate) fn manifests(path: &Path, recursive: bool) -> Result<Vec<PathBuf>, String> {
    let failure = |error: io::Error| format!("{}: {error}", path.display());
    if !fs::metadata(path).map_err(failure)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    walk(path, recursive, &mut found).map_err(failure)?;
    Ok(found)
}

/// A file that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) name: String,
    /// The line that is no text, from 1; the first where it is about the file as a whole.
    pub(crate) line: usize,
    pub(crate) message: String,
    is_about_a_line: bool,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unread { name, line, message, is_about_a_line } = self;
        if *is_about_a_line { write!(f, "{name}:{line}: {message}") } else { write!(f, "{name}: {message}") }
    }
}

/// The name of a file as messages show it, and its text.
pub(crate) fn read_text(path: &Path) -> Result<(String, String), Unread> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => decoded(&name, bytes),
        Err(error) => Err(Unread { name, line: 1, message: error.to_string(), is_about_a_line: false }),
    }
}

/// UTF-8, or UTF-16 where its first mark says so, as kubectl takes it.
pub(crate) fn decoded(name: &str, bytes: Vec<u8>) -> Result<(String, String), Unread> {
    let decode = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            ("UTF-8", good.split(|byte| *byte == b'\n').count())
        }),
    };
    decode.map(|text| (name.to_owned(), text)).map_err(|(encoding, line)| Unread {
        name: name.to_owned(),
        line,
        message: format!("not {encoding} text"),
        is_about_a_line: true,
    })
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

fn walk(folder: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_unstable_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // Hidden entries are how a mounted ConfigMap keeps its versions.
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
