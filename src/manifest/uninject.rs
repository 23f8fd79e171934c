//! Takes out of every pod template what its status annotation says was added.

use multipod_engine::annotation::key::STATUS;
use multipod_engine::inject::{UninjectError, removals};

use super::earlier::{edit, of_another_version};
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
                if let Some(newer) = of_another_version(target.value) {
                    outcome.findings.push(target.finding_about(STATUS, Level::Error, "bad_status", newer));
                    continue;
                }
                match removals(target.value) {
                    Ok(removals) => {
                        edits.extend(removals.into_iter().map(|removal| edit(&target.pointer, removal)));
                        first.get_or_insert(target);
                    }
                    Err(error @ UninjectError::NoStatus) => {
                        outcome.findings.push(target.left_alone("not_injected", error));
                    }
                    Err(UninjectError::BadStatus(_)) => {
                        let message = format!(
                            "the annotation {STATUS} is no record that multipod writes\nPut the one back that inject wrote, \
                             or take out by hand what it added"
                        );
                        let finding = target.finding_about(STATUS, Level::Error, "bad_status", message);
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
