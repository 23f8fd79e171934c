//! Turns a policy as it is written into one in which nothing can be wrong; tells every fault, not the first alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::annotation::{Diagnostic, Key, Source, key};
use crate::pattern::object::{Document, Place, Problem, Spot, spot_of};
use crate::pattern::written::{At, List, Map, Placed};
use crate::pattern::{AppContainers, Request};
use multipod_values::{self as value, Endpoint, Parsed, Quantity, Resource, short};

use super::bounds::{Bounds, ImagePattern};
use super::condition::Condition;
use super::matching::Match;
use super::object::{Mode, Named, OnObstacle, Policy, Value};
use super::owner::OwnerKind;
use super::rollout::Rollout;
use super::selector::{Requirement, Selector, label_key};
use super::written;

/// So many annotations of namespaces all conditions of a policy read: each pod that they are evaluated for pays for these, and
/// no more of a namespace is kept for the policy.
const MOST_ANNOTATIONS: usize = 16;

/// The policy that a document describes, and the place of its name.
pub(super) fn policy(document: &Document<'_>) -> Result<(Policy, Place), Vec<Problem>> {
    let written: written::Object = document.read().map_err(|problem| vec![problem])?;
    let name = written.metadata.name.value.0.clone();
    let name_line = spot_of(&written.metadata.name.referenced);
    let mut check = Check { document, policy: &short(&name), problems: Vec::new() };
    check.metadata(&written.metadata);
    let spec = written.spec;
    if !spec.says_something() {
        check.wrong(name_line, "spec", written::NOTHING);
    }
    let audit = spec.mode.as_ref().filter(|mode| mode.value.0 == Mode::Audit.name());
    if let Some(mode) = audit.filter(|_| spec.bounds.is_some()) {
        check.wrong(spot_of(&mode.referenced), "spec.bounds", written::AUDITED_BOUNDS);
    }
    let matches = check.matches(spec.matches.unwrap_or_default());
    let mode = spec.mode.and_then(|mode| check.text("spec.mode", &mode, parse_mode)).unwrap_or_default();
    let on_obstacle =
        spec.on_obstacle.and_then(|text| check.text("spec.onObstacle", &text, parse_on_obstacle));
    let containers =
        spec.containers.and_then(|text| check.text("spec.containers", &text, AppContainers::parse));
    let policy = Policy {
        name,
        matches,
        mode,
        annotations: check.annotations(spec.annotations.unwrap_or_default().0),
        // Which container is the default one is the word of the pod's author.
        containers: containers.unwrap_or_else(|| match mode {
            Mode::Enforce => AppContainers::all(),
            Mode::Default | Mode::Audit => AppContainers::Default,
        }),
        upstreams: check.names("spec.upstreams", spec.upstreams, value::host_and_port),
        destinations: check.names("spec.destinations", spec.destinations, destination),
        bounds: spec.bounds.map(|bounds| check.bounds(bounds)).unwrap_or_default(),
        rollout: spec.rollout.map(|rollout| Rollout::to(rollout.percent.0)).unwrap_or_default(),
        on_obstacle: on_obstacle.unwrap_or(mode.on_obstacle()),
    };
    if check.problems.is_empty() { Ok((policy, document.place(name_line))) } else { Err(check.problems) }
}

