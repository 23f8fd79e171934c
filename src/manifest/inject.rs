//! Injects into every pod template that asks, or that a policy covers.

use multipod_engine::pod::Meter;

use super::examine::{Examined, Examiner, Template};
use super::{Annotation, Cluster, Found, Manifests, Outcome, undecided, unnamed, walk};

/// Sets `annotations` on every pod template, then decides and edits. The texts count only if nothing is refused.
pub fn inject<'s>(manifests: &Manifests<'s>, cluster: &Cluster, annotations: &[Annotation]) -> Outcome<'s> {
    inject_within(manifests, cluster, annotations, None, |_| {})
}

/// As [`inject`], as long as there is time: where the meter is over in the end, this is no outcome. `see` looks at every
/// pod template on the way.
pub(crate) fn inject_within<'s>(
    manifests: &Manifests<'s>,
    cluster: &Cluster,
    annotations: &[Annotation],
    meter: Option<&Meter<'_>>,
    mut see: impl FnMut(&Template<'_>),
) -> Outcome<'s> {
    let mut unnamed = Vec::new();
    let mut outcome = inject_seen(manifests, cluster, annotations, meter, |examined| {
        if let Examined::Template(template) = examined {
            unnamed.extend(unnamed::finding(template, cluster));
            see(template);
        }
    });
    outcome.findings.extend(unnamed);
    outcome
}

/// As [`inject_within`], without a word about what has no name. `see` looks at every object.
pub(crate) fn inject_seen<'s>(
    manifests: &Manifests<'s>,
    cluster: &Cluster,
    annotations: &[Annotation],
    meter: Option<&Meter<'_>>,
    mut see: impl FnMut(&Examined<'_>),
) -> Outcome<'s> {
    let examiner = Examiner::of(manifests, cluster, annotations).within(meter);
    let mut outcome = walk::edited(manifests, |found, findings| match found {
        Found::Other(placed, others) => {
            let other = Examined::Other(placed, others);
            see(&other);
            if let Examined::Other(_, others) = other {
                findings.extend(others);
            }
            None
        }
        Found::Template(target) => {
            let mut edits = Vec::new();
            examiner.template(&target, |template| {
                let examined = Examined::Template(Box::new(template));
                see(&examined);
                if let Examined::Template(template) = examined {
                    findings.extend(template.findings);
                    edits = template.edits;
                }
            });
            Some((target, edits))
        }
    });
    undecided::once(&mut outcome.findings);
    outcome
}
