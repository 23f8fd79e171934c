//! The file of `--config`, read again while the server runs.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::admission::Snapshot;
use crate::cli::config_file::ConfigFile;
use crate::observe::LogLevel;
use crate::pattern::Settings;
use crate::server::{Configuration, Shared};
use crate::watch::folder_of;

use super::options::{Config, Options};

/// A file that is in force as it was when it was last right.
pub(super) struct Reload {
    path: PathBuf,
    /// What the file held when it was looked at last, good or bad.
    seen: Result<ConfigFile, String>,
    /// What the command line and the environment say, which is stronger.
    given: Options,
    /// What the server began with.
    begun: Value,
    level: LogLevel,
    shared: Arc<Shared>,
}

impl Reload {
    /// After `file` was put to use.
    pub(super) fn new(
        path: PathBuf,
        file: ConfigFile,
        given: Options,
        level: LogLevel,
        shared: Arc<Shared>,
    ) -> Reload {
        let begun = shared.configuration.load().in_force.clone();
        Reload { path, seen: Ok(file), given, begun, level, shared }
    }

    pub(super) fn folder(&self) -> PathBuf {
        folder_of(&self.path)
    }

    /// Looks at the file, and puts it to use if it has changed and is right.
    pub(super) fn look(&mut self) {
        let seen = ConfigFile::read(&self.path);
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        let done = self.seen.as_ref().map_err(Clone::clone).and_then(|file| self.put_to_use(file));
        self.shared.metrics.reloaded("config", done.is_ok());
        self.shared.metrics.config_problems.set(i64::from(done.is_err()));
        if let Err(problem) = done {
            tracing::error!(error = problem, "the new configuration is not used; the last good one stays");
            let now = Configuration::clone(&self.shared.configuration.load());
            self.shared.configuration.store(Arc::new(Configuration { problem: Some(problem), ..now }));
        }
    }

    fn put_to_use(&self, file: &ConfigFile) -> Result<(), String> {
        let config = Config::of(file, self.given.clone())?;
        config.options.files()?;
        check_use(file, &self.shared).map_err(|unknown| unknown.join("; "))?;
        // The last that may fail, so that it is all or nothing.
        self.level.set(config.options.log_level())?;
        let Config { options, settings, shown } = config;
        self.shared.snapshot.rcu(|snapshot| {
            // Only the cluster, or the start, says which addresses there are.
            let settings = Settings { ip_families: snapshot.settings.ip_families, ..settings.clone() };
            Snapshot { settings: Arc::new(settings), warn: options.warn(), ..Snapshot::clone(snapshot) }
        });
        let (in_force, needs_restart) = as_begun(shown, &self.begun);
        if needs_restart.is_empty() {
            tracing::info!("new configuration");
        } else {
            let these = needs_restart.join(", ");
            tracing::warn!(needs_restart = these, "new configuration; some of it needs a restart");
        }
        let now = Configuration { in_force, problem: None, needs_restart };
        self.shared.configuration.store(Arc::new(now));
        Ok(())
    }
}

/// An error where the file says something about patterns that would do nothing. Where a pattern could not be read it may be the one that is
/// meant, and a mistake in one object never disturbs the others.
pub(super) fn check_use(file: &ConfigFile, shared: &Shared) -> Result<(), Vec<String>> {
    let unknown = file.patterns_without_use(&shared.snapshot.load().catalogue);
    if !unknown.is_empty() && shared.metrics.policy_problems.get() == 0 {
        return Err(unknown);
    }
    for problem in unknown {
        tracing::warn!(problem, "a setting without a use");
    }
    Ok(())
}

/// The new configuration, but with what cannot change while the server runs as it was, and the names of that.
fn as_begun(mut shown: Value, begun: &Value) -> (Value, Vec<String>) {
    let mut changed = Vec::new();
    if let (Some(new), Some(old)) = (shown.as_object_mut(), begun.as_object()) {
        keep(new, old, "ipFamilies", &mut changed);
    }
    if let (Some(new), Some(old)) = (shown["serve"].as_object_mut(), begun["serve"].as_object()) {
        let names: Vec<String> = old.keys().chain(new.keys()).cloned().collect();
        let fixed = names.iter().filter(|name| !Options::AT_RUN_TIME.contains(&name.as_str()));
        fixed.for_each(|name| keep(new, old, name, &mut changed));
    }
    (shown, changed)
}

fn keep(new: &mut Map<String, Value>, old: &Map<String, Value>, name: &str, changed: &mut Vec<String>) {
    if new.get(name) == old.get(name) {
        return;
    }
    changed.push(name.to_owned());
    match old.get(name) {
        Some(value) => drop(new.insert(name.to_owned(), value.clone())),
        None => drop(new.remove(name)),
    }
}
