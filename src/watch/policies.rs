//! Policies and patterns in a folder, where people and mounted `ConfigMap`s put them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::admission::Snapshot;
use crate::policy::{Layer, Layers, Loaded, Objects};
use crate::server::Shared;

use super::folder_of;

type Sources = Vec<(String, String)>;

/// A folder of `InjectionPolicy` and `Pattern` objects. What is wrong with one object never disturbs the others, now or
/// after a restart; a file that cannot be read at all changes nothing.
#[derive(Debug)]
pub(crate) struct PolicyFolder {
    path: PathBuf,
    seen: Result<Sources, String>,
}

impl PolicyFolder {
    /// Reads the folder, or the one file, for the first time.
    pub(crate) fn open(path: &Path) -> Result<(PolicyFolder, Objects), String> {
        let sources = read(path)?;
        let objects = Objects::of_files(&sources);
        Ok((PolicyFolder { path: path.to_owned(), seen: Ok(sources) }, objects))
    }

    /// The folder whose entries change when the policies do.
    pub(crate) fn folder(&self) -> PathBuf {
        if self.path.is_dir() { self.path.clone() } else { folder_of(&self.path) }
    }

    /// Reads the folder again, and puts it in force if it has changed.
    pub(crate) fn reload(&mut self, store: &PolicyStore) {
        let seen = read(&self.path);
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        let metrics = &store.shared.metrics;
        match &self.seen {
            Ok(sources) => {
                let objects = Objects::of_files(sources);
                metrics.reloaded("policies", objects.problems().is_empty());
                store.replace(Layer::Folder, objects);
            }
            Err(error) => {
                metrics.reloaded("policies", false);
                tracing::error!(error, "the policies cannot be read; the last ones stay");
            }
        }
    }
}

/// Merges what the sources of policies hold, and puts it in force.
#[derive(Debug)]
pub struct PolicyStore {
    layers: Mutex<Layers>,
    shared: Arc<Shared>,
}

impl PolicyStore {
    pub fn new(shared: Arc<Shared>) -> PolicyStore {
        PolicyStore { layers: Mutex::default(), shared }
    }

    /// Puts in force what a layer holds now, beside the other layers, and reports what is wrong with any of them.
    pub fn replace(&self, layer: Layer, objects: Objects) {
        // Held until the snapshot is exchanged: an older state must not overtake a newer one.
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.replace(layer, objects);
        let loaded = layers.merge();
        report(&loaded, &self.shared);
        let (policies, catalogue) = (Arc::new(loaded.policies), Arc::new(loaded.catalogue));
        self.shared.snapshot.rcu(|snapshot| Snapshot {
            policies: Arc::clone(&policies),
            catalogue: Arc::clone(&catalogue),
            ..Snapshot::clone(snapshot)
        });
    }
}

fn report(loaded: &Loaded, shared: &Shared) {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let metrics = &shared.metrics;
    metrics.policies.set(count(loaded.policies.iter().len()));
    metrics.policy_problems.set(count(loaded.problems.len()));
    metrics
        .policies_read
        .set(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64()));
    for problem in &loaded.problems {
        tracing::error!(%problem, "not in force");
    }
    tracing::info!(policies = loaded.policies.iter().len(), problems = loaded.problems.len(), "policies");
}

fn read(path: &Path) -> Result<Sources, String> {
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let mut files = Vec::new();
    if fs::metadata(path).map_err(|error| failed(path, error))?.is_dir() {
        for entry in fs::read_dir(path).map_err(|error| failed(path, error))? {
            let entry = entry.map_err(|error| failed(path, error))?;
            let file = entry.path();
            // Hidden entries are how a mounted ConfigMap keeps its versions.
            if !entry.file_name().as_encoded_bytes().starts_with(b".") && is_manifest(&file) && file.is_file()
            {
                files.push(file);
            }
        }
    } else {
        files.push(path.to_owned());
    }
    files.sort_unstable();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).map_err(|error| failed(file, error))?;
        Ok((file.display().to_string(), text))
    };
    files.iter().map(read).collect()
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}
