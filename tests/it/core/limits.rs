//! Inputs that are far too large, too deep or twice there: an answer, in time that grows with their size and no faster.
//!
//! Nothing here looks at a clock: where work could grow with the square of a length, the length is such that the square would
//! never end. `tests/allocations.rs` counts what such inputs allocate.

use std::fmt::Write;

use multipod::inject::{SkipReason, Verdict, decide};
use multipod::pattern::{Catalogue, Context, Settings};
use multipod::pod::Head;
use multipod::policy::{self, Policies};

const DEEP: usize = 200_000;
const MANY: usize = 100_000;

/// How it ended: the slug, and how long the text for people is.
fn answer(pod: &str) -> (String, usize) {
    let (settings, policies, catalogue) = (Settings::default(), Policies::default(), Catalogue::default());
    let context = Context::new(&settings, &catalogue);
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

fn many(item: impl Fn(usize) -> String) -> String {
    (0..MANY).map(item).collect::<Vec<_>>().join(",")
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

#[test]
fn long_lists_are_injected_into() {
    let annotations = r#""metadata":{"annotations":{"multipod/ambassador":"80:1"}}"#;
    let one = r#"{"name":"app"}"#;
    let list = |field: &str, items: String| {
        format!(r#"{{{annotations},"spec":{{"{field}":[{items}],"containers":[{one}]}}}}"#)
    };
    let inside = |field: &str, items: String| {
        format!(r#"{{{annotations},"spec":{{"containers":[{{"name":"app","{field}":[{items}]}}]}}}}"#)
    };
    let others = many(|at| format!(r#""other/{at}":"x""#));
    for pod in [
        list("volumes", many(|at| format!(r#"{{"name":"v{at}","emptyDir":{{}}}}"#))),
        list("initContainers", many(|at| format!(r#"{{"name":"i{at}"}}"#))),
        list("imagePullSecrets", many(|at| format!(r#"{{"name":"s{at}"}}"#))),
        inside("env", many(|at| format!(r#"{{"name":"E{at}","value":"x"}}"#))),
        inside("volumeMounts", many(|at| format!(r#"{{"name":"v","mountPath":"/m/{at}"}}"#))),
        inside("ports", many(|at| format!(r#"{{"containerPort":{}}}"#, at % 60_000 + 5000))),
        format!(
            r#"{{"metadata":{{"annotations":{{{others},"multipod/ambassador":"80:1"}}}},"spec":{{"containers":[{one}]}}}}"#
        ),
        format!(
            r#"{{{annotations},"spec":{{"containers":[{}]}}}}"#,
            many(|at| format!(r#"{{"name":"c{at}"}}"#))
        ),
    ] {
        let (slug, _) = answer(&pod);
        assert!(["injected", "annotations_too_large"].contains(&&*slug), "{slug}: {}", &pod[..200]);
    }
}

#[test]
fn messages_about_long_lists_are_short() {
    let containers = many(|at| format!(r#"{{"name":"c{at}"}}"#));
    for value in ["/var/log/x/*.log container=no", "/var/log/x/*.log container=c9999999"] {
        let pod = format!(
            r#"{{"metadata":{{"annotations":{{"multipod/logging":"{value}"}}}},"spec":{{"containers":[{containers}]}}}}"#
        );
        let (slug, length) = answer(&pod);
        assert!(slug == "bad_value" && length < 4096, "{slug}: {length}");
    }
}

#[test]
fn values_as_long_as_the_api_server_takes_get_an_answer_that_can_be_read() {
    // All annotations of an object together.
    const SIZE: usize = 1 << 18;
    let mut names = String::new();
    let mut ports = String::new();
    for at in 0.. {
        if names.len() > SIZE {
            break;
        }
        write!(names, "n{at},").unwrap();
        write!(ports, "{}:{},", at % 65_535 + 1, at % 60_000 + 2).unwrap();
    }
    let hostile = [
        names,
        ports,
        "x".repeat(SIZE),
        "x=".repeat(SIZE / 2),
        "/".repeat(SIZE),
        "/*".repeat(SIZE / 2),
        "/[".repeat(SIZE / 2),
        "\"\\\"".repeat(SIZE / 3),
        "a=1 ".repeat(SIZE / 4),
        "80:1\n".repeat(SIZE / 5),
        "9".repeat(SIZE),
        "1h".repeat(SIZE / 2),
        "é".repeat(SIZE / 2),
        "wait-for a:1,".repeat(SIZE / 13),
        "https://a.b/c into=/d,".repeat(SIZE / 22),
        "nginx,".repeat(SIZE / 6),
        "logging,".repeat(SIZE / 8),
    ];
    for value in &hostile {
        for key in multipod::annotation::Key::ALL {
            let (slug, length) = answer(&asking(key.name(), value));
            assert!(length < 16_384, "{}: {slug} with {length} bytes for {}…", key.full(), &value[..10]);
        }
    }
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
    let many = many(|at| format!(r#""other/{}":"x""#, at % (MANY - 1)));
    assert_eq!(answer(&format!(r#"{{"metadata":{{"annotations":{{{many}}}}}}}"#)).0, "unreadable");
}
