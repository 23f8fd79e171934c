//! What the server runs by, and what it does not, for people to look at.

use serde_json::Value;

/// What the server runs by. Nothing in it is secret.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// The settings and options in force, without what the snapshot says.
    pub in_force: Value,
    /// Why the file as it is now is not in force.
    pub problem: Option<String>,
    /// What the file says otherwise, and what only a new start brings into force.
    pub needs_restart: Vec<String>,
}

impl Configuration {
    /// What people should know about it.
    pub(super) fn note(&self) -> Option<String> {
        let restart = || format!("these need a restart: {}", self.needs_restart.join(", "));
        match &self.problem {
            Some(problem) => Some(format!("the file as it is now is not in force: {problem}")),
            None => (!self.needs_restart.is_empty()).then(restart),
        }
    }
}
