//! What policies, the namespace and the pod say comes together here.

use std::sync::Arc;

use crate::annotation::{Diagnostic, Key, Source, key};
use crate::pattern::context::Name;
use crate::pattern::{Context, Names};
use multipod_values::short;

use super::bounds::Bounds;
use super::matching::Labels;
use super::object::{Mode, Named, Policies, Policy};
use super::precedence::Precedence;
use super::resolution::Resolution;
use super::unsettled::Unsettled;

impl Policies {
    /// Settles what a pod gets, without what the policies of these names set; `own` are the known keys among its annotations.
    /// The bounds of those policies hold all the same, and so do the names that they give a meaning.
    pub(crate) fn resolve<'a>(
        &'a self,
        without: &[&'a str],
        context: &Context<'a>,
        pod_labels: Labels<'a>,
        own: &[(Key, &'a str)],
    ) -> Result<Resolution<'a>, Vec<Unsettled>> {
        let mut resolution = Resolution::default();
        let mut unsettled = Vec::new();
        let mut matched = Vec::new();
        for policy in self.candidates(context, pod_labels) {
            if context.meter.is_some_and(|meter| !meter.go(1 + pod_labels.len())) {
                break;
            }
            match policy.mismatch(context, pod_labels) {
                Ok(None) => matched.push(policy),
                Ok(Some(_)) => {}
                // Who only wants a default never costs a pod by a mistake in it, and what is still being read is none.
                Err(why)
                    if policy.mode == Mode::Audit
                        || policy.mode == Mode::Default && why.is_a_condition() && !why.is_not_yet() =>
                {
                    resolution.undecided.push((policy, why));
                }
                Err(why) => unsettled.push(Unsettled::Undecided { policy: policy.name.clone(), why }),
            }
        }
        let unread = self.unread(context, pod_labels, false);
        unsettled.extend(unread.map(|fence| Unsettled::Invalid(Arc::clone(fence))));
        let namespace = known_keys(context, &mut resolution.unknown_keys);
        let precedence =
            Precedence::new((&matched, without), own, (context.namespace, &namespace), &mut unsettled);
        for key in Key::ALL.into_iter().filter(|key| *key != Key::OptOut) {
            precedence.settle(key, &mut resolution, &mut unsettled);
        }
        if !unsettled.is_empty() {
            return Err(unsettled);
        }
        resolution.bounds = bounds(&matched);
        resolution.upstreams = names(&matched, |policy| &policy.upstreams);
        resolution.destinations = names(&matched, |policy| &policy.destinations);
        resolution.matched = matched;
        Ok(resolution)
    }
}

/// The known keys of the namespace; what only looks like one is told.
fn known_keys<'a>(context: &Context<'a>, unknown: &mut Vec<Diagnostic>) -> Vec<(Key, &'a str)> {
    let mut known = Vec::new();
    for (full, value) in context.namespace_annotations {
        if !full.starts_with(key::PREFIX) || full == key::STATUS {
            continue;
        }
        match Key::from_full(full) {
            Some(key) => known.push((key, value.as_str())),
            None => unknown.push(unknown_key(full, context.namespace)),
        }
    }
    known
}

fn unknown_key(full: &str, namespace: &str) -> Diagnostic {
    let meant = Key::nearest(full).map(|key| format!(", did you mean {}?", key.full()));
    Diagnostic {
        key: short(full),
        source: Source::Namespace(namespace.to_owned()),
        summary: format!("unknown key{}", meant.unwrap_or_default()),
        excerpt: None,
        help: None,
        example: None,
        meant: None,
    }
}

fn bounds<'a>(matched: &[&'a Policy]) -> Vec<(&'a str, &'a Bounds)> {
    let binding = matched.iter().filter(|policy| policy.mode != Mode::Audit && !policy.bounds.is_free());
    binding.map(|policy| (&*policy.name, &policy.bounds)).collect()
}

