//! Finds the adapters in their folder and the default images in their file, so that neither is listed a second time.
//!
//! A build script and not a macro that includes a folder: Cargo notices a new file in it, a macro on stable Rust does not.

// How a build script speaks to Cargo.
#![allow(clippy::print_stdout)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const ADAPTERS: &str = "src/pattern/adapters";
const IMAGES: &str = "src/pattern/images.yaml";

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(name));
    let (root, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    // Cargo goes by what git sees where a script names nothing; these two are all that it reads.
    println!("cargo::rerun-if-changed={ADAPTERS}");
    println!("cargo::rerun-if-changed={IMAGES}");
    fs::write(out.join("adapters.rs"), adapters(&root.join(ADAPTERS))?)?;
    fs::write(out.join("images.rs"), images(&fs::read_to_string(root.join(IMAGES))?)?)
}

/// A list of the names and the text of all files in the folder.
fn adapters(folder: &Path) -> io::Result<String> {
    let files = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files: Vec<PathBuf> = files.collect::<io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut code = "&[".to_owned();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Not the whole path, which would be wrong as soon as the tree is moved or built from another copy of it.
        let (file, name) = (format!("/{ADAPTERS}/{name}"), format!("adapters/{name}"));
        write!(code, "({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {file:?}))),")
            .map_err(io::Error::other)?;
    }
    Ok(code + "]")
}

/// A constant for each line `NAME: IMAGE`, and a list of all.
fn images(text: &str) -> io::Result<String> {
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows: Option<Vec<(&str, &str)>> = rows.map(|line| line.split_once(": ")).collect();
    let rows = rows.ok_or_else(|| io::Error::other(format!("{IMAGES}: expected lines NAME: IMAGE")))?;
    let mut code = String::new();
    for (name, image) in rows.iter().filter(|(name, _)| !name.starts_with("metrics-")) {
        let name = name.to_ascii_uppercase().replace('-', "_");
        writeln!(code, "pub(crate) const {name}: &str = {image:?};").map_err(io::Error::other)?;
    }
    Ok(format!("{code}pub(crate) const ALL: &[(&str, &str)] = &{rows:?};\n"))
}
