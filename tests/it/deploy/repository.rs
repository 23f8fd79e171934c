//! What only runs elsewhere, held to what can be seen here: the context of the image, and the workflows of GitHub.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::root;

/// What Cargo would build of the crate that lies in `folder`, but for tests: kinds and names.
fn targets(folder: &Path) -> Vec<(String, String)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--locked", "--format-version=1"]).current_dir(folder);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let targets = packages.flat_map(|package| package["targets"].as_array().unwrap());
    let mut all: Vec<_> = targets
        .map(|target| {
            (target["kind"][0].as_str().unwrap().to_owned(), target["name"].as_str().unwrap().to_owned())
        })
        .filter(|(kind, _)| !["test", "bench", "example"].contains(&&**kind))
        .collect();
    all.sort();
    all
}

#[test]
fn the_image_is_built_from_everything_that_cargo_needs() {
    let context = tempfile::tempdir().unwrap();
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    for kept in ignored.lines().filter_map(|line| line.strip_prefix('!')).filter(|kept| *kept != "dist") {
        let copied =
            Command::new("cp").arg("-r").arg(root().join(kept)).arg(context.path()).status().unwrap();
        assert!(copied.success(), "{kept}");
    }
    assert_eq!(targets(context.path()), targets(root()));
}

#[test]
fn workflows_pin_their_actions_and_say_what_they_may_do() {
    let folder = root().join(".github/workflows");
    let mut actions = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\npermissions:\n"), "{}: no permissions, so all of them", path.display());
        for line in
            text.lines().filter(|line| line.trim_start().trim_start_matches("- ").starts_with("uses:"))
        {
            let pinned = line.split_once('@').and_then(|(_, version)| version.split_once(" # v"));
            let is_commit =
                |commit: &str| commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(pinned.is_some_and(|(commit, _)| is_commit(commit)), "{}: {line}", path.display());
            actions += 1;
        }
    }
    assert!(actions > 0);
}
