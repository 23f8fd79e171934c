//! From a pod and its context to a verdict.

use crate::annotation::key::STATUS;
use crate::annotation::{Diagnostic, Key, Source};
use crate::pattern::settings::OnMistake;
use crate::pattern::{Context, Settings};
use crate::pod::{Head, Pod};
use crate::policy::{Mode, Obstacle, Policies, Resolution};
use multipod_values::{is_label, plain, short};

use super::advice;
use super::asked::Asked;
use super::plan::Plan;
use super::requests;
use super::wanted::Wanted;
use super::{DenyReason, Refusal, SkipReason, conflict, present, room};

/// What happens to a pod, and what its user should know.
#[derive(Debug)]
pub struct Decision<'a> {
    /// What happens.
    pub verdict: Verdict,
    /// What the user should know; one line each.
    pub warnings: Vec<String>,
    /// Who asked for what, where it came so far.
    pub resolution: Option<Resolution<'a>>,
    /// The pod, where it was looked into: what a plan is patched onto.
    pub pod: Option<Pod<'a>>,
}

/// What happens to a pod.
#[derive(Debug)]
pub enum Verdict {
    /// It gets this.
    Inject(Box<Plan>),
    /// It stays as it is.
    Skip(SkipReason),
    /// It is refused; never empty.
    Deny(Vec<Refusal>),
}

/// Decides about one pod. Looks at the metadata alone until somebody asks for something.
pub fn decide<'a>(head: &'a Head<'a>, context: &Context<'a>, policies: &'a Policies) -> Decision<'a> {
    let mut decision = settle(head, context, policies);
    for warning in &mut decision.warnings {
        *warning = plain(std::mem::take(warning));
    }
    decision
}

fn settle<'a>(head: &'a Head<'a>, context: &Context<'a>, policies: &'a Policies) -> Decision<'a> {
    let asked = Asked::read(head.annotations());
    let mut warnings = Vec::new();
    if asked.is_empty() && policies.is_empty() && context.namespace_annotations.is_empty() {
        return skip(SkipReason::NotRequested, warnings, None);
    }
    let context = &context.of_pod(head);
    let namespace = context.namespace;
    if asked.is_mirror {
        return skip(SkipReason::MirrorPod, warnings, None);
    }
    if context.settings.excluded_namespaces.iter().any(|excluded| excluded == namespace) {
        if !asked.is_empty() {
            warnings.push(format!("multipod leaves namespace {namespace} alone, whatever a pod asks for"));
        }
        return skip(SkipReason::ExcludedNamespace, warnings, None);
    }
    let resolution = match policies.resolve(context, head.labels(), &asked.known) {
        Ok(resolution) => resolution,
        Err(obstacles) => {
            let mut refusals = asked.refusals;
            refusals.extend(obstacles.into_iter().map(refusal_of));
            let enforced = policies.iter().any(|policy| policy.mode == Mode::Enforce);
            return refuse(refusals, context.settings, enforced, warnings);
        }
    };
    tell(&resolution, &mut warnings);
    if resolution.effective.is_empty() && asked.refusals.is_empty() {
        let declined = !resolution.opted_out.is_empty();
        let reason = if declined { SkipReason::OptedOut } else { SkipReason::NotRequested };
        return skip(reason, warnings, Some(resolution));
    }
    let (verdict, pod) = match look_inside(head, namespace) {
        Err(refusal) => (Err(No::Deny(vec![refusal])), None),
        Ok(pod) => (plan(&pod, &resolution, asked, context, &mut warnings), Some(pod)),
    };
    let decision = match verdict {
        Ok(plan) if plan.is_empty() => skip(SkipReason::AlreadyInjected, warnings, None),
        Ok(plan) => {
            Decision { verdict: Verdict::Inject(Box::new(plan)), warnings, resolution: None, pod: None }
        }
        Err(No::Skip(reason)) => skip(reason, warnings, None),
        Err(No::Deny(refusals)) => {
            let enforced = resolution.effective.iter().any(|value| value.enforced);
            refuse(refusals, context.settings, enforced, warnings)
        }
    };
    Decision { resolution: Some(resolution), pod, ..decision }
}

fn look_inside<'a>(head: &'a Head<'a>, namespace: &str) -> Result<Pod<'a>, Refusal> {
    // It becomes a part of host names, and a file may say anything.
    if !is_label(namespace) {
        let namespace = short(namespace);
        let text =
            format!("the pod cannot be read: metadata.namespace: {namespace} is no name of a namespace");
        return Err(Refusal::new(DenyReason::UnreadablePod, text));
    }
    let pod = head.open().map_err(|fault| {
        Refusal::new(DenyReason::UnreadablePod, format!("the pod cannot be read: {fault}"))
    })?;
    if pod.spec.containers.items().is_empty() {
        let text = "the pod has no containers, so there is nothing to put a pattern beside";
        return Err(Refusal::new(DenyReason::NoContainers, text));
    }
    Ok(pod)
}

/// Why there is no plan.
pub(super) enum No {
    Skip(SkipReason),
    Deny(Vec<Refusal>),
}

