//! From a pod and its context to a verdict.

use crate::annotation::key::STATUS;
use crate::annotation::{Key, Source};
use crate::pattern::settings::OnMistake;
use crate::pattern::{Context, Settings};
use crate::pod::{Head, Pod};
use crate::policy::{Mode, Obstacle, Policies, Resolution};
use multipod_values::{is_label, plain, short};
use thiserror::Error;

use super::advice;
use super::asked::Asked;
use super::plan::Plan;
use super::requests;
use super::{DenyReason, Patch, Refusal, SkipReason, conflict, pod_resources, present, status};

/// What happens to a pod, and what its user should know.
#[derive(Debug)]
pub struct Decision<'a> {
    /// What happens.
    pub verdict: Verdict,
    /// What the user should know; one line each.
    pub warnings: Vec<String>,
    /// Who asked for what, where it came so far.
    pub resolution: Option<Resolution<'a>>,
    /// The plan of a pod that has all of it already.
    pub standing: Option<Box<Plan>>,
}

/// What happens to a pod.
#[derive(Debug)]
pub enum Verdict {
    /// It gets this.
    Inject(Box<Injection>),
    /// It stays as it is.
    Skip(SkipReason),
    /// It is refused; never empty.
    Deny(Vec<Refusal>),
}

/// What a pod gets, and how.
#[derive(Debug)]
pub struct Injection {
    pub plan: Plan,
    /// What carries the plan out on the pod that was decided about.
    pub patch: Patch,
}

/// A mistake of our own, never the user's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InternalError {
    #[error("a value could not be written as JSON")]
    Unwritable,
}

/// Decides about one pod. Looks at the metadata alone until somebody asks for something.
pub fn decide<'a>(
    head: &'a Head<'a>,
    context: &Context<'a>,
    policies: &'a Policies,
) -> Result<Decision<'a>, InternalError> {
    let mut decision = settle(head, context, policies)?;
    for warning in &mut decision.warnings {
        *warning = plain(std::mem::take(warning));
    }
    Ok(decision)
}

fn settle<'a>(
    head: &'a Head<'a>,
    context: &Context<'a>,
    policies: &'a Policies,
) -> Result<Decision<'a>, InternalError> {
    let asked = Asked::read(head.annotations());
    let mut warnings = Vec::new();
    if asked.is_empty() && policies.is_empty() && context.namespace_annotations.is_empty() {
        return Ok(skip(SkipReason::NotRequested, warnings, None));
    }
    let context = &context.of_pod(head);
    let namespace = context.namespace;
    if asked.is_mirror {
        return Ok(skip(SkipReason::MirrorPod, warnings, None));
    }
    if context.settings.excluded_namespaces.iter().any(|excluded| excluded == namespace) {
        if !asked.is_empty() {
            warnings.push(format!("multipod leaves namespace {namespace} alone, whatever a pod asks for"));
        }
        return Ok(skip(SkipReason::ExcludedNamespace, warnings, None));
    }
    let resolution = match policies.resolve(context, head.labels(), &asked.known) {
        Ok(resolution) => resolution,
        Err(obstacles) => {
            let mut refusals = asked.refusals;
            refusals.extend(obstacles.into_iter().map(refusal_of));
            let enforced = policies.iter().any(|policy| policy.mode == Mode::Enforce);
            return Ok(refuse(refusals, context.settings, enforced, warnings));
        }
    };
    report(&resolution, &mut warnings);
    if resolution.effective.is_empty() && asked.refusals.is_empty() {
        let declined = !resolution.opted_out.is_empty();
        let reason = if declined { SkipReason::OptedOut } else { SkipReason::NotRequested };
        return Ok(skip(reason, warnings, Some(resolution)));
    }
    let mut standing = None;
    let planned = match look_inside(head, namespace) {
        Err(refusal) => Err(Verdict::Deny(vec![refusal])),
        Ok(pod) => match plan(&pod, &resolution, asked, context, &mut warnings) {
            Ok(plan) if plan.is_empty() => {
                standing = Some(Box::new(plan));
                Err(Verdict::Skip(SkipReason::AlreadyInjected))
            }
            Ok(plan) => {
                let patch = Patch::of(&plan, &pod).map_err(|_| InternalError::Unwritable)?;
                Ok(Box::new(Injection { plan, patch }))
            }
            Err(verdict) => Err(verdict),
        },
    };
    let decision = match planned {
        Err(Verdict::Deny(refusals)) => {
            let enforced = resolution.effective.iter().any(|value| value.enforced);
            refuse(refusals, context.settings, enforced, warnings)
        }
        Err(verdict) => Decision { verdict, warnings, resolution: None, standing: None },
        Ok(injection) => {
            Decision { verdict: Verdict::Inject(injection), warnings, resolution: None, standing: None }
        }
    };
    Ok(Decision { resolution: Some(resolution), standing, ..decision })
}

