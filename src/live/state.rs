//! Whether a live pod has what it should have: it is decided again as it was before it was injected.

use std::collections::BTreeSet;

use multipod_engine::annotation::Source;
use multipod_engine::annotation::key::STATUS;
use multipod_engine::inject::{Decision, LeftOut, Refusal, SkipReason, Verdict, decide, uninjected};
use multipod_engine::pattern::change::Kind;
use multipod_engine::pattern::settings::OnMistake;
use multipod_engine::pattern::{Context, Settings};
use multipod_engine::pod::Head;
use serde_json::Value;

use super::{Known, Namespace};

/// How a pod stands to what would be decided about it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It has all that it should have.
    Covered,
    /// It should have something, and nothing was added to it.
    Missing,
    /// Something was added to it that would not be added like this now.
    Stale,
    /// It would be refused.
    Refused,
    /// Nothing is to be added to it.
    Unconcerned,
}

/// What came of looking at a pod.
#[derive(Clone, Debug)]
pub(crate) struct Assessed {
    pub state: State,
    /// Why nothing is to be added, where nothing is.
    pub skipped: Option<SkipReason>,
    /// What differs, or why it would be refused; one line each.
    pub differences: Vec<String>,
    /// What the record in the pod says, where there is one.
    pub record: Option<Record>,
    /// The policies whose values count.
    pub policies: Vec<String>,
    /// Whether an annotation of its own counts, and whether one of its namespace.
    pub asked_by_pod: bool,
    pub asked_by_namespace: bool,
    /// The pod as it was before it was injected.
    pub before: Value,
}

/// What a pod says was added to it. People may write anything there, so that it is told, and nothing is decided by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The version of multipod that added it.
    pub version: String,
    /// The patterns, and who asked for each.
    pub patterns: Vec<(String, String)>,
    containers: BTreeSet<String>,
}

impl State {
    pub(crate) const ALL: [State; 5] =
        [State::Covered, State::Missing, State::Stale, State::Refused, State::Unconcerned];

    /// The machine's name for it.
    pub(crate) const fn slug(self) -> &'static str {
        match self {
            State::Covered => "covered",
            State::Missing => "missing",
            State::Stale => "stale",
            State::Refused => "refused",
            State::Unconcerned => "unconcerned",
        }
    }

    /// Whether somebody should do something about it.
    pub(crate) const fn is_wrong(self) -> bool {
        matches!(self, State::Missing | State::Stale | State::Refused)
    }
}

impl Record {
    fn of(pod: &Value) -> Option<Record> {
        let written: Value = serde_json::from_str(pod["metadata"]["annotations"][STATUS].as_str()?).ok()?;
        let patterns = written["patterns"].as_object().into_iter().flatten();
        let containers = written[Kind::Container.status()].as_array().into_iter().flatten();
        Some(Record {
            version: written["version"].as_str().unwrap_or_default().to_owned(),
            patterns: patterns
                .filter_map(|(name, source)| Some((name.clone(), source.as_str()?.to_owned())))
                .collect(),
            containers: containers.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        })
    }
}

/// Whether the metadata of a pod says that there may be more to see: most pods are of nobody's concern, and their specs need
/// not be read.
pub(crate) fn may_concern(metadata: &Value, known: &Known, namespace: &Namespace) -> bool {
    if !metadata["metadata"]["annotations"][STATUS].is_null() {
        return true;
    }
    let json = metadata.to_string();
    let Ok(head) = Head::read(&json) else { return true };
    let context = known.context(namespace);
    let Ok(decision) = decide(&head, &context, &known.policies) else { return true };
    // Without a spec a policy may find an obstacle that is none.
    !matches!(decision.verdict, Verdict::Skip(_)) || !decision.left_out.is_empty()
}

/// Looks at a pod.
pub(crate) fn assess(pod: &Value, known: &Known, namespace: &Namespace) -> Assessed {
    let record = Record::of(pod);
    let before = uninjected(pod).unwrap_or_else(|_| pod.clone());
    // Here nobody wants to hear that a mistake is overlooked.
    let settings = Settings { on_mistake: OnMistake::Deny, ..known.settings.clone() };
    let context = Context { settings: &settings, ..known.context(namespace) };
    let mut assessed = Assessed {
        state: State::Unconcerned,
        skipped: None,
        differences: Vec::new(),
        record,
        policies: Vec::new(),
        asked_by_pod: false,
        asked_by_namespace: false,
        before: Value::Null,
    };
    let json = before.to_string();
    match Head::read(&json) {
        Err(problem) => assessed.refused(vec![problem.to_string()]),
        Ok(head) => match decide(&head, &context, &known.policies) {
            Err(error) => assessed.refused(vec![error.to_string()]),
            Ok(decision) => assessed.compare(&decision, pod, &context, known),
        },
    }
    assessed.before = before;
    assessed
}

