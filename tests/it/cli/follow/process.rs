//! A folder of log files and a running follower, for the tests.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_multipod");

/// A folder for log files.
pub(crate) struct Logs(TempDir);

impl Logs {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn open(&self, name: &str) -> File {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap()
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        self.open(name).write_all(text.as_bytes()).unwrap();
    }

    /// The last argument is a pattern in this folder.
    pub(crate) fn follow(&self, arguments: &[&str]) -> Follower {
        let (glob, options) = arguments.split_last().unwrap();
        Follower::spawn(command(options).arg(self.path(glob)))
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("follow").args(arguments);
    command
}

/// A running follower whose output is collected.
pub(crate) struct Follower {
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
    messages: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Follower {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (output, messages) = (Arc::default(), Arc::default());
        let readers = vec![
            collect(child.stdout.take().unwrap(), Arc::clone(&output)),
            collect(child.stderr.take().unwrap(), Arc::clone(&messages)),
        ];
        let follower = Self { child, output, messages, readers };
        // A signal that comes before there is a handler would end it at once.
        follower.until("it listens to signals", |follower| handles_sigterm(follower.child.id()));
        follower
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let output = self.output.lock().unwrap();
        let whole = output.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        String::from_utf8_lossy(&output[..whole]).lines().map(str::to_owned).collect()
    }

    pub(crate) fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        until(
            || condition(self),
            || {
                let lines = self.lines();
                let messages = String::from_utf8_lossy(&self.messages.lock().unwrap()).into_owned();
                let last = &lines[lines.len().saturating_sub(20)..];
                format!("{what}; {} lines, the last ones: {last:?}; messages: {messages}", lines.len())
            },
        );
    }

    pub(crate) fn wait_for(&self, start: &str) {
        self.until(start, |follower| {
            let output = follower.output.lock().unwrap();
            String::from_utf8_lossy(&output).lines().rev().any(|line| line.contains(start))
        });
    }

    pub(crate) fn wait_for_count(&self, count: usize) {
        let newlines = |follower: &Self| {
            follower.output.lock().unwrap().iter().map(|&byte| usize::from(byte == b'\n')).sum::<usize>()
        };
        self.until(&format!("{count} lines"), |follower| newlines(follower) >= count);
    }

    pub(crate) fn wait_for_lines(&self, expected: &[&str]) {
        self.until(&format!("{expected:?}"), |follower| follower.lines().len() >= expected.len());
        assert_eq!(self.lines(), expected);
    }

    pub(crate) fn peak_memory_kib(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Ends it as the kubelet does; everything that it has printed.
    pub(crate) fn end(self) -> Vec<String> {
        String::from_utf8_lossy(&self.end_bytes()).lines().map(str::to_owned).collect()
    }

    pub(crate) fn end_bytes(self) -> Vec<u8> {
        self.end_with_messages().0
    }

    pub(crate) fn end_with_messages(mut self) -> (Vec<u8>, String) {
        terminate(&self.child);
        let status = wait_for_exit(&mut self.child);
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let messages = String::from_utf8(std::mem::take(&mut self.messages.lock().unwrap())).unwrap();
        assert!(status.success(), "{status}: {messages}");
        (std::mem::take(&mut self.output.lock().unwrap()), messages)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut from: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            into.lock().unwrap().extend_from_slice(&buffer[..read]);
        }
    })
}

fn handles_sigterm(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << 14) != 0
}

pub(crate) fn terminate(child: &Child) {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
}

pub(crate) fn wait_for_exit(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it did not end");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn until(condition: impl Fn() -> bool, otherwise: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {}", otherwise());
        thread::sleep(Duration::from_millis(20));
    }
}
