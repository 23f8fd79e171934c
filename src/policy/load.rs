//! Reads policies and patterns from texts; what is wrong with one object never disturbs the others.

use crate::pattern::Catalogue;
use crate::pattern::object::{Kind, Problem, documents};

use super::check;
use super::object::Policies;

/// Everything that a set of texts defines, and what is wrong with the rest.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The policies.
    pub policies: Policies,
    /// The patterns.
    pub catalogue: Catalogue,
    /// What was left out, and why.
    pub problems: Vec<Problem>,
}

/// Reads the objects of `sources`, which are file names and their text. The order of the sources does not matter: of
/// two policies with one name the first by file name and line counts.
pub fn load(sources: &[(String, String)]) -> Loaded {
    let mut sources: Vec<(&str, &str)> = sources.iter().map(|(file, text)| (&**file, &**text)).collect();
    sources.sort_unstable();
    let (documents, problems) = documents(sources);
    let mut loaded = Loaded { problems, ..Loaded::default() };
    for document in documents.iter().filter(|document| document.kind == Kind::InjectionPolicy) {
        match check::policy(document) {
            Err(problems) => loaded.problems.extend(problems),
            Ok(policy) => {
                if let Err(again) = loaded.policies.insert(policy) {
                    let message = format!("there is another policy with this name: {}", again.name);
                    loaded.problems.push(document.problem(1, message));
                }
            }
        }
    }
    loaded.problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    loaded
}
