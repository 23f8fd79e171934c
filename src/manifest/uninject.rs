//! Takes out of every pod template what its status annotation says was added.

use multipod_engine::annotation::key::STATUS;
use multipod_engine::inject::{UninjectError, removals};

use super::earlier::{edit, of_another_version};
use super::{Found, Level, Manifests, Outcome, walk};

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
