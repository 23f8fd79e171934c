//! From a pod and its context to a verdict.

use crate::annotation::key::STATUS;
use crate::annotation::{Key, Source};
use crate::pattern::settings::OnMistake;
use crate::pattern::{Context, Settings};
use crate::pod::limits::ENTRIES;
use crate::pod::{Head, Pod, Unreadable};
use crate::policy::{Effective, Mismatch, Mode, Policies, Policy, Resolution, Unsettled, Workload};
use multipod_values::{is_label, plain, short};
use thiserror::Error;

use super::advice;
use super::asked::Asked;
use super::few::{Few, Refusals, Warnings};
use super::obstacle::{self, LeftOut};
use super::plan::Plan;
use super::requests;
use super::{DenyReason, Patch, Refusal, SkipReason, conflict, pod_resources, present, redirect, status};

/// What happens to a pod, and what its user should know.
#[derive(Debug)]
pub struct Decision<'a> {
    pub verdict: Verdict,
    /// What the user should know; one line each.
    pub warnings: Vec<String>,
    /// Who asked for what, where it came so far.
    pub resolution: Option<Resolution<'a>>,
    /// The policies that skip the pod, because something in it stands in their way.
    pub left_out: Vec<LeftOut<'a>>,
    /// The plan of a pod that has all of it already.
    pub standing: Option<Box<Plan>>,
}

/// What happens to a pod.
#[derive(Debug)]
pub enum Verdict {
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

/// Why there is no decision; never the user's mistake.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Undecidable {
    /// Something of the namespace that decides is still being read: in a moment there is a decision.
    #[error("what decides about the pod is still being read")]
    NotYet,
    /// A mistake of our own.
    #[error("a value could not be written as JSON")]
    Unwritable,
}

/// Decides about one pod. Looks at the metadata alone until somebody asks for something. Where the context has a meter, and
/// that is over in the end, this is no decision.
pub fn decide<'a>(
    head: &'a Head<'a>,
    context: &Context<'a>,
    policies: &'a Policies,
) -> Result<Decision<'a>, Undecidable> {
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
) -> Result<Decision<'a>, Undecidable> {
    let asked = Asked::read(head.annotations());
    let mut warnings = Warnings::default();
    let more = head.more_annotations();
    if asked.is_empty()
        && more.is_none_or(|more| !more.asks)
        && policies.is_empty()
        && context.namespace_annotations.is_empty()
    {
        return Ok(skip(SkipReason::NotRequested, warnings, None));
    }
    let context = &context.of_pod(head);
    let namespace = context.namespace;
    if asked.is_mirror {
        return Ok(skip(SkipReason::MirrorPod, warnings, None));
    }
    if context.settings.excluded_namespaces.iter().any(|excluded| excluded == namespace) {
        if !asked.is_empty() {
            warnings.tell(|| format!("multipod leaves namespace {namespace} alone, whatever a pod asks for"));
        }
        return Ok(skip(SkipReason::ExcludedNamespace, warnings, None));
    }
    if more.is_some() || head.has_more_labels() {
        return Ok(unlooked(head, &asked, context, policies, warnings));
    }
    let mut asked = asked;
    let mut left_out: Vec<LeftOut<'a>> = Vec::new();
    loop {
        let mut warnings = obstacle::told(&left_out, Workload::of(context));
        let without: Vec<&str> = left_out.iter().map(|left_out| left_out.policy).collect();
        let resolution = match policies.resolve(&without, context, head.labels(), &asked.known) {
            Ok(resolution) => resolution,
            // Whatever else is wrong with the pod: what is not known yet may leave nothing of it.
            Err(unsettled) if unsettled.iter().any(Unsettled::is_not_yet) => return Err(Undecidable::NotYet),
            Err(unsettled) => {
                asked.refusals.extend(unsettled.into_iter().map(refusal_of));
                let concerns =
                    |policy: &Policy| !matches!(policy.mismatch(context, head.labels()), Ok(Some(_)));
                let enforced = policies.iter().any(|policy| policy.mode == Mode::Enforce && concerns(policy))
                    || policies.unread(context, head.labels(), false).next().is_some();
                return Ok(refuse(asked.refusals, context.settings, enforced, warnings));
            }
        };
        report(&resolution, &mut warnings);
        if resolution.effective.is_empty() && asked.refusals.is_empty() {
            let declined = !resolution.opted_out.is_empty();
            let nothing = if declined { SkipReason::OptedOut } else { SkipReason::NotRequested };
            let reason = obstacle::reason(&left_out).unwrap_or(nothing);
            return Ok(Decision { left_out, ..skip(reason, warnings, Some(resolution)) });
        }
        let mistaken = !asked.refusals.is_empty();
        let mut standing = None;
        let planned = match look_inside(head, *context) {
            Err(refusal) => Err(Planless::Refused(Few::of(refusal))),
            Ok(pod) => {
                let mistakes = std::mem::take(&mut asked.refusals);
                match plan(&pod, &resolution, mistakes, context, &mut warnings) {
                    Ok(plan) if plan.is_empty() => {
                        standing = Some(Box::new(plan));
                        Err(Planless::Skipped(SkipReason::AlreadyInjected))
                    }
                    Ok(plan) => {
                        let patch = Patch::of(&plan, &pod).map_err(|_| Undecidable::Unwritable)?;
                        Ok(Box::new(Injection { plan, patch }))
                    }
                    Err(planless) => Err(planless),
                }
            }
        };
        if let Err(Planless::Refused(obstacles)) = &planned
            && !mistaken
        {
            let more = obstacle::skipping(&resolution, obstacles);
            if !more.is_empty() {
                left_out.extend(more);
                continue;
            }
        }
        let decision = match planned {
            Err(Planless::Refused(refusals)) => {
                let enforced = resolution.effective.iter().any(|value| value.enforced);
                refuse(refusals, context.settings, enforced, warnings)
            }
            Err(Planless::Skipped(reason)) => skip(reason, warnings, None),
            Ok(injection) => ended(Verdict::Inject(injection), warnings, None),
        };
        return Ok(Decision { resolution: Some(resolution), standing, left_out, ..decision });
    }
}

