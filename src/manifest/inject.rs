//! Injects into every pod template that asks, or that a policy covers.

use std::borrow::Cow;

use multipod_yaml::{Document, Edit};

use multipod_engine::pod::Meter;

use super::examine::{Examiner, Template};
use super::{Annotation, Cluster, Finding, Found, Level, Manifests, Outcome, Target, found, unnamed};

/// Sets `annotations` on every pod template, then decides and edits. The texts count only if nothing is refused.
pub fn inject<'m>(
    manifests: &'m Manifests<'m>,
    cluster: &Cluster,
    annotations: &[Annotation],
) -> Outcome<'m> {
    inject_within(manifests, cluster, annotations, None, |_| {})
}

/// As [`inject`], as long as there is time: where the meter is over in the end, this is no outcome. `see` looks at every
/// pod template on the way.
pub(crate) fn inject_within<'m>(
    manifests: &'m Manifests<'m>,
    cluster: &Cluster,
    annotations: &[Annotation],
    meter: Option<&Meter<'_>>,
    mut see: impl FnMut(&Template<'_>),
) -> Outcome<'m> {
    let mut unnamed = Vec::new();
    let mut outcome = inject_seen(manifests, cluster, annotations, meter, |template| {
        unnamed.extend(unnamed::finding(template, cluster));
        see(template);
    });
    outcome.findings.extend(unnamed);
    outcome
}

/// As [`inject_within`], without a word about what has no name.
pub(crate) fn inject_seen<'m>(
    manifests: &'m Manifests<'m>,
    cluster: &Cluster,
    annotations: &[Annotation],
    meter: Option<&Meter<'_>>,
    mut see: impl FnMut(&Template<'_>),
) -> Outcome<'m> {
    let examiner = Examiner::of(manifests, cluster, annotations).within(meter);
    let mut outcome = Outcome { findings: manifests.findings.clone(), ..Outcome::default() };
    for manifest in &manifests.readable {
        let mut texts = Vec::with_capacity(manifest.documents.len());
        for (index, document) in manifest.documents.iter().enumerate() {
            let mut edits = Vec::new();
            let mut first = None;
            for found in found(manifest, index) {
                match found {
                    Found::Other(findings) => outcome.findings.extend(findings),
                    Found::Template(target) => {
                        examiner.template(&target, |template| {
                            see(&template);
                            outcome.findings.extend(template.findings);
                            edits.extend(template.edits);
                        });
                        first.get_or_insert(target);
                    }
                }
            }
            texts.push(edited(document, &edits, first.as_ref(), &mut outcome.findings));
        }
        outcome.texts.push(texts);
    }
    outcome
}

/// The text of a document with its edits; unchanged, it is the very text that was read.
pub(super) fn edited<'m>(
    document: &'m Document<'m>,
    edits: &[Edit],
    target: Option<&Target<'_>>,
    findings: &mut Vec<Finding>,
) -> Cow<'m, str> {
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
