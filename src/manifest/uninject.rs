//! Takes out of every pod template what its status annotation says was added.

use multipod_engine::annotation::key::STATUS;
use multipod_engine::inject::{Removal, UninjectError, removals};

use super::earlier::{edit, of_another_version};
use super::{Finding, Found, Level, Manifests, Outcome, Target, walk};

/// Edits every pod template that was injected; all else passes through.
pub fn uninject<'s>(manifests: &Manifests<'s>) -> Outcome<'s> {
    walk::edited(manifests, |found, findings| {
        let target = match found {
            Found::Template(target) => target,
            Found::Other(_, others) => {
                findings.extend(others);
                return None;
            }
        };
        if let Some(newer) = of_another_version(target.value) {
            findings.push(target.finding_about(STATUS, Level::Error, "bad_status", newer));
            return None;
        }
        match removals(target.value) {
            Ok(removals) => {
                findings.extend(removals.iter().filter_map(|removal| null_again(&target, removal)));
                let edits = removals.into_iter().map(|removal| edit(&target.pointer, removal)).collect();
                return Some((target, edits));
            }
            Err(error @ UninjectError::NoStatus) => {
                findings.push(target.left_alone("not_injected", error));
            }
            Err(UninjectError::BadStatus(_)) => {
                let message = format!(
                    "the annotation {STATUS} is no record that multipod writes\nPut the one back that inject wrote, \
                     or take out by hand what it added"
                );
                findings.push(target.finding_about(STATUS, Level::Error, "bad_status", message));
            }
        }
        None
    })
}

/// What may come back in another spelling: the status keeps that a field was null, and not how it was written.
fn null_again(target: &Target<'_>, removal: &Removal) -> Option<Finding> {
    let Removal::Null(pointer) = removal else { return None };
    let field = pointer.rsplit('/').next().unwrap_or_default();
    let message = format!(
        "{field} is null again, now written `{field}:`; `{field}: null` and `{field}: ~` mean the same"
    );
    Some(target.finding_at(&format!("{}{pointer}", target.pointer), Level::Note, "null_again", message))
}
