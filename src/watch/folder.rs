//! Calls a function when something in a folder changes.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch(Sender<Wake>);

#[derive(Debug)]
enum Wake {
    Changed,
    Stop,
}

/// Changes arrive in bursts; one call after the burst is enough, and sees no half-written file.
const SETTLE: Duration = Duration::from_millis(100);

/// Calls `reload` after every change in one of the folders, and every `interval` in any case: the file system of a folder
/// may report nothing, and the folder may be replaced as a whole.
pub fn watch(
    folders: Vec<PathBuf>,
    interval: Duration,
    mut reload: impl FnMut() + Send + 'static,
) -> io::Result<Watch> {
    let (wake, woken) = channel();
    let changed = wake.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = changed.send(Wake::Changed);
        }
    });
    if let Err(error) = &watcher {
        tracing::warn!(%error, "the system tells no changes of files; looking every {interval:?}");
    }
    add(&mut watcher, &folders);
    thread::Builder::new().name("watch".to_owned()).spawn(move || {
        loop {
            match woken.recv_timeout(interval) {
                Ok(Wake::Changed) => {
                    thread::sleep(SETTLE);
                    if woken.try_iter().any(|wake| matches!(wake, Wake::Stop)) {
                        return;
                    }
                }
                // A folder that was replaced as a whole is not watched any more.
                Err(RecvTimeoutError::Timeout) => add(&mut watcher, &folders),
                Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            // A panic in one call must not prevent all others.
            if catch_unwind(AssertUnwindSafe(&mut reload)).is_err() {
                tracing::error!("looking at files failed");
            }
        }
    })?;
    Ok(Watch(wake))
}

/// The folder whose entries change when this file does. A mounted `ConfigMap` replaces a link in it, so that a watch on
/// the file itself would see the first change and no other.
pub(crate) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn add(watcher: &mut notify::Result<RecommendedWatcher>, folders: &[PathBuf]) {
    let Ok(watcher) = watcher else { return };
    for folder in folders {
        let _ = watcher.unwatch(folder);
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::warn!(%error, folder = %folder.display(), "cannot watch");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.send(Wake::Stop);
    }
}