/// Of labels or annotations that are too many to be looked at, nobody knows what they say. A pod that nobody can mean is
/// left alone, whatever it says.
fn unlooked<'a>(
    head: &'a Head<'a>,
    asked: &Asked<'_>,
    context: &Context<'a>,
    policies: &'a Policies,
    warnings: Warnings,
) -> Decision<'a> {
    let asks = !asked.is_empty() || head.more_annotations().is_some_and(|more| more.asks);
    let may_concern = |policy: &&Policy| match policy.mismatch(context, head.labels()) {
        Ok(Some(Mismatch::Pod(_, None) | Mismatch::Rollout(..))) => head.has_more_labels(),
        // It may be about one of those that nobody looks at.
        Ok(Some(Mismatch::Condition(_)) | None) | Err(_) => policy.mode != Mode::Audit,
        Ok(Some(_)) => false,
    };
    let unread = policies.unread(context, head.labels(), head.has_more_labels()).map(|_| Mode::Enforce);
    let mut meant = policies.iter().filter(may_concern).map(|policy| policy.mode).chain(unread).peekable();
    let by_namespace = context.namespace_annotations.iter().any(|(key, _)| Key::from_full(key).is_some());
    if !asks && !by_namespace && meant.peek().is_none() {
        return skip(SkipReason::NotRequested, warnings, None);
    }
    let what = if head.has_more_labels() { "labels" } else { "annotations" };
    let message =
        format!("the pod has more than {ENTRIES} {what}, and multipod looks at no more\nRemove some");
    let enforced = meant.any(|mode| mode == Mode::Enforce);
    refuse(Few::of(Refusal::new(DenyReason::TooLarge, message)), context.settings, enforced, warnings)
}