struct Check<'d> {
    document: &'d Document<'d>,
    policy: &'d str,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn wrong(&mut self, line: Spot, field: &str, message: &str) {
        self.problems.push(self.problem(line, field, message));
    }

    fn problem(&self, line: Spot, field: &str, message: &str) -> Problem {
        self.document.problem(line, format!("policy {}: {field}: {message}", self.policy))
    }

    fn text<T, const MOST: usize>(
        &mut self,
        field: &str,
        text: &Placed<MOST>,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        let line = spot_of(&text.referenced);
        parse(&text.value.0).map_err(|expected| self.wrong(line, field, &expected)).ok()
    }

    fn metadata(&mut self, metadata: &written::Metadata) {
        self.text("metadata.name", &metadata.name, value::object_name);
        if let Some(namespace) = &metadata.namespace {
            let message = "policies are for the whole cluster; spec.match.namespaceSelector picks namespaces";
            self.wrong(spot_of(&namespace.referenced), "metadata.namespace", message);
        }
    }

    fn matches(&mut self, matches: written::Match) -> Match {
        Match {
            owners: matches.owner_kinds.map(|kinds| self.owners(&kinds)).unwrap_or_default(),
            namespaces: self.selector("spec.match.namespaceSelector", matches.namespace_selector),
            pods: self.selector("spec.match.podSelector", matches.pod_selector),
            conditions: self.conditions(matches.match_conditions.unwrap_or_default()),
        }
    }

    fn conditions(&mut self, written: List<written::MatchCondition, 64>) -> Vec<Condition> {
        let mut all: Vec<Condition> = Vec::new();
        let mut annotations: BTreeSet<String> = BTreeSet::new();
        for (at, written) in written.0.into_iter().enumerate() {
            let field = format!("spec.match.matchConditions[{at}]");
            let name = &written.name.value.0;
            let taken = all.iter().any(|other| other.name == *name);
            let unique = |name: &str| {
                if taken {
                    return Err(format!("there are two conditions named {}", short(name)));
                }
                label_key(name).map_err(|_| "expected a name such as not-in-sandbox".to_owned())
            };
            self.text(&format!("{field}.name"), &written.name, unique);
            let spot = spot_of(&written.expression.referenced);
            let field = format!("{field}.expression");
            match Condition::parse(name, &written.expression.value.0) {
                Ok(condition) => {
                    let was_within = annotations.len() <= MOST_ANNOTATIONS;
                    annotations.extend(condition.namespace_annotations().iter().cloned());
                    if was_within && annotations.len() > MOST_ANNOTATIONS {
                        let message = format!(
                            "expected conditions that read at most {MOST_ANNOTATIONS} annotations of the namespace together, \
                             and up to here they read {}",
                            annotations.len()
                        );
                        self.problems.push(self.problem(spot, &field, &message));
                    }
                    all.push(condition);
                }
                Err((message, excerpt)) => {
                    let problem = self.problem(spot, &field, &message);
                    self.problems.push(Problem { excerpt: Some(Box::new(excerpt)), ..problem });
                }
            }
        }
        all
    }

    fn owners(&mut self, kinds: &At<List<Placed<63>, 64>>) -> Vec<OwnerKind> {
        const FIELD: &str = "spec.match.ownerKinds";
        if kinds.value.0.is_empty() {
            self.wrong(
                spot_of(&kinds.referenced),
                FIELD,
                "expected a kind; leave the list out to match every pod",
            );
        }
        kinds.value.0.iter().filter_map(|kind| self.text(FIELD, kind, OwnerKind::parse)).collect()
    }

    fn selector(&mut self, field: &str, written: Option<written::Selector>) -> Selector {
        let mut selector = Selector::default();
        let Some(written) = written else { return selector };
        for (key, value) in written.match_labels.unwrap_or_default().0 {
            let field = format!("{field}.matchLabels.{key}");
            if let Some(label) = self.text(&field, &value, |value| Requirement::label(&key, value)) {
                selector.require(label);
            }
        }
        for expression in written.match_expressions.unwrap_or_default().0 {
            let values: Vec<String> =
                expression.values.unwrap_or_default().0.into_iter().map(|text| text.0).collect();
            let operator = &expression.operator.value.0;
            let field = format!("{field}.matchExpressions");
            let parse = |key: &str| Requirement::expression(key, operator, &values);
            if let Some(requirement) = self.text(&field, &expression.key, parse) {
                selector.require(requirement);
            }
        }
        selector
    }

    fn annotations<const MOST: usize>(
        &mut self,
        written: BTreeMap<String, Placed<MOST>>,
    ) -> Vec<(Key, Value)> {
        let mut annotations = Vec::with_capacity(written.len());
        for (full, text) in written {
            let line = spot_of(&text.referenced);
            let key = match policy_key(&full) {
                Ok(key) => key,
                Err(expected) => {
                    self.wrong(line, &format!("spec.annotations.{full}"), &expected);
                    continue;
                }
            };
            let text = text.value.0;
            // Names of upstreams, destinations and patterns are looked up for each pod: what they stand for may come
            // and go, and an enforced policy must not be lost with it.
            match Request::parse(key, &text).map(Request::into_owned) {
                Ok(request) => annotations.push((key, Value { text, request })),
                Err(faults) => self.problems.extend(faults.into_iter().map(|fault| {
                    let source = Source::Policy(self.policy.to_owned());
                    self.document.problem_in(line, &Diagnostic::of(key, source, &text, fault))
                })),
            }
        }
        annotations
    }

    fn names<T, const LONGEST: usize, const MOST: usize>(
        &mut self,
        field: &str,
        written: Option<Map<Placed<LONGEST>, MOST>>,
        parse: fn(&str) -> Parsed<T>,
    ) -> Vec<Named<T>> {
        let mut all = Vec::new();
        for (name, text) in written.unwrap_or_default().0 {
            let field = format!("{field}.{name}");
            let parsed = self.text(&field, &text, |text| value::name(&name).and_then(|_| parse(text)));
            all.extend(parsed.map(|value| Named { name, text: text.value.0, value }));
        }
        all
    }

    fn bounds(&mut self, written: written::Bounds) -> Bounds {
        let images = written.images.map(|images| {
            let images = images.0.iter();
            images.filter_map(|image| self.text("spec.bounds.images", image, ImagePattern::parse)).collect()
        });
        let keys = written.keys.map(|keys| {
            keys.0.iter().filter_map(|key| self.text("spec.bounds.keys", key, bounded_key)).collect()
        });
        Bounds {
            keys,
            images,
            cpu: self.most("spec.bounds.cpu.max", written.cpu, Resource::Cpu),
            memory: self.most("spec.bounds.memory.max", written.memory, Resource::Memory),
        }
    }

    fn most(&mut self, field: &str, most: Option<written::Most>, resource: Resource) -> Option<Quantity> {
        let most = most?.max;
        let line = spot_of(&most.referenced);
        Quantity::parse(&most.value.0, resource).map_err(|expected| self.wrong(line, field, expected)).ok()
    }
}

