//! The one walk that edits: through every object of every document, of which one is held at a time.

use std::borrow::Cow;

use multipod_yaml::{Document, Edit};

use super::{Finding, Found, Level, Manifests, Outcome, Target, found};

/// The texts, with what `edits` returns for each object: its template, and what changes in it. Whatever people should know
/// goes among the findings.
pub(super) fn edited<'s>(
    manifests: &Manifests<'s>,
    mut edits: impl for<'m> FnMut(Found<'m>, &mut Vec<Finding>) -> Option<(Target<'m>, Vec<Edit>)>,
) -> Outcome<'s> {
    let mut outcome = Outcome { findings: manifests.findings.clone(), ..Outcome::default() };
    for manifest in &manifests.readable {
        let mut texts = Vec::with_capacity(manifest.documents.len());
        for opened in manifest.opened() {
            let opened = match opened {
                Ok(opened) => opened,
                Err(finding) => {
                    outcome.findings.push(finding);
                    continue;
                }
            };
            let (mut all, mut first) = (Vec::new(), None);
            for found in found(&opened) {
                let Some((target, more)) = edits(found, &mut outcome.findings) else { continue };
                all.extend(more);
                first.get_or_insert(target);
            }
            texts.push(text(&opened.document, &all, first.as_ref(), &mut outcome.findings));
        }
        outcome.texts.push(texts);
    }
    outcome
}

/// The text of a document with its edits; unchanged, it is the very text that was read.
fn text<'s>(
    document: &Document<'s>,
    edits: &[Edit],
    target: Option<&Target<'_>>,
    findings: &mut Vec<Finding>,
) -> Cow<'s, str> {
    let same = Cow::Borrowed(document.text());
    let Some(target) = target.filter(|_| !edits.is_empty()) else { return same };
    match document.edit(edits) {
        Ok(edited) => {
            if let Some(reason) = edited.rewritten {
                let message =
                    format!("the document was reformatted, without the comments among its values: {reason}");
                findings.push(target.finding(Level::Warning, "laid_out_anew", message));
            }
            Cow::Owned(edited.text)
        }
        Err(error) => {
            findings.push(target.finding(Level::Error, "not_edited", error.to_string()));
            same
        }
    }
}