fn look_inside<'a>(
    head: &'a Head<'a>,
    Context { namespace, meter, .. }: Context<'a>,
) -> Result<Pod<'a>, Refusal> {
    // It becomes a part of host names, and a file may say anything.
    if !is_label(namespace) {
        let namespace = short(namespace);
        let text =
            format!("the pod cannot be read: metadata.namespace: {namespace} is no name of a namespace");
        return Err(Refusal::new(DenyReason::UnreadablePod, text));
    }
    let pod = head.open(meter).map_err(|unreadable| match unreadable {
        Unreadable::NoPod(problem) => Refusal::unreadable(&problem),
        Unreadable::TooMuch(what) => Refusal::new(
            DenyReason::TooLarge,
            format!("the pod is larger than multipod looks at: {what}\nMake it smaller, or several of it"),
        ),
    })?;
    if pod.spec.containers.items().is_empty() {
        let text = "the pod has no containers, so there is nothing to put a pattern beside";
        return Err(Refusal::new(DenyReason::NoContainers, text));
    }
    if let Some(field) = pod.container_without_name() {
        let text = format!("{field} has no name, and containers are meant by their names\nGive it one");
        return Err(Refusal::new(DenyReason::ContainerWithoutName, text));
    }
    Ok(pod)
}

/// What keeps a pod from having a plan.
enum Planless {
    Skipped(SkipReason),
    Refused(Refusals),
}

/// Everything that the pod needs, or what keeps it from that, which may be what is in `refusals` already.
fn plan(
    pod: &Pod<'_>,
    resolution: &Resolution<'_>,
    mut refusals: Refusals,
    context: &Context<'_>,
    warnings: &mut Warnings,
) -> Result<Plan, Planless> {
    // What a namespace asks for is a default, and may cover pods that cannot have it.
    let only_defaults = refusals.is_empty()
        && resolution.effective.iter().all(|value| matches!(value.source, Source::Namespace(_)));
    if pod.is_for_windows() {
        if only_defaults {
            return Err(Planless::Skipped(SkipReason::Windows));
        }
        let text = "multipod's patterns are Linux containers, and this pod is for Windows nodes\n\
                    Remove the annotation, or let the pod run on Linux nodes";
        let key = resolution.effective.first().map_or(Key::OptOut, |effective| effective.key);
        refusals.tell(|| Refusal::new(DenyReason::Windows, text).about(key.full()));
        name_the_author(&mut refusals, resolution);
        return Err(Planless::Refused(refusals));
    }

    let fragments = requests::fragments(resolution, pod, context, &mut refusals);
    if pod.spec.host_network == Some(true)
        && let Some(refusal) = conflict::host_network(&fragments)
    {
        if only_defaults {
            return Err(Planless::Skipped(SkipReason::HostNetwork));
        }
        refusals.tell(|| refusal);
    }
    let mut plan = Plan::of(fragments, pod, context, resolution, &mut refusals, warnings);
    if plan.parts.is_empty() && refusals.is_empty() {
        return Err(Planless::Skipped(SkipReason::NotRequested));
    }
    present::mark(&mut plan, pod, (context, resolution), &mut refusals, warnings);
    conflict::find(&plan, pod, &mut refusals, warnings);
    redirect::find(&plan, pod, &mut refusals);
    if !refusals.is_empty() {
        name_the_author(&mut refusals, resolution);
        return Err(Planless::Refused(refusals));
    }
    if !plan.is_empty() {
        status::record(&mut plan, pod);
        if pod.metadata.annotations.has(STATUS) {
            warnings.tell(|| {
                format!("{STATUS} is a record that only multipod writes: what the pod says there is replaced")
            });
        }
    }
    plan.arrange(pod);
    advice::on(&plan, pod, warnings);
    refusals.extend(conflict::annotations_too_large(&plan, pod));
    refusals.extend(pod_resources::lacking(&plan, pod));
    if refusals.is_empty() { Ok(plan) } else { Err(Planless::Refused(refusals)) }
}

/// All that one policy adds to a pod that it is for, if nobody else asks for anything.
pub fn alone<'a>(policy: &'a Policy, pod: &Pod<'_>, context: &Context<'a>) -> Result<Plan, Vec<Refusal>> {
    let effective = policy.annotations.iter().map(|(key, value)| Effective {
        key: *key,
        value: &value.text,
        request: Some(&value.request),
        source: Source::Policy(policy.name.clone()),
        enforced: policy.mode == Mode::Enforce,
        containers: &policy.containers,
    });
    let resolution = Resolution { effective: effective.collect(), ..Resolution::default() };
    match plan(pod, &resolution, Refusals::default(), context, &mut Warnings::default()) {
        Ok(plan) => Ok(plan),
        Err(Planless::Refused(refusals)) => Err(refusals.finish().0),
        Err(Planless::Skipped(_)) => Err(Vec::new()),
    }
}

