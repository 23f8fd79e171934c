//! The configuration in force, as `/config` and `/readyz?verbose` show it.

use serde_json::Value;

/// What the server runs by. Nothing in it is secret.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// The settings and options in force, without the parts that the snapshot holds.
    pub in_force: Value,
    /// Why the file in its present state is not in force.
    pub problem: Option<String>,
    /// Fields that the file has changed and that take effect only after a restart.
    pub needs_restart: Vec<String>,
}

impl Configuration {
    /// What `/readyz?verbose` says about it.
    pub(super) fn note(&self) -> Option<String> {
        let restart = || format!("these need a restart: {}", self.needs_restart.join(", "));
        match &self.problem {
            Some(problem) => Some(format!("the file as it is now is not in force: {problem}")),
            None => (!self.needs_restart.is_empty()).then(restart),
        }
    }
}
