//! The file of `--config`, read again while the server runs.

use std::path::PathBuf;
use std::sync::Arc;

use multipod_engine::pattern::Settings;
use multipod_engine::pattern::object::Problem;
use serde_json::{Map, Value};

use crate::admission::Snapshot;
use crate::cli::config_file::ConfigFile;
use crate::observe::LogLevel;
use crate::server::{Configuration, Shared};
use crate::watch::folder_of;

use super::options::{Config, Options};

/// The last valid content of the file stays in force.
pub(super) struct Reload {
    path: PathBuf,
    /// The content of the file when it was last read, valid or not.
    seen: Result<ConfigFile, String>,
    /// From the command line and the environment, which override the file.
    given: Options,
    /// The configuration at the start.
    initial: Value,
    level: LogLevel,
    shared: Arc<Shared>,
}

impl Reload {
    /// `file` is in force already.
    pub(super) fn new(
        path: PathBuf,
        file: ConfigFile,
        given: Options,
        level: LogLevel,
        shared: Arc<Shared>,
    ) -> Reload {
        let initial = shared.configuration.load().in_force.clone();
        Reload { path, seen: Ok(file), given, initial, level, shared }
    }

    pub(super) fn folder(&self) -> PathBuf {
        folder_of(&self.path)
    }

    /// Reads the file, and applies it if it has changed and is valid.
    pub(super) fn reload(&mut self) {
        let seen = ConfigFile::read(&self.path);
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        let result = self.seen.as_ref().map_err(Clone::clone).and_then(|file| self.apply(file));
        self.shared.metrics.reloaded("config", result.is_ok());
        self.shared.metrics.config_problems.set(i64::from(result.is_err()));
        if let Err(problem) = result {
            tracing::error!(error = problem, "the new configuration is not used; the last good one stays");
            let now = Configuration::clone(&self.shared.configuration.load());
            self.shared.configuration.store(Arc::new(Configuration { problem: Some(problem), ..now }));
        }
    }

    fn apply(&self, file: &ConfigFile) -> Result<(), String> {
        let config = Config::of(file, self.given.clone()).map_err(|problem| problem.to_string())?;
        config.options.files()?;
        check_use(file, &self.shared).map_err(|unknown| joined(&unknown))?;
        // The last step that may fail, so that all of it is applied or nothing.
        self.level.set(config.options.log_level())?;
        let Config { options, settings, shown } = config;
        self.shared.snapshot.rcu(|snapshot| {
            // The cluster, or the configuration at the start, has set the kinds of addresses.
            let settings = Settings { ip_families: snapshot.settings.ip_families, ..settings.clone() };
            Snapshot { settings: Arc::new(settings), warn: options.warn(), ..Snapshot::clone(snapshot) }
        });
        let (in_force, needs_restart) = with_fixed(shown, &self.initial);
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

/// An error where the file sets something for a pattern that does not exist. Where a pattern could not be read it may be
/// that one, and a problem in one object must not affect the others, so this is only logged then.
pub(super) fn check_use(file: &ConfigFile, shared: &Shared) -> Result<(), Vec<Problem>> {
    let unknown = file.patterns_without_use(&shared.snapshot.load().catalogue);
    if !unknown.is_empty() && shared.metrics.policy_problems.get() == 0 {
        return Err(unknown);
    }
    for problem in unknown {
        tracing::warn!(%problem, "a setting without a use");
    }
    Ok(())
}

fn joined(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The new configuration, in which the fields that cannot change while the server runs keep their value; and the names of
/// those that the file has changed.
fn with_fixed(mut shown: Value, initial: &Value) -> (Value, Vec<String>) {
    let mut changed = Vec::new();
    if let (Some(new), Some(old)) = (shown.as_object_mut(), initial.as_object()) {
        keep(new, old, "ipFamilies", &mut changed);
    }
    if let (Some(new), Some(old)) = (shown["serve"].as_object_mut(), initial["serve"].as_object()) {
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