/// A pod's author would look in vain for an annotation that somebody else has set.
fn name_the_author(refusals: &mut Refusals, resolution: &Resolution<'_>) {
    for refusal in refusals.iter_mut() {
        let Some(key) = refusal.key.as_deref().and_then(Key::from_full) else { continue };
        let source = resolution.source_of(key);
        // Diagnostics say it in their first line.
        if source != Source::Pod && refusal.reason != DenyReason::BadValue {
            refusal.message.extend(["\n(", key.full(), " is set by ", &source.text(), ")"]);
        }
    }
}

fn report(resolution: &Resolution<'_>, warnings: &mut Warnings) {
    for overridden in &resolution.overridden {
        // Defaults exist to be overridden; only a pod's own wish that loses is news.
        if overridden.whose == Source::Pod {
            warnings
                .tell(|| format!("{} of the pod is overridden by {}", overridden.key.full(), overridden.by));
        }
    }
    for unknown in &resolution.unknown_keys {
        warnings.tell(|| unknown.to_string());
    }
    for (policy, why) in &resolution.undecided {
        warnings.tell(|| {
            let (name, mode) = (&policy.name, policy.mode);
            format!("it cannot be told whether policy {name} ({mode}) is for this pod, so it counts for nothing: {why}")
        });
    }
    for audited in &resolution.audited {
        warnings.tell(|| {
            let (key, value) = (audited.key.full(), multipod_values::short(audited.value));
            format!("policy {} (audit) would set {key}: \"{value}\"", audited.policy)
        });
    }
}

fn refusal_of(unsettled: Unsettled) -> Refusal {
    let message = unsettled.to_string();
    match unsettled {
        Unsettled::OptOutUnreadable(diagnostic) => Refusal::of(diagnostic),
        Unsettled::Conflict { key, .. } => {
            Refusal::new(DenyReason::PolicyConflict, message).about(key.full())
        }
        Unsettled::OptOutContradiction { .. } => {
            Refusal::new(DenyReason::OptOutContradiction, message).about(Key::OptOut.full())
        }
        Unsettled::Invalid(_) => Refusal::new(DenyReason::PolicyInvalid, message),
        Unsettled::Undecided { why, .. } => {
            let by_condition = why.is_a_condition();
            let reason = if by_condition { DenyReason::ConditionFailed } else { DenyReason::PolicyUndecided };
            Refusal::new(reason, message)
        }
    }
}

fn skip(reason: SkipReason, warnings: Warnings, resolution: Option<Resolution<'_>>) -> Decision<'_> {
    ended(Verdict::Skip(reason), warnings, resolution)
}

fn ended(verdict: Verdict, warnings: Warnings, resolution: Option<Resolution<'_>>) -> Decision<'_> {
    let (mut warnings, more) = warnings.finish();
    if more > 0 {
        warnings.push(format!("and {more} more warnings like these"));
    }
    Decision { verdict, warnings, resolution, left_out: Vec::new(), standing: None }
}

/// A mistake may let a pod pass without what it asked for, never without what is enforced.
fn refuse<'a>(refusals: Refusals, settings: &Settings, enforced: bool, warnings: Warnings) -> Decision<'a> {
    let (mut refusals, more) = refusals.finish();
    if more > 0
        && let Some(last) = refusals.last_mut()
    {
        last.message.extend(["\n(and ", &more.to_string(), " more problems)"]);
    }
    if settings.on_mistake != OnMistake::Warn || enforced {
        return ended(Verdict::Deny(refusals), warnings, None);
    }
    let mut decision = skip(SkipReason::Mistake, warnings, None);
    decision.warnings.extend(refusals.into_iter().map(|refusal| format!("nothing was injected: {refusal}")));
    decision
}
