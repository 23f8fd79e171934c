//! A memory cgroup, as a container with a limit has one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// A group of its own, until it is dropped; processes must have left it by then.
pub struct Cgroup {
    folder: PathBuf,
    is_v2: bool,
}

impl Cgroup {
    /// None where this machine, or this user, can make none.
    pub fn with_memory(limit: usize) -> Option<Cgroup> {
        let name = format!("{NAME}{}", std::process::id());
        for (root, is_v2) in [("/sys/fs/cgroup/memory", false), ("/sys/fs/cgroup", true)] {
            sweep(Path::new(root));
            let folder = Path::new(root).join(&name);
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            let group = Cgroup { folder, is_v2 };
            if fs::write(group.file("memory.limit_in_bytes", "memory.max"), limit.to_string()).is_ok() {
                return Some(group);
            }
        }
        None
    }

    /// Whoever writes its number there is in it.
    pub fn processes(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// How many bytes it had at most, pages of files among them.
    pub fn peak(&self) -> Option<usize> {
        let text = fs::read_to_string(self.file("memory.max_usage_in_bytes", "memory.peak")).ok()?;
        text.trim().parse().ok()
    }

    fn file(&self, v1: &str, v2: &str) -> PathBuf {
        self.folder.join(if self.is_v2 { v2 } else { v1 })
    }
}

/// How the names of all groups begin; the number of the test that made it follows.
const NAME: &str = "multipod-test-";

/// Ends what is left of a test that was killed: its group, and the server in it.
fn sweep(root: &Path) {
    let groups = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    for group in groups {
        let maker = group.file_name().and_then(|name| name.to_str()?.strip_prefix(NAME)?.parse::<u32>().ok());
        if maker.is_none_or(|maker| Path::new(&format!("/proc/{maker}")).exists()) {
            continue;
        }
        let left = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        for process in left.lines() {
            let _ = Command::new("kill").args(["-9", process]).status();
        }
        // What is killed leaves it a moment later.
        for _ in 0..100 {
            if fs::remove_dir(&group).is_ok() {
                break;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}

#[test]
fn what_a_killed_test_has_left_is_swept_away() {
    let Some(ours) = Cgroup::with_memory(1 << 28) else { return };
    let root = ours.folder.parent().unwrap();
    // No process has this number.
    let left = root.join(format!("{NAME}{}", u32::MAX));
    fs::create_dir(&left).unwrap();
    let mut server = Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(left.join("cgroup.procs"), server.id().to_string()).unwrap();
    sweep(root);
    assert!(!server.wait().unwrap().success());
    assert!(!left.exists() && ours.folder.exists());
}
