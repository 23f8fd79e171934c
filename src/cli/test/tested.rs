//! What came of each case.

use crate::cli::color::Styles;
use crate::cli::diff::unified;
use crate::manifest::case::Difference;

/// What came of a case.
pub(super) struct Tested {
    pub(super) name: String,
    pub(super) result: Result<Outcome, Vec<String>>,
}

/// How a case that could be read compares with its files.
pub(super) enum Outcome {
    Same,
    Written,
    Different(Vec<Difference>),
    /// What holds for every case does not.
    Broken(String),
}

impl Tested {
    pub(super) fn is_different(&self) -> bool {
        matches!(self.result, Ok(Outcome::Different(_) | Outcome::Broken(_)))
    }

    /// What is wrong, in the given colours; nothing where all is well.
    pub(super) fn fault(&self, styles: Styles) -> String {
        match &self.result {
            Ok(Outcome::Same | Outcome::Written) => String::new(),
            Ok(Outcome::Different(differences)) => {
                let diffs = differences.iter().map(|one| unified(one.file, &one.expected, &one.got, styles));
                diffs.collect()
            }
            Ok(Outcome::Broken(why)) => format!("{why}\n"),
            Err(faults) => faults.join("\n") + "\n",
        }
    }
}
