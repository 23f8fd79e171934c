//! Every pod template with what is decided about it, so that nobody who wants to know has to decide again.

use std::fmt::{self, Write as _};

use multipod_engine::annotation::Key;
use multipod_engine::annotation::key::PREFIX;
use multipod_engine::inject::{Decision, DenyReason, Patch, Refusal, SkipReason, Verdict, decide};
use multipod_engine::pattern::Context;
use multipod_engine::pod::{Head, Meter};
use multipod_values::mismatch;
use multipod_yaml::{Edit, Style};

use super::about::key_of;
use super::earlier::Earlier;
use super::elsewhere::elsewhere;
use super::finding::UNREADABLE_POD;
use super::{
    Annotation, Cluster, Finding, Found, Level, Manifests, Mark, Mend, Namespaces, Placed, Target, annotate,
    found, shape, words,
};

/// The name of findings that repeat a warning of the decision.
pub(crate) const ENGINE_WARNS: &str = "warning";

/// One object of the manifests.
#[derive(Debug)]
pub(crate) enum Examined<'e> {
    /// It has a pod template.
    Template(Box<Template<'e>>),
    /// It has none, and why it is left alone.
    Other(Placed<'e>, Vec<Finding>),
}

/// A pod template, and all that came of it.
#[derive(Debug)]
pub(crate) struct Template<'e> {
    pub target: &'e Target<'e>,
    /// Nothing where there is no pod that could be read; the findings say why.
    pub decided: Option<Decided<'e>>,
    /// What people should know about it.
    pub findings: Vec<Finding>,
    /// What carries the decision out in the text of its document.
    pub(super) edits: Vec<Edit>,
}

impl Template<'_> {
    /// The images of all containers that it gets.
    pub(crate) fn images(&self) -> impl Iterator<Item = &str> {
        let injection = self.decided.as_ref().and_then(|decided| match &decided.decision.verdict {
            Verdict::Inject(injection) => Some(injection),
            _ => None,
        });
        let changes = injection.into_iter().flat_map(|injection| &injection.plan.changes);
        changes.filter_map(|planned| planned.change.container()).map(|new| &*new.container.image)
    }
}

/// A decision, and what it was made from.
#[derive(Debug)]
pub(crate) struct Decided<'e> {
    /// The pod as the engine read it, with the annotations of the command line.
    pub json: &'e str,
    pub head: &'e Head<'e>,
    pub context: &'e Context<'e>,
    pub decision: Decision<'e>,
}

/// Sets `annotations` on every pod template and decides about it. `each` sees every object, in the order of the texts:
/// a decision borrows from the pod, which is only kept while it is looked at.
pub(crate) fn examine(
    manifests: &Manifests<'_>,
    cluster: &Cluster,
    annotations: &[Annotation],
    mut each: impl FnMut(Examined<'_>),
) {
    let examiner = Examiner::of(manifests, cluster, annotations);
    for opened in manifests.opened().filter_map(Result::ok) {
        for found in found(&opened) {
            match found {
                Found::Other(placed, findings) => each(Examined::Other(placed, findings)),
                Found::Template(target) => {
                    examiner.template(&target, |template| each(Examined::Template(Box::new(template))));
                }
            }
        }
    }
}

/// What is wrong with manifests whatever surrounds them.
pub(crate) fn for_themselves(manifests: &Manifests<'_>) -> Vec<Finding> {
    let mut wrong = manifests.findings.clone();
    examine(manifests, &Cluster::default(), &[], |examined| {
        let findings = match examined {
            Examined::Other(_, findings) => findings,
            Examined::Template(template) => template.findings,
        };
        wrong.extend(findings.into_iter().filter(|finding| finding.slug == UNREADABLE_POD));
    });
    wrong
}

/// What is the same for all templates.
pub(super) struct Examiner<'r> {
    namespaces: Namespaces,
    cluster: &'r Cluster,
    annotations: &'r [Annotation],
    /// Whether there is time to go on; without it there is.
    meter: Option<&'r Meter<'r>>,
}