fn names<'a, T>(matched: &[&'a Policy], of: fn(&Policy) -> &[Named<T>]) -> Names<'a, T> {
    let mut entries = Vec::new();
    for (mode, enforced) in [(Mode::Enforce, true), (Mode::Default, false)] {
        for policy in matched.iter().copied().filter(|policy| policy.mode == mode) {
            let named = of(policy).iter();
            entries.extend(named.map(|Named { name, text, value }| Name {
                name,
                text,
                value,
                policy: &policy.name,
                enforced,
            }));
        }
    }
    Names { entries }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::pattern::{Catalogue, Label, Settings};
    use crate::pod::{Scalar, Text};
    use crate::policy::load;

    const LOGGING: &str = "multipod/logging";

    fn policies(texts: &[String]) -> Policies {
        let sources: Vec<(String, String)> =
            texts.iter().enumerate().map(|(index, text)| (format!("{index}.yaml"), text.clone())).collect();
        let loaded = load(&sources);
        assert_eq!(loaded.problems, []);
        loaded.policies
    }

    /// A policy of one line of spec.
    fn policy(name: &str, spec: &str) -> String {
        format!(
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
        )
    }

    fn logging(name: &str, mode: &str, value: &str) -> String {
        policy(name, &format!("mode: {mode}, annotations: {{{LOGGING}: \"{value}\"}}"))
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    static DEFAULTS: LazyLock<(Settings, Catalogue)> = LazyLock::new(Default::default);

    fn context<'a>(labels: &'a [Label], annotations: &'a [(String, String)]) -> Context<'a> {
        Context {
            namespace: "dev",
            namespace_labels: Some(labels),
            namespace_annotations: annotations,
            ..Context::new(&DEFAULTS.0, &DEFAULTS.1)
        }
    }

    fn letter(source: &Source) -> char {
        match source {
            Source::Pod => 'P',
            Source::Namespace(_) => 'N',
            Source::Policy(name) if name == "e" => 'E',
            Source::Policy(_) => 'D',
        }
    }

    /// Who counts and who lost to an opt-out when these ask, or `refused`. Everybody else must have been overridden.
    fn outcome(asks: &str, pod_declines: Option<&str>, namespace_declines: Option<&str>) -> String {
        let all = [logging("e", "enforce", "/log/e"), logging("d", "default", "/log/d")];
        let texts: Vec<String> =
            ["E", "D"].iter().zip(all).filter(|(who, _)| asks.contains(*who)).map(|(_, text)| text).collect();
        let policies = policies(&texts);
        let mut own = Vec::new();
        own.extend(asks.contains('P').then_some((Key::Logging, "/log/p")));
        own.extend(pod_declines.map(|value| (Key::OptOut, value)));
        let mut annotations = Vec::new();
        annotations.extend(asks.contains('N').then_some((LOGGING, "/log/n")));
        annotations.extend(namespace_declines.map(|value| ("multipod/opt-out", value)));
        let annotations = pairs(&annotations);

        let resolution = match policies.resolve(&[], &context(&[], &annotations), &[], &own) {
            Ok(resolution) => resolution,
            Err(unsettled) => {
                assert!(matches!(unsettled[..], [Unsettled::OptOutContradiction { .. }]), "{unsettled:?}");
                return "refused".to_owned();
            }
        };
        let counts: String = resolution.effective.iter().map(|effective| letter(&effective.source)).collect();
        let declined: String = resolution.opted_out.iter().map(|lost| letter(&lost.whose)).collect();
        let overridden: String = resolution.overridden.iter().map(|lost| letter(&lost.whose)).collect();
        for effective in &resolution.effective {
            assert_eq!(effective.value, format!("/log/{}", letter(&effective.source).to_ascii_lowercase()));
            assert_eq!(effective.enforced, letter(&effective.source) == 'E');
        }
        assert!(resolution.overridden.iter().all(|lost| letter(&lost.by) == counts.chars().next().unwrap()));
        let mut everybody: Vec<char> = format!("{counts}{overridden}{declined}").chars().collect();
        everybody.sort_by_key(|who| "EPND".find(*who));
        assert_eq!(
            everybody.into_iter().collect::<String>(),
            asks,
            "nobody is lost and nobody appears twice"
        );
        if declined.is_empty() { counts } else { format!("{counts}-{declined}") }
    }

    #[test]
    fn the_strongest_wish_that_was_not_declined_counts() {
        for (asks, plain, pod_names_it, pod_declines_all) in [
            ("", "", "", ""),
            ("D", "D", "-D", "-D"),
            ("N", "N", "-N", "-N"),
            ("ND", "N", "-ND", "-ND"),
            ("P", "P", "refused", "P"),
            ("PD", "P", "refused", "P-D"),
            ("PN", "P", "refused", "P-N"),
            ("PND", "P", "refused", "P-ND"),
            ("E", "E", "E", "E"),
            ("ED", "E", "E-D", "E-D"),
            ("EN", "E", "E-N", "E-N"),
            ("END", "E", "E-ND", "E-ND"),
            ("EP", "E", "refused", "E"),
            ("EPD", "E", "refused", "E-D"),
            ("EPN", "E", "refused", "E-N"),
            ("EPND", "E", "refused", "E-ND"),
        ] {
            let found = [None, Some("logging"), Some("all")].map(|declines| outcome(asks, declines, None));
            assert_eq!(found, [plain, pod_names_it, pod_declines_all], "{asks}");
            assert_eq!(outcome(asks, Some("metrics"), Some("metrics")), plain, "another key, {asks}");
        }
    }

    #[test]
    fn a_namespace_declines_what_default_policies_want() {
        for (asks, names_it, declines_all) in [
            ("", "", ""),
            ("D", "-D", "-D"),
            ("N", "refused", "N"),
            ("ND", "refused", "N-D"),
            ("PD", "P-D", "P-D"),
            ("ED", "E-D", "E-D"),
            ("PND", "refused", "P-D"),
            ("EPND", "refused", "E-D"),
        ] {
            let found = [Some("logging"), Some("all")].map(|declines| outcome(asks, None, declines));
            assert_eq!(found, [names_it, declines_all], "{asks}");
        }
    }

    #[test]
    fn nothing_asked_and_nothing_around_gives_nothing() {
        let none = Policies::default();
        let found = none.resolve(&[], &context(&[], &[]), &[], &[]).unwrap();
        assert_eq!(found, Resolution::default());
    }

    #[test]
    fn values_come_in_the_order_of_the_keys() {
        let own = [(Key::Init, "a"), (Key::Ambassador, "b"), (Key::Sync, "c"), (Key::OptOut, "metrics")];
        let none = Policies::default();
        let found = none.resolve(&[], &context(&[], &[]), &[], &own).unwrap();
        let keys: Vec<Key> = found.effective.iter().map(|effective| effective.key).collect();
        assert_eq!(keys, [Key::Ambassador, Key::Sync, Key::Init]);
        assert_eq!(found.source_of(Key::Sync), Source::Pod);
    }

    #[test]
    fn policies_that_disagree_are_named_where_it_matters() {
        for (mode, own, expected) in [
            (
                "default",
                None,
                Some(
                    "multipod/logging: policies a and b disagree\n  a: \"/log/1\"\n  b: \"/log/2\"\nAn annotation of the pod",
                ),
            ),
            ("default", Some("/log/own"), None),
            ("enforce", None, Some("multipod/logging: enforced policies a and b disagree")),
            ("enforce", Some("/log/1"), Some("multipod/logging: enforced policies a and b disagree")),
            ("audit", None, None),
        ] {
            let texts =
                [logging("b", mode, "/log/2"), logging("a", mode, "/log/1"), logging("c", mode, "/log/1")];
            let policies = policies(&texts);
            let own: Vec<(Key, &str)> = own.map(|value| (Key::Logging, value)).into_iter().collect();
            let found = policies.resolve(&[], &context(&[], &[]), &[], &own);
            match (found, expected) {
                (Ok(found), None) => assert_eq!(found.matched.len(), 3),
                (Err(found), Some(expected)) => {
                    assert_eq!(found.len(), 1);
                    assert!(found[0].to_string().starts_with(expected), "{}", found[0]);
                }
                (found, _) => panic!("{mode} {own:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn equal_values_are_no_news() {
        let policies = policies(&[
            logging("a", "enforce", "/log/1"),
            logging("b", "enforce", "/log/1"),
            logging("c", "default", "/log/1"),
        ]);
        let found = policies.resolve(&[], &context(&[], &[]), &[], &[(Key::Logging, "/log/1")]).unwrap();
        assert_eq!((found.effective.len(), found.overridden.len()), (1, 0));
        assert_eq!(found.source_of(Key::Logging), Source::Policy("a".to_owned()));
    }

    #[test]
    fn audit_policies_only_tell_what_they_would_add() {
        let text =
            policy("tryout", "mode: audit, annotations: {multipod/logging: /log/a}, upstreams: {x: \"y:1\"}");
        let policies = policies(&[text]);
        let audited = |own: &[(Key, &'static str)]| {
            let found = policies.resolve(&[], &context(&[], &[]), &[], own).unwrap();
            assert!(found.upstreams.entries.is_empty());
            found.audited.iter().map(|audited| (audited.policy, audited.value)).collect::<Vec<_>>()
        };
        assert_eq!(audited(&[]), [("tryout", "/log/a")]);
        assert_eq!(audited(&[(Key::Logging, "/log/own")]), []);
        assert_eq!(audited(&[(Key::OptOut, "logging")]), []);
    }

    #[test]
    fn what_cannot_be_told_is_never_taken_for_no() {
        let spec = |mode| {
            format!(
                "mode: {mode}, match: {{namespaceSelector: {{matchLabels: {{team: a}}}}}}, upstreams: {{x: \"y:1\"}}"
            )
        };
        let blind = Context { namespace_labels: None, ..context(&[], &[]) };
        for mode in ["enforce", "default"] {
            let policies = policies(&[policy("a", &spec(mode))]);
            let found = policies.resolve(&[], &blind, &[], &[]).unwrap_err();
            assert!(found[0].to_string().contains("whether policy a is for this pod"), "{}", found[0]);
        }
        let policies = policies(&[policy("a", &spec("audit"))]);
        let found = policies.resolve(&[], &blind, &[], &[]).unwrap();
        assert_eq!((found.undecided.len(), found.matched.len()), (1, 0));
    }

    #[test]
    fn a_name_means_another_host_in_each_stage() {
        let upstream = |name: &str, stage: &str, mode: &str, host: &str| {
            let wanted = format!("match: {{namespaceSelector: {{matchLabels: {{stage: {stage}}}}}}}");
            policy(name, &format!("{wanted}, mode: {mode}, upstreams: {{orders: \"{host}\"}}"))
        };
        let policies = policies(&[
            upstream("dev", "dev", "default", "orders.dev:8080"),
            upstream("prod", "prod", "default", "orders.prod:8080"),
            upstream("old", "old", "default", "orders.old:8080"),
            upstream("old-fixed", "old", "enforce", "orders.new:8080"),
        ]);
        for (stage, expected) in [
            ("dev", Ok("orders.dev:8080")),
            ("prod", Ok("orders.prod:8080")),
            ("old", Ok("orders.new:8080")),
            ("none", Err(())),
        ] {
            let labels = [("stage".into(), stage.into())];
            let found = policies.resolve(&[], &context(&labels, &[]), &[], &[]).unwrap();
            assert_eq!(
                found.upstreams.resolve("orders").map(|(host, port)| format!("{host}:{port}")).map_err(drop),
                expected.map(str::to_owned),
                "{stage}"
            );
        }
    }

    #[test]
    fn faults_of_the_namespace_are_told() {
        let annotations = pairs(&[
            ("multipod/loging", "/log/x"),
            ("multipod/status", "{}"),
            ("team.example/owner", "x"),
            ("multipod/logging", "/log/n"),
        ]);
        let none = Policies::default();
        let found = none.resolve(&[], &context(&[], &annotations), &[], &[]).unwrap();
        let told: Vec<String> = found.unknown_keys.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["multipod/loging: unknown key, did you mean multipod/logging? (set by namespace dev)"]
        );
        assert_eq!(found.source_of(Key::Logging), Source::Namespace("dev".to_owned()));

        let annotations = pairs(&[("multipod/opt-out", "loging")]);
        let found = none.resolve(&[], &context(&[], &annotations), &[], &[(Key::OptOut, "x y")]).unwrap_err();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[2].to_string().contains("(set by namespace dev)"), "{}", found[2]);
    }

    #[test]
    fn only_policies_for_the_pod_bind_it() {
        let policies = policies(&[
            policy(
                "web",
                "match: {podSelector: {matchLabels: {app: web}}}, bounds: {images: [\"haproxy:*\"]}",
            ),
            policy("db", "match: {podSelector: {matchLabels: {app: db}}}, bounds: {cpu: {max: 1}}"),
        ]);
        let labels = [(Text("app".into()), Scalar::Text(Text("web".into())))];
        let context = context(&[], &[]);
        let found = policies.resolve(&[], &context, &labels, &[]).unwrap();
        let names: Vec<&str> = found.bounds.iter().map(|(policy, _)| *policy).collect();
        assert_eq!(names, ["web"]);
        let why = policies.find("db").unwrap().mismatch(&context, &labels).unwrap().unwrap();
        assert_eq!(why.to_string(), "the pod's label app must be \"db\": \"web\"");
    }

    /// One policy of a small world, in which policies often meet.
    fn any_policy() -> impl proptest::strategy::Strategy<Value = (String, String)> {
        use proptest::prelude::*;
        let mode = prop_oneof![Just("default"), Just("enforce"), Just("audit")];
        let labels = prop_oneof![Just(""), Just("app: web"), Just("app: db")];
        let values = prop_oneof![Just("/log/1"), Just("/log/2")];
        ("[a-f]", mode, labels, values, any::<bool>()).prop_map(|(name, mode, labels, value, named)| {
            let names = match named {
                true if mode == "audit" => ", upstreams: {x: \"y:1\"}",
                true => ", upstreams: {x: \"y:1\"}, bounds: {images: []}",
                false => "",
            };
            let spec = format!(
                "mode: {mode}, match: {{podSelector: {{matchLabels: {{{labels}}}}}}}, annotations: {{{LOGGING}: {value}}}{names}"
            );
            (format!("{name}.yaml"), policy(&name, &spec))
        })
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]
        #[test]
        fn the_order_of_sources_changes_nothing_and_neither_does_a_policy_for_other_pods(
            sources in proptest::collection::vec(any_policy(), 0..6),
            turn in 0usize..6,
            own in proptest::option::of(proptest::sample::select(vec!["/log/1", "/log/3"])),
            declines in proptest::option::of(proptest::sample::select(vec!["all", "metrics"])),
        ) {
            let labels = [(Text("app".into()), Scalar::Text(Text("web".into())))];
            let context = context(&[], &[]);
            let own: Vec<(Key, &str)> = own.map(|value| (Key::Logging, value)).into_iter()
                .chain(declines.map(|value| (Key::OptOut, value))).collect();
            let first = load(&sources);
            let expected = first.policies.resolve(&[], &context, &labels, &own);

            let mut turned = sources.clone();
            let by = turn.min(turned.len());
            turned.rotate_left(by);
            turned.reverse();
            let second = load(&turned);
            proptest::prop_assert_eq!(&second.problems, &first.problems);
            proptest::prop_assert_eq!(&second.policies.resolve(&[], &context, &labels, &own), &expected);

            turned.push(("other.yaml".to_owned(), policy("other", "mode: enforce, match: {podSelector: {matchLabels: {app: other}}}, annotations: {multipod/logging: /log/9}, bounds: {images: []}")));
            let third = load(&turned);
            proptest::prop_assert_eq!(third.policies.iter().count(), first.policies.iter().count() + 1);
            proptest::prop_assert_eq!(&third.policies.resolve(&[], &context, &labels, &own), &expected);
        }
    }
}
