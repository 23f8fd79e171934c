//! Takes out of every pod template what its status annotation says was added.

use crate::inject::{Removal, UninjectError, removals};
use multipod_yaml::Edit;

use super::{Found, Level, Manifests, Outcome, found, inject::edited};

/// Edits every pod template that was injected; all else passes through.
pub fn uninject<'m>(manifests: &'m Manifests<'m>) -> Outcome<'m> {
    let mut outcome = Outcome { findings: manifests.findings.clone(), ..Outcome::default() };
    for manifest in &manifests.readable {
        let mut texts = Vec::with_capacity(manifest.documents.len());
        for (index, document) in manifest.documents.iter().enumerate() {
            let mut edits = Vec::new();
            let mut first = None;
            for found in found(manifest, index) {
                let target = match found {
                    Found::Template(target) => target,
                    Found::Other(findings) => {
                        outcome.findings.extend(findings);
                        continue;
                    }
                };
                match removals(target.value) {
                    Ok(removals) => {
                        edits.extend(removals.into_iter().map(|removal| edit(&target.pointer, removal)));
                        first.get_or_insert(target);
                    }
                    Err(error @ UninjectError::NoStatus) => {
                        outcome.findings.push(target.left_alone("not_injected", error));
                    }
                    Err(error @ UninjectError::BadStatus(_)) => {
                        let key = crate::annotation::key::STATUS;
                        let finding =
                            target.finding_about(key, Level::Error, "bad_status", error.to_string());
                        outcome.findings.push(finding);
                    }
                }
            }
            texts.push(edited(document, &edits, first.as_ref(), &mut outcome.findings));
        }
        outcome.texts.push(texts);
    }
    outcome
}

fn edit(prefix: &str, removal: Removal) -> Edit {
    match removal {
        Removal::Remove(pointer) => Edit::Remove { pointer: format!("{prefix}{pointer}") },
        Removal::Null(pointer) => Edit::Empty { pointer: format!("{prefix}{pointer}") },
    }
}
