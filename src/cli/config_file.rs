//! The file of `--config`, which contains the settings and the options of the server.

use std::path::Path;

use multipod_engine::pattern::object::{self, Fault, Place, Problem};
use multipod_engine::pattern::{Catalogue, patterns_without_use};
use serde::de::DeserializeOwned;

use crate::manifest::Finding;

use super::input::read_text;
use super::report::Failure;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfigFile {
    name: String,
    text: String,
}

impl Default for ConfigFile {
    /// A file that sets nothing.
    fn default() -> Self {
        ConfigFile { name: String::new(), text: "{}".to_owned() }
    }
}

impl ConfigFile {
    pub(super) fn read(path: &Path) -> Result<ConfigFile, String> {
        read_text(path).map(|(name, text)| ConfigFile { name, text })
    }

    /// The fields of `T`.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        object::read(&self.text).map_err(|fault| self.problem(fault))
    }

    /// Whether one of its lines sets this.
    pub(super) fn says(&self, field: &str) -> bool {
        self.text.lines().any(|line| line.starts_with(field))
    }

    /// Problems with settings for patterns that do not exist.
    pub(super) fn patterns_without_use(&self, catalogue: &Catalogue) -> Vec<Problem> {
        patterns_without_use(&self.text, catalogue).into_iter().map(|fault| self.problem(fault)).collect()
    }

    fn problem(&self, (line, message): Fault) -> Problem {
        Problem::new(Place::Line { file: self.name.clone(), line }, message)
    }

    /// With its lines.
    pub(super) fn failure(&self, problems: impl IntoIterator<Item = Problem>) -> Failure {
        let findings = problems.into_iter().map(|problem| Finding::of_problem(&problem, &self.text));
        Failure::of(findings.collect())
    }
}
