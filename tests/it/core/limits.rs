//! Inputs that are far too large, too deep or twice there: an answer, in time that grows with their size and no faster.
//!
//! Nothing here looks at a clock: where work could grow with the square of a length, the length is such that the square would
//! never end. `tests/allocations.rs` counts what such inputs allocate.

use std::fmt::Write;

use multipod_engine::inject::{SkipReason, Verdict, decide};
use multipod_engine::pattern::{Catalogue, Context, Settings};
use multipod_engine::pod::Head;
use multipod_engine::policy::{self, Policies};

const DEEP: usize = 200_000;
const MANY: usize = 100_000;
/// What is looked at in one list or map.
const FITS: usize = 1024;

/// How it ended: the slug, and how long the text for people is.
fn answer(pod: &str) -> (String, usize) {
    answer_with(pod, &Catalogue::default())
}

fn answer_with(pod: &str, catalogue: &Catalogue) -> (String, usize) {
    let (settings, policies) = (Settings::default(), Policies::default());
    let context = Context::new(&settings, catalogue);
    let head = match Head::read(pod) {
        Ok(head) => head,
        Err(error) => return ("unreadable".to_owned(), error.to_string().len()),
    };
    let decision = decide(&head, &context, &policies).unwrap();
    let told: usize = decision.warnings.iter().map(String::len).sum();
    match decision.verdict {
        Verdict::Inject(injection) => {
            assert!(injection.patch.operations().len() > 0);
            ("injected".to_owned(), told)
        }
        Verdict::Skip(reason) => (reason.slug().to_owned(), told),
        Verdict::Deny(refusals) => {
            let text: usize = refusals.iter().map(|refusal| refusal.to_string().len()).sum();
            (refusals[0].reason.slug().to_owned(), text)
        }
    }
}

fn asking(key: &str, value: &str) -> String {
    let value = serde_json::to_string(value).unwrap();
    format!(
        r#"{{"metadata":{{"annotations":{{"multipod/{key}":{value}}}}},"spec":{{"containers":[{{"name":"app"}}]}}}}"#
    )
}

fn deep(open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(DEEP), close.repeat(DEEP))
}

fn some(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

#[test]
fn depth_is_answered_without_a_stack_to_match() {
    for nested in [deep("[", "]"), format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP))] {
        for pod in [
            format!(
                r#"{{"metadata":{{"annotations":{{"multipod/ambassador":"80:1"}},"future":{nested}}},"spec":{{"containers":[{{"name":"a"}}]}}}}"#
            ),
            format!(
                r#"{{"metadata":{{"annotations":{{"multipod/ambassador":{nested}}}}},"spec":{{"containers":[{{"name":"a"}}]}}}}"#
            ),
            format!(
                r#"{{"metadata":{{"annotations":{{"multipod/ambassador":"80:1"}}}},"spec":{{"containers":[{{"name":"a","x":{nested}}}]}}}}"#
            ),
            format!(
                r#"{{"metadata":{{"annotations":{{"multipod/ambassador":"80:1"}}}},"spec":{{"containers":[{{"name":"multipod-ambassador","x":{nested}}}]}}}}"#
            ),
        ] {
            let (slug, _) = answer(&pod);
            let known = ["unreadable", "unreadable_pod", "injected", "not_text", "container_name_taken"];
            assert!(known.contains(&&*slug), "{slug}");
        }
    }
}

#[test]
fn depth_in_files_is_answered_too() {
    for text in [deep("[", "]"), deep("- ", ""), deep("{a: ", "}"), deep("&a [", "]")] {
        assert!(multipod_yaml::documents(&text).is_err());
        assert!(!policy::load(&[("x.yaml".to_owned(), text)]).problems.is_empty());
    }
}