impl<'r> Examiner<'r> {
    pub(super) fn of(
        manifests: &Manifests<'_>,
        cluster: &'r Cluster,
        annotations: &'r [Annotation],
    ) -> Examiner<'r> {
        Examiner { namespaces: Namespaces::of(manifests), cluster, annotations, meter: None }
    }

    pub(super) fn within(self, meter: Option<&'r Meter<'r>>) -> Examiner<'r> {
        Examiner { meter, ..self }
    }

    /// Nobody sees a template that there is no time for.
    pub(super) fn template(&self, target: &Target<'_>, see: impl FnOnce(Template<'_>)) {
        if self.meter.is_some_and(|meter| !meter.go(1)) {
            return;
        }
        let mut findings = target.misplaced();
        if !target.has_containers() {
            let wrong = if target.value["spec"].is_object() { Vec::new() } else { shape::wrong(target) };
            if wrong.is_empty() {
                findings.push(patch_without_containers(target));
            }
            findings.extend(wrong);
            return see(Template { target, decided: None, findings, edits: Vec::new() });
        }
        findings.extend(sexagesimal(target));
        let (annotations, declined) = annotate::for_target(self.annotations, target);
        findings.extend(declined);
        let namespace = self.namespaces.of_target(target, self.cluster);
        let context = Context { meter: self.meter, ..namespace.context(target, self.cluster) };
        let mut edits = annotate::edits(&annotations, target);
        let mut json = annotate::json(&annotations, target);
        let earlier = Earlier::outdated(target, &json, |pod, see| {
            let Ok(head) = Head::read(pod) else { return };
            if let Ok(decision) = decide(&head, &context, &self.cluster.policies) {
                see(&decision);
            }
        });
        if let Some(earlier) = &earlier {
            edits.extend(earlier.edits(target));
            json = earlier.without();
        }
        let head = match Head::read(&json) {
            Ok(head) => head,
            Err(problem) => {
                let wrong = shape::wrong(target);
                if wrong.is_empty() {
                    let problem = mismatch::plain(&problem.to_string());
                    let message = format!("the metadata of {} cannot be read: {problem}", target.title());
                    findings.push(target.finding(Level::Error, UNREADABLE_POD, message));
                }
                findings.extend(wrong);
                return see(Template { target, decided: None, findings, edits: Vec::new() });
            }
        };
        let decision = match decide(&head, &context, &self.cluster.policies) {
            Ok(decision) => decision,
            Err(error) => {
                findings.push(internal(target, &error));
                return see(Template { target, decided: None, findings, edits: Vec::new() });
            }
        };
        edits.extend(self.edits(target, &decision, (&head, &context), &mut findings));
        if let Some(earlier) = &earlier {
            findings.extend(earlier.finding(target, &decision));
        } else if let Verdict::Skip(reason) = &decision.verdict {
            findings.push(skipped(target, *reason, !edits.is_empty()));
        }
        let decided = Decided { json: &json, head: &head, context: &context, decision };
        see(Template { target, decided: Some(decided), findings, edits });
    }

    fn edits(
        &self,
        target: &Target<'_>,
        decision: &Decision<'_>,
        pod: (&Head<'_>, &Context<'_>),
        findings: &mut Vec<Finding>,
    ) -> Vec<Edit> {
        let warnings = decision.warnings.iter();
        findings.extend(warnings.map(|warning| match key_of(warning, target, decision) {
            Some(key) => target.finding_about(key, Level::Warning, ENGINE_WARNS, warning),
            None => target.finding(Level::Warning, ENGINE_WARNS, warning),
        }));
        match &decision.verdict {
            Verdict::Skip(_) => {}
            Verdict::Deny(refusals) => {
                let is_unread = refusals.iter().any(|refusal| refusal.reason == DenyReason::UnreadablePod);
                let wrong = if is_unread { shape::wrong(target) } else { Vec::new() };
                let others = refusals
                    .iter()
                    .filter(|refusal| wrong.is_empty() || refusal.reason != DenyReason::UnreadablePod);
                findings.extend(others.map(|refusal| self.refused(target, refusal, pod)));
                findings.extend(wrong);
            }
            Verdict::Inject(injection) => match planned(target, &injection.patch) {
                Ok(planned) => return planned,
                Err(error) => findings.push(internal(target, &error)),
            },
        }
        Vec::new()
    }

    fn refused(
        &self,
        target: &Target<'_>,
        refusal: &Refusal,
        (head, context): (&Head<'_>, &Context<'_>),
    ) -> Finding {
        let mut message = refusal.message.clone();
        if refusal.reason == DenyReason::PolicyUndecided && context.namespace_labels.is_none() {
            message.push_str(
                "\nSay them with --namespace-labels, or give the Namespace object with the manifests",
            );
        }
        let slug = refusal.reason.slug();
        let Some(key) = &refusal.key else {
            let place = words::pointer(&refusal.message).unwrap_or_default();
            return target.finding_at(&format!("{}{place}", target.pointer), Level::Error, slug, message);
        };
        let is_set = self.annotations.iter().any(|annotation| annotation.key == *key);
        let mut finding = match &refusal.diagnostic {
            Some(diagnostic) => {
                let mut finding = target.finding_in(diagnostic, slug);
                let marked = diagnostic.marked();
                for line in elsewhere(marked, head, context, &self.cluster.policies) {
                    let _ = write!(finding.message, "\n{line}");
                }
                finding
            }
            None => target.finding_about(key, Level::Error, slug, message),
        };
        if refusal.reason == DenyReason::UnknownKey
            && let Some((meant, true)) = Key::meant(key)
        {
            finding.mend = Some(target.placed.renamed(&target.annotation_pointer(key), meant.full()));
        }
        if refusal.reason == DenyReason::NotText {
            let position = target.document().position(&target.annotation_pointer(key));
            finding.mend = position.and_then(|position| Mend::quoted(target.document(), &position));
        }
        // A value that nobody could read is wrong for every pod.
        let is_of_this_pod = is_set && refusal.reason != DenyReason::BadValue;
        if let Some(key) = Key::from_full(key).filter(|_| is_of_this_pod) {
            let name = key.full().trim_start_matches(PREFIX);
            let _ =
                write!(finding.message, "\nTo leave this pod out, give it {}: {name}", Key::OptOut.full());
        }
        if is_set {
            // It stands in no file.
            finding.mend = None;
            finding.mark = finding.mark.filter(|mark| mark.line.is_none());
            if let Some(diagnostic) = &refusal.diagnostic {
                finding.mark = diagnostic.excerpt.clone().map(|excerpt| Mark { line: None, excerpt });
            }
            finding.subject.push_str(", set by --annotate");
        }
        finding
    }
}

