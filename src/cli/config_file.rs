//! The file of `--config`, which settings and the options of the server share.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::pattern::{Catalogue, object, patterns_without_use};

use super::input::read_text;

/// Its name as messages show it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfigFile {
    name: String,
    text: String,
}

impl Default for ConfigFile {
    /// Where there is none, it says nothing.
    fn default() -> Self {
        ConfigFile { name: String::new(), text: "{}".to_owned() }
    }
}

impl ConfigFile {
    pub(super) fn read(path: &Path) -> Result<ConfigFile, String> {
        read_text(path).map(|(name, text)| ConfigFile { name, text })
    }

    /// What `T` takes from it; the error names file and line.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        object::read(&self.text).map_err(|problem| self.told(problem))
    }

    /// What it says about patterns that nobody has.
    pub(super) fn patterns_without_use(&self, catalogue: &Catalogue) -> Vec<String> {
        patterns_without_use(&self.text, catalogue).into_iter().map(|problem| self.told(problem)).collect()
    }

    fn told(&self, (line, message): (usize, String)) -> String {
        format!("{}:{line}: {message}", self.name)
    }
}
