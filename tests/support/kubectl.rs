//! The reader of kubectl, which `tests/e2e/reader` is made of.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::tools::left_out;

/// It runs as long as this lives.
pub(crate) struct Kubectl {
    reader: Child,
    answers: BufReader<ChildStdout>,
    _folder: TempDir,
}

/// What kubectl would look at, or what it says is wrong.
pub(crate) type Read = Result<Vec<Value>, String>;

impl Kubectl {
    /// Built and started; nothing, said aloud, where neither go nor the modules of Kubernetes are.
    pub(crate) fn started() -> Option<Kubectl> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("reader");
        let mut build = Command::new("go");
        build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e"));
        build.env("GOTOOLCHAIN", "local").env("GOPROXY", "off").env("GOFLAGS", "").env("GOWORK", "off");
        let missing = match build.args(["build", "-o"]).arg(&program).arg("./reader").output() {
            Ok(built) if built.status.success() => None,
            Ok(built) => {
                let said = String::from_utf8_lossy(&built.stderr).into_owned();
                // Anything but a module that nobody has fetched is a fault of the reader.
                assert!(said.contains("GOPROXY=off") || said.contains("requires go"), "{said}");
                Some("the modules of Kubernetes, which `make e2e` fetches")
            }
            Err(_) => Some("go"),
        };
        if let Some(missing) = missing {
            left_out("kubectl's reader in tests/e2e/reader", missing);
            return None;
        }
        let mut reader = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(reader.stdout.take().unwrap());
        Some(Kubectl { reader, answers, _folder: folder })
    }

    pub(crate) fn read(&mut self, file: &[u8]) -> Read {
        let mut line = String::with_capacity(file.len() * 2 + 1);
        for byte in file {
            write!(line, "{byte:02x}").unwrap();
        }
        line.push('\n');
        self.reader.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let mut answer: Value = match serde_json::from_str(&answer) {
            Ok(answer) => answer,
            // kubectl passes on digits that no number of 64 bits holds, and API servers refuse them.
            Err(error) if error.to_string().contains("number out of range") => return Err(error.to_string()),
            Err(error) => panic!("{error}: {answer}"),
        };
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["documents"].as_array_mut().map(std::mem::take).unwrap()),
        }
    }
}

impl Drop for Kubectl {
    fn drop(&mut self) {
        drop(self.reader.stdin.take());
        let _ = self.reader.wait();
    }
}