fn plan<'a>(
    pod: &Pod<'a>,
    resolution: &Resolution<'a>,
    asked: Asked<'a>,
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Result<Plan, No> {
    let mut refusals = asked.refusals;
    // A default may cover pods that cannot have its patterns; a pod that asks itself is refused, and so is one that a
    // policy must not miss. To opt out is not to ask.
    let only_defaults = asked.known.iter().all(|(key, _)| *key == Key::OptOut)
        && refusals.is_empty()
        && !resolution.effective.iter().any(|value| value.enforced);
    if pod.is_for_windows() {
        if only_defaults {
            return Err(No::Skip(SkipReason::Windows));
        }
        let text = "multipod's patterns are Linux containers, and this pod is for Windows nodes\n\
                    Remove the annotation, or let the pod run on Linux nodes";
        let key = resolution.effective.first().map_or(Key::OptOut, |effective| effective.key);
        refusals.push(Refusal::new(DenyReason::Windows, text).about(key.full()));
        name_the_author(&mut refusals, resolution);
        return Err(No::Deny(refusals));
    }

    let fragments = requests::fragments(resolution, pod, context, &mut refusals);
    if pod.spec.host_network == Some(true)
        && let Some(refusal) = conflict::host_network(&fragments)
    {
        if only_defaults {
            return Err(No::Skip(SkipReason::HostNetwork));
        }
        refusals.push(refusal);
    }
    let mut wanted = Wanted::of(fragments, pod, context, &mut refusals, warnings);
    if wanted.parts.is_empty() && refusals.is_empty() {
        return Err(No::Skip(SkipReason::NotRequested));
    }
    present::mark(&mut wanted, pod, &mut refusals, warnings);
    conflict::find(&wanted, pod, &mut refusals, warnings);
    if !refusals.is_empty() {
        name_the_author(&mut refusals, resolution);
        return Err(No::Deny(refusals));
    }
    let plan = Plan::of(wanted, pod, resolution);
    if !plan.is_empty() && pod.metadata.annotations.has(STATUS) {
        warnings.push(format!(
            "{STATUS} is a record that only multipod writes: what the pod says there is replaced"
        ));
    }
    advice::on(&plan, pod, warnings);
    refusals.extend(conflict::annotations_too_large(&plan, pod));
    refusals.extend(room::is_missing(&plan, pod));
    if refusals.is_empty() { Ok(plan) } else { Err(No::Deny(refusals)) }
}

/// A pod's author would look in vain for an annotation that somebody else has set.
fn name_the_author(refusals: &mut [Refusal], resolution: &Resolution<'_>) {
    for refusal in refusals {
        let Some(key) = refusal.key.as_deref().and_then(Key::from_full) else { continue };
        let source = resolution.source_of(key);
        // Diagnostics say it in their first line.
        if source != Source::Pod && refusal.reason != DenyReason::BadValue {
            refusal.message.extend(["\n(", key.full(), " is set by ", &source.text(), ")"]);
        }
    }
}

fn tell(resolution: &Resolution<'_>, warnings: &mut Vec<String>) {
    for overridden in &resolution.overridden {
        // Defaults exist to be overridden; only a pod's own wish that loses is news.
        if overridden.whose == Source::Pod {
            warnings.push(format!("{} of the pod is overridden by {}", overridden.key.full(), overridden.by));
        }
    }
    warnings.extend(resolution.unknown_keys.iter().map(ToString::to_string));
    for (policy, why) in &resolution.undecided_audits {
        warnings
            .push(format!("it cannot be told whether policy {} (audit) is for this pod: {why}", policy.name));
    }
    for audited in &resolution.audited {
        warnings.push(format!(
            "policy {} (audit) would set {}: \"{}\"",
            audited.policy,
            audited.key.full(),
            multipod_values::short(audited.value)
        ));
    }
}

fn refusal_of(obstacle: Obstacle) -> Refusal {
    let message = obstacle.to_string();
    match obstacle {
        Obstacle::OptOutUnreadable(diagnostic) => bad_value(diagnostic),
        Obstacle::Conflict { key, .. } => Refusal::new(DenyReason::PolicyConflict, message).about(key.full()),
        Obstacle::OptOutContradiction { .. } => {
            Refusal::new(DenyReason::OptOutContradiction, message).about(Key::OptOut.full())
        }
        Obstacle::Undecided { .. } => Refusal::new(DenyReason::PolicyUndecided, message),
    }
}

pub(super) fn bad_value(diagnostic: Diagnostic) -> Refusal {
    let reason =
        if Key::from_full(&diagnostic.key).is_some() { DenyReason::BadValue } else { DenyReason::UnknownKey };
    Refusal::new(reason, diagnostic.to_string()).about(diagnostic.key)
}

fn skip(reason: SkipReason, warnings: Vec<String>, resolution: Option<Resolution<'_>>) -> Decision<'_> {
    Decision { verdict: Verdict::Skip(reason), warnings, resolution, pod: None }
}

/// A mistake may let a pod pass without what it asked for, never without what is enforced.
fn refuse<'a>(
    refusals: Vec<Refusal>,
    settings: &Settings,
    enforced: bool,
    mut warnings: Vec<String>,
) -> Decision<'a> {
    let refusals = few(refusals);
    let verdict = match settings.on_mistake {
        OnMistake::Warn if !enforced => {
            warnings.extend(refusals.into_iter().map(|refusal| format!("nothing was injected: {refusal}")));
            Verdict::Skip(SkipReason::Mistake)
        }
        _ => Verdict::Deny(refusals),
    };
    Decision { verdict, warnings, resolution: None, pod: None }
}

/// A pod can hold thousands of clashes; nobody reads more than a few at once.
fn few(mut refusals: Vec<Refusal>) -> Vec<Refusal> {
    const MOST: usize = 20;
    let more = refusals.len().saturating_sub(MOST);
    refusals.truncate(MOST);
    if more > 0
        && let Some(last) = refusals.last_mut()
    {
        last.message.extend(["\n(and ", &more.to_string(), " more problems)"]);
    }
    refusals
}