fn parse_mode(text: &str) -> Parsed<Mode> {
    let names = [Mode::Default, Mode::Enforce, Mode::Audit].map(|mode| (mode.name(), mode));
    value::one_of(text, &names)
}

fn parse_on_obstacle(text: &str) -> Parsed<OnObstacle> {
    value::one_of(text, &[OnObstacle::Deny, OnObstacle::Skip].map(|what| (what.name(), what)))
}

/// The key that a policy may set under this name.
fn policy_key(full: &str) -> Parsed<Key> {
    match Key::from_full(full) {
        Some(Key::OptOut) => Err(written::NO_OPT_OUT.to_owned()),
        Some(key) => Ok(key),
        None if full == key::STATUS => Err(written::NO_STATUS.to_owned()),
        None => {
            let meant = Key::nearest(full).filter(|key| *key != Key::OptOut);
            let meant = meant.map(|key| format!(", did you mean {}?", key.full())).unwrap_or_default();
            let known: Vec<&str> = Key::ALL.iter().filter(|k| **k != Key::OptOut).map(|k| k.full()).collect();
            Err(format!("expected {}{meant}", value::list(&known, "or")))
        }
    }
}

/// A key that pods may be allowed to set.
fn bounded_key(full: &str) -> Parsed<Key> {
    match Key::from_full(full) {
        Some(Key::OptOut) => Err("pods can always opt out of what is not enforced".to_owned()),
        _ => policy_key(full),
    }
}

fn destination(text: &str) -> Parsed<Endpoint> {
    if !["otlp://", "otlphttp://", "otlphttps://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err("expected a destination such as otlp://collector.observability:4317".to_owned());
    }
    Endpoint::parse(text)
}

#[cfg(test)]
mod tests {
    use crate::pattern::object::documents;

    use super::*;

    const HEAD: &str = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\n";