/// A pod that asks, with this many items in one of its lists or maps.
fn long_lists(count: usize) -> [String; 9] {
    let annotations = r#""metadata":{"annotations":{"multipod/ambassador":"80:1"}}"#;
    let one = r#"{"name":"app"}"#;
    let list = |field: &str, item: fn(usize) -> String| {
        let items = some(count, item);
        format!(r#"{{{annotations},"spec":{{"{field}":[{items}],"containers":[{one}]}}}}"#)
    };
    let inside = |field: &str, item: fn(usize) -> String| {
        let items = some(count, item);
        format!(r#"{{{annotations},"spec":{{"containers":[{{"name":"app","{field}":[{items}]}}]}}}}"#)
    };
    let others = some(count - 1, |at| format!(r#""o/{at}":"""#));
    [
        list("volumes", |at| format!(r#"{{"name":"v{at}","emptyDir":{{}}}}"#)),
        list("initContainers", |at| format!(r#"{{"name":"i{at}"}}"#)),
        list("imagePullSecrets", |at| format!(r#"{{"name":"s{at}"}}"#)),
        inside("volumeMounts", |at| format!(r#"{{"name":"v","mountPath":"/m/{at}"}}"#)),
        inside("ports", |at| format!(r#"{{"containerPort":{}}}"#, at % 60_000 + 5000)),
        format!(
            r#"{{{annotations},"spec":{{"containers":[{}]}}}}"#,
            some(count, |at| format!(r#"{{"name":"c{at}"}}"#))
        ),
        format!(
            r#"{{{annotations},"spec":{{"nodeSelector":{{{}}},"containers":[{one}]}}}}"#,
            some(count, |at| format!(r#""n{at}":"x""#))
        ),
        format!(
            r#"{{"metadata":{{"annotations":{{{others},"multipod/ambassador":"80:1"}}}},"spec":{{"containers":[{one}]}}}}"#
        ),
        format!(
            r#"{{"metadata":{{"annotations":{{"multipod/ambassador":"80:1"}},"labels":{{{}}}}},"spec":{{"containers":[{one}]}}}}"#,
            some(count, |at| format!(r#""l{at}":"x""#))
        ),
    ]
}

#[test]
fn long_lists_are_injected_into_and_longer_ones_refused() {
    for (count, expected) in [(FITS, "injected"), (FITS + 1, "too_large"), (MANY, "too_large")] {
        for pod in long_lists(count) {
            let (slug, length) = answer(&pod);
            assert_eq!(slug, expected, "{count}: {}", &pod[..200]);
            assert!(length < 1024, "{length}");
        }
    }
}

/// Each of its parts would be compared with each of ours, for every mount.
#[test]
fn a_path_that_leads_nowhere_in_many_steps_is_refused() {
    let pod = |path: &str| {
        format!(
            r#"{{"metadata":{{"annotations":{{"multipod/logging":"/logs/x.log"}}}},"spec":{{"containers":[{{"name":"a","volumeMounts":[{{"name":"v","mountPath":"{path}"}}]}}],"volumes":[{{"name":"v","emptyDir":{{}}}}]}}}}"#
        )
    };
    assert_eq!(answer(&pod(&"/a".repeat(64))).0, "injected");
    assert_eq!(answer(&pod(&"/a".repeat(65))).0, "too_large");
    assert_eq!(answer(&pod(&"/.".repeat(1000))).0, "too_large");
}

/// The folders of hundreds of mounts and of a hundred globs, each as deep as may be: all with all.
#[test]
fn deep_mounts_and_globs_are_compared_as_wholes() {
    let deep = "/a".repeat(62);
    let mounts = some(FITS, |at| format!(r#"{{"name":"v","mountPath":"{deep}/m{at}"}}"#));
    let globs = some(100, |at| format!("{deep}/m{at}/x/*.log"));
    let pod = format!(
        r#"{{"metadata":{{"annotations":{{"multipod/logging":"{globs}"}}}},"spec":{{"containers":[{{"name":"a","volumeMounts":[{mounts}]}}],"volumes":[{{"name":"v","emptyDir":{{}}}}]}}}}"#
    );
    assert_eq!(answer(&pod).0, "injected");
    let above = pod.replace(&globs, &format!("{deep}/*/x/*.log"));
    assert_eq!(answer(&above).0, "bad_value");
}

/// An administrator's pattern for all containers, and a pod that has many.
#[test]
fn a_pattern_for_all_containers_is_bounded_by_what_one_pod_gets() {
    let variables = some(20, |at| format!("{{name: E{at}, value: x}}"));
    let text = format!(
        "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {{name: much}}\nspec: {{app: {{container: all, env: [{variables}]}}}}\n"
    );
    let loaded = policy::load(&[("a.yaml".to_owned(), text)]);
    assert_eq!(loaded.problems, []);
    for (count, expected) in [(300, "injected"), (501, "bad_value")] {
        let containers = some(count, |at| format!(r#"{{"name":"c{at}"}}"#));
        let pod = format!(
            r#"{{"metadata":{{"annotations":{{"multipod/patterns":"much"}}}},"spec":{{"containers":[{containers}]}}}}"#
        );
        assert_eq!(answer_with(&pod, &loaded.catalogue).0, expected, "{count}");
    }
}

#[test]
fn whatever_nobody_asks_anything_of_is_left_alone() {
    for pod in long_lists(MANY) {
        assert_eq!(answer(&pod.replace("multipod/ambassador", "other/ambassador")).0, "not_requested");
    }
}

#[test]
fn a_large_pod_is_still_one() {
    let container = |at: usize| {
        let variables = some(10, |variable| format!(r#"{{"name":"E{variable}","value":"x"}}"#));
        format!(
            r#"{{"name":"c{at}","env":[{variables}],"ports":[{{"containerPort":{}}}],"volumeMounts":[{{"name":"v{at}","mountPath":"/v"}}]}}"#,
            at + 10_000
        )
    };
    let volume = |at: usize| format!(r#"{{"name":"v{at}","emptyDir":{{}}}}"#);
    let pod = format!(
        r#"{{"metadata":{{"annotations":{{"multipod/ambassador":"80:1","multipod/logging":"/v/x.log container=c999"}}}},"spec":{{"containers":[{}],"volumes":[{}]}}}}"#,
        some(1000, container),
        some(1000, volume)
    );
    assert_eq!(answer(&pod).0, "injected");
    let variables = some(MANY, |at| format!(r#"{{"name":"E{at}","value":"x"}}"#));
    let pod = format!(
        r#"{{"metadata":{{"annotations":{{"multipod/ambassador":"80:1"}}}},"spec":{{"containers":[{{"name":"app","env":[{variables}]}}]}}}}"#
    );
    assert_eq!(answer(&pod).0, "injected");
}

#[test]
fn messages_about_long_lists_are_short() {
    let containers = some(FITS, |at| format!(r#"{{"name":"c{at}"}}"#));
    for value in ["/var/log/x/*.log container=no", "/var/log/x/*.log container=c9999999"] {
        let pod = format!(
            r#"{{"metadata":{{"annotations":{{"multipod/logging":"{value}"}}}},"spec":{{"containers":[{containers}]}}}}"#
        );
        let (slug, length) = answer(&pod);
        assert!(slug == "bad_value" && length < 4096, "{slug}: {length}");
    }
}

/// Of a hundred thousand clashes some dozens are told.
#[test]
fn what_is_told_of_many_clashes_is_bounded() {
    let twice = some(FITS, |_| {
        r#"{"name":"a","ports":[{"containerPort":80},{"containerPort":81}],"volumeMounts":[{"mountPath":"/x"},{"mountPath":"/x"}]}"#.to_owned()
    });
    let pod = format!(
        r#"{{"metadata":{{"annotations":{{"multipod/ambassador":"82:1"}}}},"spec":{{"containers":[{twice}]}}}}"#
    );
    let (settings, policies, catalogue) = (Settings::default(), Policies::default(), Catalogue::default());
    let head = Head::read(&pod).unwrap();
    let decision = decide(&head, &Context::new(&settings, &catalogue), &policies).unwrap();
    assert!((2..50).contains(&decision.warnings.len()), "{}", decision.warnings.len());
    assert!(decision.warnings.last().unwrap().starts_with("and "), "{:?}", decision.warnings.last());
}

#[test]
fn values_as_long_as_the_api_server_takes_get_an_answer_that_can_be_read() {
    // All annotations of an object together, and more than any object is stored with.
    for size in [1 << 18, 1 << 20] {
        let slugs = answers_to_values_of(size);
        let is_read = slugs.iter().any(|slug| slug == "bad_value");
        assert_eq!(is_read, size == 1 << 18, "{slugs:?}");
    }
}

/// The slugs of the answers to hostile values of so many bytes.
fn answers_to_values_of(size: usize) -> Vec<String> {
    let mut names = String::new();
    let mut ports = String::new();
    for at in 0.. {
        if names.len() > size {
            break;
        }
        write!(names, "n{at},").unwrap();
        write!(ports, "{}:{},", at % 65_535 + 1, at % 60_000 + 2).unwrap();
    }
    let hostile = [
        names,
        ports,
        "x".repeat(size),
        "x=".repeat(size / 2),
        "/".repeat(size),
        "/*".repeat(size / 2),
        "/[".repeat(size / 2),
        "\"\\\"".repeat(size / 3),
        "a=1 ".repeat(size / 4),
        "80:1\n".repeat(size / 5),
        "9".repeat(size),
        "1h".repeat(size / 2),
        "é".repeat(size / 2),
        "wait-for a:1,".repeat(size / 13),
        "https://a.b/c into=/d,".repeat(size / 22),
        "nginx,".repeat(size / 6),
        "logging,".repeat(size / 8),
    ];
    let mut slugs = Vec::new();
    for value in &hostile {
        for key in multipod_engine::annotation::Key::ALL {
            let (slug, length) = answer(&asking(key.name(), value));
            assert!(length < 16_384, "{}: {slug} with {length} bytes for {}…", key.full(), &value[..10]);
            slugs.push(slug);
        }
    }
    slugs
}

#[test]
fn duplicate_keys_and_huge_numbers_get_an_answer() {
    for (pod, expected) in [
        (r#"{"metadata":{},"metadata":{}}"#, "unreadable"),
        (r#"{"spec":{},"spec":{"containers":[]}}"#, "unreadable"),
        (
            r#"{"metadata":{"annotations":{"multipod/ambassador":"80:1","multipod/ambassador":"80:2"}},"spec":{"containers":[{"name":"a"}]}}"#,
            "unreadable",
        ),
        (
            r#"{"metadata":{"annotations":{"multipod/ambassador":"80:1"}},"spec":{"containers":[],"containers":[]}}"#,
            "unreadable_pod",
        ),
        (r#"{"metadata":{"annotations":{"multipod/ambassador":1e999}},"spec":{}}"#, "unreadable"),
        (
            r#"{"metadata":{"annotations":{"multipod/ambassador":123456789012345678901234567890}},"spec":{"containers":[{"name":"a"}]}}"#,
            "not_text",
        ),
        (
            r#"{"metadata":{"annotations":{"multipod/ambassador":"80:1"}},"spec":{"containers":[{"name":"a","x":1e999}]}}"#,
            "injected",
        ),
        (
            r#"{"metadata":{"annotations":{"multipod/ambassador":"80:1"}},"spec":{"containers":[{"name":"a","ports":[{"containerPort":99999999999999999999}]}]}}"#,
            "unreadable_pod",
        ),
    ] {
        let (slug, length) = answer(pod);
        assert_eq!(slug, expected, "{pod}");
        assert!(length < 1024);
    }
    assert_eq!(answer(r#"{"metadata":null}"#).0, SkipReason::NotRequested.slug());
    let twice = some(FITS, |at| format!(r#""other/{}":"x""#, at % (FITS - 1)));
    assert_eq!(answer(&format!(r#"{{"metadata":{{"annotations":{{{twice}}}}}}}"#)).0, "unreadable");
}
