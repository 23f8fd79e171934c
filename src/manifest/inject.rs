//! Injects into every pod template that asks, or that a policy covers.

use std::borrow::Cow;

use crate::annotation::Key;
use crate::annotation::key::PREFIX;
use crate::inject::{DenyReason, Patch, Refusal, Verdict, decide};
use crate::pod::Head;
use multipod_yaml::{Document, Edit, Style};

use super::{
    Annotation, Cluster, Finding, Found, Level, Manifests, Namespace, Namespaces, Outcome, Target, annotate,
    found,
};

/// Sets `annotations` on every pod template, then decides and edits. The texts count only if nothing is refused.
pub fn inject<'m>(
    manifests: &'m Manifests<'m>,
    cluster: &Cluster,
    annotations: &[Annotation],
) -> Outcome<'m> {
    let namespaces = Namespaces::of(manifests);
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
                        let round = Round { target: &target, cluster, annotations };
                        edits.extend(round.edits(&namespaces, &mut outcome.findings));
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
                let message = format!(
                    "the document was laid out anew, without the comments among its values: {reason}"
                );
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

struct Round<'r> {
    target: &'r Target<'r>,
    cluster: &'r Cluster,
    annotations: &'r [Annotation],
}

impl Round<'_> {
    fn edits(&self, namespaces: &Namespaces, findings: &mut Vec<Finding>) -> Vec<Edit> {
        let target = self.target;
        findings.extend(target.misplaced());
        if !target.has_containers() {
            findings.push(self.patch_without_containers());
            return Vec::new();
        }
        findings.extend(self.sexagesimal());
        let json = target.json(self.annotations);
        let head = match Head::read(&json) {
            Ok(head) => head,
            Err(fault) => {
                let message = format!("the metadata of {} cannot be read: {fault}", target.title());
                findings.push(target.finding(Level::Error, "unreadable_pod", message));
                return Vec::new();
            }
        };
        let namespace = namespaces.of_target(target, self.cluster);
        let context = namespace.context(target, self.cluster);
        let decision = match decide(&head, &context, &self.cluster.policies) {
            Ok(decision) => decision,
            Err(error) => {
                findings.push(self.internal(&error));
                return Vec::new();
            }
        };
        let warnings = decision.warnings.into_iter();
        findings.extend(warnings.map(|warning| target.finding(Level::Warning, "warning", warning)));
        let mut edits = annotate::edits(self.annotations, target);
        match decision.verdict {
            Verdict::Skip(reason) if edits.is_empty() => {
                findings.push(target.left_alone(reason.slug(), reason.sentence()));
            }
            Verdict::Skip(reason) => {
                let message = format!("{} gets annotations only: {}", target.title(), reason.sentence());
                findings.push(target.finding(Level::Note, reason.slug(), message));
            }
            Verdict::Deny(refusals) => {
                findings.extend(refusals.into_iter().map(|refusal| self.refused(refusal, &namespace)));
            }
            Verdict::Inject(injection) => match self.planned(&injection.patch) {
                Ok(planned) => edits.extend(planned),
                Err(error) => findings.push(self.internal(&error)),
            },
        }
        edits
    }

    fn internal(&self, error: &impl std::fmt::Display) -> Finding {
        let message = format!("this is a fault of multipod, please report it: {error}");
        self.target.finding(Level::Error, "internal", message)
    }

    fn planned(&self, patch: &Patch) -> Result<Vec<Edit>, serde_json::Error> {
        let edits = patch.operations().map(|operation| {
            let pointer = format!("{}{}", self.target.pointer, operation.path);
            serde_json::from_str(operation.value).map(|value| Edit::Add { pointer, value })
        });
        edits.collect()
    }

    fn refused(&self, mut refusal: Refusal, namespace: &Namespace) -> Finding {
        if refusal.reason == DenyReason::PolicyUndecided && namespace.labels.is_none() {
            refusal.message.push_str(
                "\nSay them with --namespace-labels, or give the Namespace object with the manifests",
            );
        }
        let slug = refusal.reason.slug();
        let Some(key) = &refusal.key else { return self.target.finding(Level::Error, slug, refusal.message) };
        let mut finding = self.target.finding_about(key, Level::Error, slug, refusal.message);
        if self.annotations.iter().any(|annotation| annotation.key == *key) {
            finding.subject.push_str(", set by --annotate");
        }
        finding
    }

    fn patch_without_containers(&self) -> Finding {
        let (target, title) = (self.target, self.target.title());
        let asks = target.value["metadata"]["annotations"]
            .as_object()
            .and_then(|annotations| annotations.keys().find(|key| key.starts_with(PREFIX)));
        match asks {
            Some(key) => {
                let message = format!(
                    "{key} has no effect here: the pod template has no containers\n{title} is left as it is, as \
                     a patch would be; inject what the patch makes, or let the cluster do it"
                );
                target.finding_about(key, Level::Warning, "no_pod_spec", message)
            }
            None => target.left_alone("no_pod_spec", "its pod template has no containers"),
        }
    }

    /// `80:53` without quotes is text to kubectl, and 4853 to readers of YAML 1.1.
    fn sexagesimal(&self) -> Vec<Finding> {
        let found = Key::ALL.into_iter().filter_map(|key| {
            let position = self.target.document().position(&self.target.annotation_pointer(key.full()))?;
            let number = (position.style == Style::Plain).then(|| base_60(position.source))??;
            let (key, source) = (key.full(), position.source);
            let message = format!(
                "{key}: {source} without quotes is the number {number} to readers of YAML 1.1\nkubectl reads \
                 text, other tools may not. Quote it: {key}: \"{source}\""
            );
            Some(self.target.finding_about(key, Level::Warning, "unquoted", message))
        });
        found.collect()
    }
}

/// What YAML 1.1 makes of digits with colons.
fn base_60(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let first = parts.next().filter(|part| digits(part) && !part.starts_with('0'))?.parse::<u64>().ok()?;
    let mut number = None;
    for part in parts {
        let part = part.parse::<u64>().ok().filter(|value| digits(part) && *value < 60 && part.len() <= 2)?;
        number = Some(number.unwrap_or(first).checked_mul(60)?.checked_add(part)?);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_base_60_are_those_of_yaml_1_1() {
        for (text, expected) in [
            ("80:53", Some(4853)),
            ("1:2:3", Some(3723)),
            ("80:8", Some(4808)),
            ("80:8775", None),
            ("80:60", None),
            ("80", None),
            ("80:db", None),
            ("080:53", None),
            (":53", None),
            ("80:", None),
            ("80:053", None),
            ("99999999999999999999:1", None),
            ("9999999999999999999:1", None),
        ] {
            assert_eq!(base_60(text), expected, "{text}");
        }
    }
}