    fn read(body: &str) -> Result<Policy, Vec<String>> {
        let text = format!("{HEAD}{body}");
        let (found, problems) = documents([("team.yaml", text.as_str())]);
        assert!(problems.is_empty(), "{body}: {problems:?}");
        let read = policy(&found[0]).map(|(policy, _)| policy);
        read.map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_complete_policy_is_read() {
        let policy = read(
            r#"
metadata: {name: team-logging, uid: x, labels: {a: b}}
spec:
  match:
    namespaceSelector: {matchLabels: {team: a}, matchExpressions: [{key: stage, operator: Exists}]}
    podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}
    ownerKinds: [Deployment, StatefulSet]
  mode: enforce
  annotations: {"multipod/logging": "/var/log/app/*.log", "multipod/ambassador": "6379:@cache"}
  upstreams: {cache: "redis.dev:6379"}
  destinations: {central: "otlp://collector.observability:4317"}
  bounds:
    images: ["haproxy:*", "mirror.example/*"]
    cpu: {max: 1}
    memory: {max: 256Mi}
"#,
        )
        .unwrap();
        assert_eq!((&*policy.name, policy.mode), ("team-logging", Mode::Enforce));
        assert_eq!(policy.value(Key::Logging).map(|value| &*value.text), Some("/var/log/app/*.log"));
        assert_eq!(policy.matches.namespaces.requirements().len(), 2);
        assert_eq!(policy.matches.pods.requirements()[0].to_string(), "not be \"db\"");
        assert_eq!(policy.matches.owners.len(), 2);
        let [Named { name, text, value: (host, port) }] = &policy.upstreams[..] else { panic!("{policy:?}") };
        assert_eq!((&**name, &**text), ("cache", "redis.dev:6379"));
        assert_eq!((host.to_string(), port.get()), ("redis.dev".to_owned(), 6379));
        let bounds = (policy.bounds.images.unwrap().len(), policy.bounds.cpu.unwrap().to_string());
        assert_eq!(bounds, (2, "1".to_owned()));
    }

    #[test]
    fn everything_but_the_name_can_be_left_out_or_empty() {
        let plain = read("metadata: {name: a}\nspec: {bounds: {images: []}}").unwrap();
        assert_eq!((plain.mode, &plain.matches), (Mode::Default, &Match::default()));
        let nulls = "metadata: {name: a}\nspec: {match: , mode: , annotations: , upstreams: , bounds: {images: []}}\nstatus: {x: 1}";
        assert_eq!(read(nulls), Ok(plain));
    }

    #[test]
    fn an_enforced_policy_is_for_all_containers_unless_it_says_so() {
        for (spec, expected) in [
            ("mode: enforce", "all"),
            ("mode: enforce, containers: default", "default"),
            ("mode: enforce, containers: \"web,!istio-*\"", "web, !istio-*"),
            ("mode: audit", "default"),
            ("mode: default", "default"),
            ("containers: all", "all"),
        ] {
            let policy =
                read(&format!("metadata: {{name: a}}\nspec: {{upstreams: {{db: \"db:1\"}}, {spec}}}"))
                    .unwrap();
            assert_eq!(policy.containers.to_string(), expected, "{spec}");
        }
    }

    #[test]
    fn an_enforced_policy_insists_unless_it_says_so() {
        for (spec, expected) in [
            ("mode: enforce", OnObstacle::Deny),
            ("mode: enforce, onObstacle: skip", OnObstacle::Skip),
            ("mode: default", OnObstacle::Skip),
            ("onObstacle: deny", OnObstacle::Deny),
            ("mode: audit", OnObstacle::Skip),
        ] {
            let policy =
                read(&format!("metadata: {{name: a}}\nspec: {{upstreams: {{db: \"db:1\"}}, {spec}}}"))
                    .unwrap();
            assert_eq!(policy.on_obstacle, expected, "{spec}");
        }
    }

