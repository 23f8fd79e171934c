//! A memory cgroup, as a container with a limit has one.

use std::fs;
use std::path::{Path, PathBuf};

/// A group of its own, until it is dropped; processes must have left it by then.
pub struct Cgroup {
    folder: PathBuf,
    is_v2: bool,
}

impl Cgroup {
    /// None where this machine, or this user, can make none.
    pub fn with_memory(limit: usize) -> Option<Cgroup> {
        let name = format!("multipod-test-{}", std::process::id());
        for (root, is_v2) in [("/sys/fs/cgroup/memory", false), ("/sys/fs/cgroup", true)] {
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

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}