impl Assessed {
    fn refused(&mut self, differences: Vec<String>) {
        (self.state, self.differences) = (State::Refused, differences);
    }

    fn compare(&mut self, decision: &Decision<'_>, pod: &Value, context: &Context<'_>, known: &Known) {
        for effective in decision.resolution.iter().flat_map(|resolution| &resolution.effective) {
            match &effective.source {
                Source::Pod => self.asked_by_pod = true,
                Source::Namespace(_) => self.asked_by_namespace = true,
                Source::Policy(name) if !self.policies.contains(name) => self.policies.push(name.clone()),
                Source::Policy(_) => {}
            }
        }
        let recorded = self.record.as_ref().map(|record| &record.containers);
        match &decision.verdict {
            Verdict::Deny(refusals) => {
                self.refused(short(refusals).collect());
            }
            // Without a record nothing was taken out, and all is there by whatever way.
            Verdict::Skip(SkipReason::AlreadyInjected) => self.state = State::Covered,
            Verdict::Skip(reason) => {
                self.skipped = Some(*reason);
                let obstacles = decision.left_out.iter();
                self.differences =
                    obstacles.map(|left_out| left_out.obstacle.in_short().to_owned()).collect();
                if let Some(record) = &self.record {
                    self.differences.extend(record.containers.iter().map(|name| surplus(name)));
                    if self.differences.is_empty() {
                        self.differences.push("it carries what is no longer asked for".to_owned());
                    }
                    self.state = State::Stale;
                }
            }
            Verdict::Inject(injection) => {
                let wanted: BTreeSet<&str> = injection
                    .plan
                    .changes
                    .iter()
                    .filter(|planned| planned.change.kind() == Kind::Container)
                    .map(|planned| planned.change.name())
                    .collect();
                let more = recorded.into_iter().flatten().filter(|name| !wanted.contains(&***name));
                let mut differences: Vec<String> = more.map(|name| surplus(name)).collect();
                differences.extend(lacking(pod, &decision.left_out, context, known));
                self.state = match (differences.is_empty(), &self.record) {
                    (true, _) => State::Covered,
                    (false, Some(_)) => State::Stale,
                    (false, None) => State::Missing,
                };
                // Of what is missing as a whole the containers say enough.
                if self.state == State::Missing && !wanted.is_empty() {
                    differences = wanted.into_iter().map(absent).collect();
                }
                self.differences = differences;
            }
        }
    }
}

fn absent(container: &str) -> String {
    format!("{}: {container} is not there", Kind::Container.status())
}

fn surplus(name: &str) -> String {
    format!("{}: {name} was added, and would not be now", Kind::Container.status())
}

/// What keeps a pod from being one that has everything.
fn lacking(pod: &Value, without: &[LeftOut<'_>], context: &Context<'_>, known: &Known) -> Vec<String> {
    let json = pod.to_string();
    let head = match Head::read(&json) {
        Ok(head) => head,
        Err(problem) => return vec![problem.to_string()],
    };
    let decision = match decide(&head, context, &known.policies) {
        Ok(decision) => decision,
        Err(error) => return vec![error.to_string()],
    };
    // A policy may skip the pod because of what was added to it in another way.
    let is_new = |left_out: &&LeftOut<'_>| without.iter().all(|other| other.policy != left_out.policy);
    let skipped = decision.left_out.iter().filter(is_new);
    let mut all: Vec<String> = skipped.map(|left_out| left_out.obstacle.in_short().to_owned()).collect();
    match &decision.verdict {
        Verdict::Skip(_) => {}
        Verdict::Deny(refusals) => all.extend(short(refusals)),
        Verdict::Inject(injection) => {
            let missing = injection.plan.missing().filter(|new| new.change.name() != STATUS);
            all.extend(
                missing
                    .map(|new| format!("{}: {} is not there", new.change.kind().status(), new.change.name())),
            );
        }
    }
    all
}

fn short(refusals: &[Refusal]) -> impl Iterator<Item = String> {
    refusals.iter().map(|refusal| refusal.in_short().to_owned())
}