    #[test]
    fn a_policy_that_says_nothing_is_a_mistake() {
        for spec in [
            "",
            "mode: enforce",
            "match: {podSelector: {}}",
            "mode: enforce, containers: all",
            "annotations: {}",
            "annotations: , bounds: {}",
            "upstreams: {}, destinations: {}, bounds: {cpu: }",
        ] {
            let found = read(&format!("metadata: {{name: a}}\nspec: {{{spec}}}")).unwrap_err();
            assert_eq!(found.len(), 1, "{spec}: {found:?}");
            assert!(
                found[0].starts_with("team.yaml:3: policy a: spec: the policy says nothing"),
                "{}",
                found[0]
            );
        }
    }

    #[test]
    fn every_fault_is_told_with_its_file_line_and_field() {
        for (spec, expected) in [
            (
                "mode: enforced",
                "team.yaml:5: policy a: spec.mode: expected default, enforce or audit, did you mean enforce?",
            ),
            ("modes: audit", "team.yaml:5: unknown field modes"),
            (
                "mode: audit",
                "team.yaml:5: policy a: spec.bounds: an audit policy only tells what it would add",
            ),
            ("match: {podSelektor: {}}", "team.yaml:5: unknown field podSelektor"),
            ("match: {condition: \"true\"}", "team.yaml:5: unknown field condition"),
            (
                "match: {matchConditions: [{name: a b, expression: \"true\"}]}",
                "team.yaml:5: policy a: spec.match.matchConditions[0].name: expected",
            ),
            (
                "match:\n    matchConditions:\n    - {name: a, expression: \"true\"}\n    - {name: a, expression: \"true\"}",
                "team.yaml:8: policy a: spec.match.matchConditions[1].name: there are two conditions named a",
            ),
            ("match: {matchConditions: [{name: a}]}", "the field expression is missing"),
            (
                "match: {matchConditions: [{name: a, expression: \"\"}]}",
                "spec.match.matchConditions[0].expression: expected a condition, such as object",
            ),
            (
                "match: {matchConditions: [{name: a, expression: \"object.meta.name == 'x'\"}]}",
                "expression: object.meta is not available here, only metadata, spec: a pod that is being created has \
                 nothing else\n  | object.meta.name == 'x'\n  |        ^^^^",
            ),
            ("match: {ownerKinds: []}", "team.yaml:5: policy a: spec.match.ownerKinds: expected a kind"),
            (
                "match: {ownerKinds: [Job, CronJob]}",
                "team.yaml:5: policy a: spec.match.ownerKinds: the pods of a CronJob",
            ),
            ("match:\n    podSelector:\n      matchLabels:\n        app: 1", "team.yaml:8: "),
            ("match: {podSelector: {matchLabels: {app: true}}}", "quotes"),
            (
                "match: {podSelector: {matchLabels: {a/b/c: x}}}",
                "spec.match.podSelector.matchLabels.a/b/c: expected a label",
            ),
            (
                "match: {podSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}",
                "did you mean In?",
            ),
            ("match: {podSelector: {matchExpressions: [{key: a, operator: In, values: [1]}]}}", "quotes"),
            ("annotations: {\"multipod/share-process-namespace\": true}", "quotes"),
            ("onObstacle: ignore", "team.yaml:5: policy a: spec.onObstacle: expected deny or skip"),
            ("onObstacle: false", "quotes"),
            ("rollout: {percent: 101}", "expected a whole number from 0 to 100, found 101"),
            ("rollout: {percent: -1}", "expected a whole number from 0 to 100"),
            ("rollout: {percent: \"50\"}", "a whole number from 0 to 100"),
            ("rollout: {percent: 0.5}", "a whole number from 0 to 100"),
            ("rollout: {}", "percent"),
            ("annotations: {\"multipod/opt-out\": all}", "only a pod or its namespace can opt out"),
            ("annotations: {\"multipod/status\": x}", "multipod writes this key itself"),
            ("annotations: {\"multipod/loging\": x}", "did you mean multipod/logging?"),
            ("annotations: {\"example.com/x\": x}", "expected multipod/ambassador, "),
            (
                "annotations:\n    \"multipod/ambassador\": \"8o:1\"",
                "team.yaml:6: multipod/ambassador: 8o:1 is not LISTEN:TARGET (set by policy a)\n  | 8o:1\n  | ^^",
            ),
            ("annotations: {\"multipod/metrics\": \"nginx nginx\"}", "nginx does not belong to nginx"),
            ("annotations: {\"multipod/init\": \"wait\"}", "multipod/init: "),
            ("annotations: {\"multipod/logging\": \"a\\\"b\"}", "a quote can only open a word"),
            ("containers: wEb", "team.yaml:5: policy a: spec.containers: expected default, all, or names"),
            ("containers: [web]", "team.yaml:5: "),
            ("containers: true", "quotes"),
            ("containers: \"web, multipod-sync-1\"", "spec.containers: containers that begin with multipod-"),
            ("upstreams: {Cache: \"redis:6379\"}", "spec.upstreams.Cache: expected a name"),
            ("upstreams: {cache: redis}", "spec.upstreams.cache: expected HOST:PORT"),
            ("destinations: {central: \"http://x:1\"}", "spec.destinations.central: expected a destination"),
            ("destinations: {central: \"otlp://x\"}", "spec.destinations.central: expected HOST:PORT"),
            ("bounds: {images: [\"a b\"]}", "spec.bounds.images: expected an image"),
            ("bounds: {keys: [multipod/loging]}", "spec.bounds.keys: expected multipod/ambassador, "),
            ("bounds: {keys: [multipod/opt-out]}", "spec.bounds.keys: pods can always opt out"),
            ("bounds: {cpu: {max: lots}}", "spec.bounds.cpu.max: expected an amount of CPU"),
            ("bounds: {memory: {max: 0.5}}", "quotes"),
            ("bounds: {memory: 256Mi}", "team.yaml:5: "),
        ] {
            let more =
                if spec.starts_with("bounds") { "upstreams: {x: \"y:1\"}" } else { "bounds: {images: []}" };
            let found = read(&format!("metadata: {{name: a}}\nspec:\n  {spec}\n  {more}")).unwrap_err();
            assert_eq!(found.len(), 1, "{spec}: {found:?}");
            assert!(found[0].contains(expected), "{spec}: {}", found[0]);
        }
    }

