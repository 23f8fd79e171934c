//! The file of `--config`, which contains the settings and the options of the server.

use std::path::Path;

use multipod_engine::pattern::{Catalogue, object, patterns_without_use};
use serde::de::DeserializeOwned;

use super::input::read_text;

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

    /// The fields of `T`; the error names file and line.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        object::read(&self.text).map_err(|problem| self.located(problem))
    }

    /// Whether one of its lines sets this.
    pub(super) fn says(&self, field: &str) -> bool {
        self.text.lines().any(|line| line.starts_with(field))
    }

    /// Problems with settings for patterns that do not exist.
    pub(super) fn patterns_without_use(&self, catalogue: &Catalogue) -> Vec<String> {
        patterns_without_use(&self.text, catalogue).into_iter().map(|problem| self.located(problem)).collect()
    }

    fn located(&self, (line, message): (usize, String)) -> String {
        format!("{}:{line}: {message}", self.name)
    }
}