fn skipped(target: &Target<'_>, reason: SkipReason, is_annotated: bool) -> Finding {
    let why = reason.sentence();
    if !is_annotated {
        return target.left_alone(reason.slug(), why);
    }
    let message = format!("{} gets annotations only: {why}", target.title());
    target.finding(Level::Note, reason.slug(), message)
}

fn internal(target: &Target<'_>, error: &impl fmt::Display) -> Finding {
    let message = format!("this is a bug in multipod, report it: {error}");
    target.finding(Level::Error, "internal", message)
}

fn planned(target: &Target<'_>, patch: &Patch) -> Result<Vec<Edit>, serde_json::Error> {
    let edits = patch.operations().map(|operation| {
        let pointer = format!("{}{}", target.pointer, operation.path);
        serde_json::from_str(operation.value).map(|value| Edit::Add { pointer, value })
    });
    edits.collect()
}

fn patch_without_containers(target: &Target<'_>) -> Finding {
    let title = target.title();
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
fn sexagesimal(target: &Target<'_>) -> Vec<Finding> {
    let found = Key::ALL.into_iter().filter_map(|key| {
        let position = target.document().position(&target.annotation_pointer(key.full()))?;
        let number = (position.style == Style::Plain).then(|| base_60(position.source))??;
        let (key, source) = (key.full(), position.source);
        let message = format!(
            "{key}: {source} without quotes is the number {number} to readers of YAML 1.1\nkubectl reads \
             text, other tools may not. Quote it: {key}: \"{source}\""
        );
        let mend = Mend::value(target.document(), &position, format!("\"{source}\""));
        Some(Finding { mend, ..target.finding_about(key, Level::Warning, "unquoted", message) })
    });
    found.collect()
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