    #[test]
    fn all_conditions_together_read_a_bounded_number_of_annotations() {
        let condition = |name: &str, of: std::ops::Range<usize>| {
            let named: Vec<String> =
                of.map(|at| format!("'a{at}' in namespaceObject.metadata.annotations")).collect();
            format!("{{name: {name}, expression: \"{}\"}}", named.join(" || "))
        };
        let with = |conditions: &[String]| {
            let conditions = conditions.join(", ");
            read(&format!(
                "metadata: {{name: a}}\nspec: {{match: {{matchConditions: [{conditions}]}}, bounds: {{images: []}}}}"
            ))
        };
        let (first, same, second, last) =
            (condition("a", 0..9), condition("b", 0..9), condition("c", 9..16), condition("d", 15..17));
        assert!(with(&[first.clone(), same, second.clone()]).is_ok());
        // One slip is one error, however many conditions follow.
        let found = with(&[first, second, last, condition("e", 0..1)]).unwrap_err();
        let expected = "spec.match.matchConditions[2].expression: expected conditions that read at most 16 annotations of the \
                        namespace together, and up to here they read 17";
        assert!(found.len() == 1 && found[0].ends_with(expected), "{found:?}");
    }

    #[test]
    fn the_name_and_the_scope_are_checked() {
        for (metadata, expected) in [
            ("{name: A B}", "team.yaml:3: policy A B: metadata.name: expected the name of an object"),
            ("{}", "name"),
            ("{name: a, namespace: dev}", "policies are for the whole cluster"),
        ] {
            let found = read(&format!("metadata: {metadata}\nspec: {{bounds: {{images: []}}}}")).unwrap_err();
            assert!(found[0].contains(expected), "{metadata}: {found:?}");
        }
        assert!(read("metadata: {name: a}").unwrap_err()[0].contains("spec"));
    }

    #[test]
    fn faults_in_several_places_are_told_at_once() {
        let found = read("metadata: {name: A}\nspec: {mode: x, upstreams: {a: b}, bounds: {cpu: {max: x}}}")
            .unwrap_err();
        assert_eq!(found.len(), 4, "{found:?}");
    }
}