fn look_inside<'a>(head: &'a Head<'a>, namespace: &str) -> Result<Pod<'a>, Refusal> {
    // It becomes a part of host names, and a file may say anything.
    if !is_label(namespace) {
        let namespace = short(namespace);
        let text =
            format!("the pod cannot be read: metadata.namespace: {namespace} is no name of a namespace");
        return Err(Refusal::new(DenyReason::UnreadablePod, text));
    }
    let pod = head.open().map_err(|problem| {
        Refusal::new(DenyReason::UnreadablePod, format!("the pod cannot be read: {problem}"))
    })?;
    if pod.spec.containers.items().is_empty() {
        let text = "the pod has no containers, so there is nothing to put a pattern beside";
        return Err(Refusal::new(DenyReason::NoContainers, text));
    }
    Ok(pod)
}

/// Everything that the pod needs, or the verdict that keeps it from that.
fn plan(
    pod: &Pod<'_>,
    resolution: &Resolution<'_>,
    asked: Asked<'_>,
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Result<Plan, Verdict> {
    let mut refusals = asked.refusals;
    // A default may cover pods that cannot have its patterns; a pod that asks itself is refused, and so is one that a
    // policy must not miss. To opt out is not to ask.
    let only_defaults = asked.known.iter().all(|(key, _)| *key == Key::OptOut)
        && refusals.is_empty()
        && !resolution.effective.iter().any(|value| value.enforced);
    if pod.is_for_windows() {
        if only_defaults {
            return Err(Verdict::Skip(SkipReason::Windows));
        }
        let text = "multipod's patterns are Linux containers, and this pod is for Windows nodes\n\
                    Remove the annotation, or let the pod run on Linux nodes";
        let key = resolution.effective.first().map_or(Key::OptOut, |effective| effective.key);
        refusals.push(Refusal::new(DenyReason::Windows, text).about(key.full()));
        name_the_author(&mut refusals, resolution);
        return Err(Verdict::Deny(refusals));
    }

    let fragments = requests::fragments(resolution, pod, context, &mut refusals);
    if pod.spec.host_network == Some(true)
        && let Some(refusal) = conflict::host_network(&fragments)
    {
        if only_defaults {
            return Err(Verdict::Skip(SkipReason::HostNetwork));
        }
        refusals.push(refusal);
    }
    let mut plan = Plan::of(fragments, pod, context, resolution, &mut refusals, warnings);
    if plan.parts.is_empty() && refusals.is_empty() {
        return Err(Verdict::Skip(SkipReason::NotRequested));
    }
    present::mark(&mut plan, pod, &mut refusals, warnings);
    conflict::find(&plan, pod, &mut refusals, warnings);
    if !refusals.is_empty() {
        name_the_author(&mut refusals, resolution);
        return Err(Verdict::Deny(refusals));
    }
    if !plan.is_empty() {
        status::record(&mut plan, pod);
        if pod.metadata.annotations.has(STATUS) {
            warnings.push(format!(
                "{STATUS} is a record that only multipod writes: what the pod says there is replaced"
            ));
        }
    }
    plan.arrange(pod);
    advice::on(&plan, pod, warnings);
    refusals.extend(conflict::annotations_too_large(&plan, pod));
    refusals.extend(pod_resources::lacking(&plan, pod));
    if refusals.is_empty() { Ok(plan) } else { Err(Verdict::Deny(refusals)) }
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

fn report(resolution: &Resolution<'_>, warnings: &mut Vec<String>) {
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
        Obstacle::OptOutUnreadable(diagnostic) => Refusal::of(diagnostic),
        Obstacle::Conflict { key, .. } => Refusal::new(DenyReason::PolicyConflict, message).about(key.full()),
        Obstacle::OptOutContradiction { .. } => {
            Refusal::new(DenyReason::OptOutContradiction, message).about(Key::OptOut.full())
        }
        Obstacle::Undecided { .. } => Refusal::new(DenyReason::PolicyUndecided, message),
    }
}

fn skip(reason: SkipReason, warnings: Vec<String>, resolution: Option<Resolution<'_>>) -> Decision<'_> {
    Decision { verdict: Verdict::Skip(reason), warnings, resolution, standing: None }
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
    Decision { verdict, warnings, resolution: None, standing: None }
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
