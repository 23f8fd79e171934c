//! Runs the program, and reads what it printed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Files of one test, in a folder that goes with it.
pub(crate) struct Files(TempDir);

/// The program, without a terminal and settings for colours.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multipod"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env_remove("CLICOLOR");
    command
}

pub(crate) fn multipod(args: &[&str], stdin: &str) -> Ran {
    Ran::fed(program().args(args), stdin)
}

/// Injects what comes in a pipe, and expects that it goes well.
#[track_caller]
pub(crate) fn injected(text: &str) -> Ran {
    let ran = multipod(&["inject"], text);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran
}

/// The values of all documents that hold something.
#[track_caller]
pub(crate) fn values(text: &str) -> Vec<Value> {
    let documents = multipod_yaml::documents(text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    documents
        .iter()
        .filter(|document| !document.is_empty())
        .map(|document| document.value().clone())
        .collect()
}

/// The names of the containers that multipod added to a pod template.
pub(crate) fn ours(template: &Value) -> Vec<String> {
    let lists = ["initContainers", "containers"].map(|list| template["spec"][list].as_array().cloned());
    let names = lists.into_iter().flatten().flatten().map(|one| one["name"].as_str().unwrap().to_owned());
    names.filter(|name| name.starts_with("multipod-")).collect()
}

/// Asserts that every line of the one text stands in the other, in the same order.
#[track_caller]
pub(crate) fn only_adds(before: &str, after: &str) {
    let mut lines = after.split_inclusive('\n');
    for line in before.split_inclusive('\n') {
        assert!(lines.any(|other| other == line), "{line:?} is not in its place in\n{after}");
    }
}

/// A pod that asks for an ambassador, with these lines in its spec.
pub(crate) fn pod(more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    multipod/ambassador: \"80:8775\"\n\
         spec:\n  containers:\n  - name: app\n    image: app:1\n{more}"
    )
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Ran {
        Ran::fed(command, "")
    }

    /// With something to read on its standard input.
    pub(crate) fn fed(command: &mut Command, stdin: impl Into<Vec<u8>>) -> Ran {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = piped.spawn().unwrap();
        let (mut pipe, bytes) = (process.stdin.take().unwrap(), stdin.into());
        // Beside it, because it may answer before it has read everything, or end without having read anything.
        let feeder = thread::spawn(move || drop(pipe.write_all(&bytes)));
        let output = process.wait_with_output().unwrap();
        feeder.join().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts that the standard error has all of these.
    #[track_caller]
    pub(crate) fn reports(&self, what: &[&str]) {
        for what in what {
            assert!(self.err.contains(what), "{what:?} is not in\n{}", self.err);
        }
    }

    #[track_caller]
    pub(crate) fn is_refused(&self) {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{}", self.err);
        assert!(self.err.contains("error"), "{}", self.err);
    }
}

impl Files {
    pub(crate) fn new(files: &[(&str, &str)]) -> Files {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Files(folder)
    }

    /// Runs the program among the files.
    pub(crate) fn multipod(&self, args: &[&str]) -> Ran {
        Ran::of(program().current_dir(self.path()).args(args))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
