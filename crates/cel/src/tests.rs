use proptest::prelude::*;
use serde_json::Value as Tree;

use super::syntax::Kind;
use super::value::{Constants, List};
use super::*;

/// What an API server answers too: `tests/e2e/controlplane` asks one.
const CORPUS: &str = include_str!("../../../tests/data/conditions.json");

fn answer(condition: &Condition, pod: &str, namespace: &str) -> Result<bool, Fault> {
    condition.holds(&Given::new(object(pod), object(namespace), None))
}

fn object(json: &str) -> Value<'_> {
    Value::json(json).unwrap()
}

#[test]
fn conditions_mean_what_they_mean_to_an_api_server() {
    let corpus: Tree = serde_json::from_str(CORPUS).unwrap();
    let namespace = corpus["namespace"].to_string();
    for case in corpus["cases"].as_array().unwrap() {
        let text = case[0].as_str().unwrap();
        let condition = Condition::parse(text).unwrap_or_else(|mistake| panic!("{text}: {mistake:?}"));
        for (at, pod) in [(1, "full"), (2, "bare")] {
            let found = answer(&condition, &corpus["pods"][pod].to_string(), &namespace);
            match (&case[at], &found) {
                (Tree::Bool(expected), Ok(found)) if expected == found => {}
                (Tree::String(_), Err(_)) => {}
                (expected, _) => panic!("{text} of {pod}: expected {expected}, found {found:?}"),
            }
        }
    }
}

#[test]
fn what_an_api_server_might_answer_otherwise_is_refused() {
    let corpus: Tree = serde_json::from_str(CORPUS).unwrap();
    for case in corpus["refused"].as_array().unwrap() {
        let (text, expected) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
        let found = Condition::parse(text).map(|_| ());
        let mistake = found.expect_err(text);
        assert!(mistake.message.contains(expected), "{text}: {mistake:?}");
        assert!(mistake.at.end <= text.len(), "{text}: {mistake:?}");
    }
}

#[test]
fn the_deepest_condition_needs_little_stack() {
    let deepest = |depth: usize| {
        let chain = ".a".repeat(14);
        let mut text = "\"k\"".to_owned();
        for _ in 0..depth {
            text = format!("object.spec{chain}[({text} == 1 || !(true)) ? \"a\" : \"b\"]");
        }
        format!("{text} == 1")
    };
    let hostile =
        ["(", "[", "!", "-", "object.", "true?", "has(", "a.exists(a,", "{", "!(", "object[", "1<("];
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        for text in hostile.iter().map(|part| part.repeat(LONGEST / part.len())) {
            assert!(Condition::parse(&text).is_err(), "{text}");
        }
        for depth in 0..6 {
            let _ = Condition::parse(&deepest(depth));
        }
        let flat = vec!["object.metadata.name == \"x\""; 30].join(" || ");
        assert!(Condition::parse(&flat).is_ok());
        assert!(Condition::parse(&vec![flat; 3].join(" || ")).is_err());
    });
    thread.unwrap().join().unwrap();
}

/// Prints how long each takes: `cargo test --release -p multipod-cel long -- --nocapture`.
#[test]
fn no_pod_makes_a_condition_take_long() {
    let pod = |item: &str, count: usize| {
        let items = vec![item; count].join(",");
        format!(
            r#"{{"metadata":{{"name":"x"}},"spec":{{"containers":[{items}],"text":"{}"}}}}"#,
            "a".repeat(6000)
        )
    };
    let container = r#"{"name":"app","image":"x","env":[{"name":"A","value":"b"}]}"#;
    let grows = ".map(c, c + c + c + c + c + c + c + c)".repeat(6);
    for (count, item, text) in [
        (60_000, container, "object.spec.containers.exists(c, c.name == \"b\")"),
        (
            4000,
            container,
            "object.spec.containers.exists(c, c.name == \"b\" || c.image == \"b\" || c.env.size() == 9)",
        ),
        (4000, container, "object.spec.containers.all(c, object.spec.containers == object.spec.containers)"),
        (4000, container, "object.spec.containers.exists(c, c in object.spec.containers && c.name == \"b\")"),
        (100, container, "object.spec.containers.all(c, object.spec.containers == object.spec.containers)"),
        (
            4000,
            "\"\\n\"",
            "object.spec.containers.exists(c, object.spec.text.contains('b' + c) || object.spec.text.contains(c))",
        ),
        (
            4000,
            "{}",
            "object.spec.containers.all(c, (object.spec.containers + object.spec.containers).size() == 8000)",
        ),
        (4000, "{}", "object.spec.containers.map(c, object.spec.text + object.spec.text).size() == 1"),
        (10, "\"abc\"", &format!("object.spec.containers{grows}.size() == 1")),
        (10, "[1]", &format!("object.spec.containers{grows}.size() == 1")),
        (
            4000,
            "1",
            "object.spec.containers.all(c, c + c * c - c / c % c + c - c * c + c - c + c - c + c - c + c - c == 2)",
        ),
        (4000, "\"abc\"", "object.spec.containers.exists(c, object.spec.text.matches('(a{1,9}){1,9}b'))"),
    ] {
        let condition = Condition::parse(text).unwrap();
        let pod = pod(item, count);
        let given = Given::new(object(&pod), object("{}"), None);
        let begun = std::time::Instant::now();
        let fault = condition.holds(&given).expect_err(text);
        println!("{:>6} µs, {} steps: {text}", begun.elapsed().as_micros(), given.steps());
        assert!(fault.to_string().contains("more than"), "{text}: {fault}");
        assert!(given.steps() == STEPS || count > 4000, "{text}: {} steps", given.steps());
    }
}

#[test]
fn what_is_unknown_has_no_answer_and_what_is_null_is_not_there() {
    let unknown =
        || Value::map([("metadata", Value::map([("labels", Value::Unknown(Fault::new("nobody knows")))]))]);
    for (text, expected) in [
        ("namespaceObject.metadata.labels[\"a\"] == \"b\"", Err(Fault::new("nobody knows"))),
        ("has(namespaceObject.metadata.labels)", Err(Fault::new("nobody knows"))),
        ("namespaceObject.metadata.?labels.hasValue()", Err(Fault::new("nobody knows"))),
        ("has(object.spec.volumes)", Ok(false)),
        ("object.spec.?volumes.hasValue()", Ok(false)),
        ("object.spec.x.size() == 0", Err(Fault::new("x stands there twice"))),
    ] {
        let condition = Condition::parse(text).unwrap();
        let pod = object(r#"{"spec":{"volumes":null,"x":[],"x":[1]}}"#);
        assert_eq!(condition.holds(&Given::new(pod, unknown(), None)), expected, "{text}");
    }
}

#[test]
fn whole_numbers_of_an_api_server_have_64_bits_wherever_they_stand() {
    let pod = r#"{"spec":{"a":[9007199254740993],"b":[9007199254740992],"c":{"x":9007199254740993},"d":{"x":9007199254740992},
        "e":[9007199254740993],"f":[9007199254740992.0],"g":[18446744073709551615],"h":[1.8446744073709552e19]}}"#;
    for (text, expected) in [
        ("object.spec.a == object.spec.b", false),
        ("object.spec.c == object.spec.d", false),
        ("object.spec.a == object.spec.e", true),
        ("object.spec.a == [9007199254740992]", false),
        ("object.spec.b[0] in object.spec.a", false),
        // Where one of the two has a fraction, both are compared as such.
        ("object.spec.b == object.spec.f", true),
        // So is what has no place in 64 bits.
        ("object.spec.g == object.spec.h", true),
    ] {
        let condition = Condition::parse(text).unwrap();
        assert_eq!(answer(&condition, pod, "{}"), Ok(expected), "{text}");
    }
}

/// Conditions, and texts that are nearly one.
fn any_text() -> impl Strategy<Value = String> {
    let parts = [
        "object",
        "namespaceObject",
        ".metadata",
        ".spec",
        ".labels",
        ".containers",
        ".?x",
        "[\"a\"]",
        "[0]",
        "[?1]",
        "(",
        ")",
        "!",
        "-",
        " + ",
        " % ",
        " == ",
        " in ",
        " && ",
        " || ",
        " ? ",
        " : ",
        "true",
        "null",
        "1",
        "2.5",
        "\"a\"",
        "'b'",
        "[",
        "]",
        ", ",
        "{}",
        ".size()",
        "has(",
        ".exists(c, ",
        "c",
        ".all(k, ",
        ".map(c, ",
        ".filter(c, ",
        ".orValue(",
        ".matches('a+')",
        " < ",
        "ä",
        "\n",
    ];
    prop::collection::vec(prop::sample::select(parts.to_vec()), 0..30).prop_map(|parts| parts.concat())
}

#[test]
fn all_text_of_a_value_counts_and_what_is_no_text_counts_as_one() {
    let json = object(r#"{"a":["bc",1]}"#);
    let made = |items: &[Value<'static>]| Value::List(List::Made(items.into()));
    let condition = Condition::parse("object.spec.a == ['abc', 'de']").unwrap();
    let Kind::Compare(_, both) = &condition.expr.kind else { panic!() };
    let Kind::List(items) = &both[1].kind else { panic!() };
    let constants = Value::List(List::Constants(Constants(items)));
    let deep = made(&[Value::text("abc"), made(&[Value::text("de"), Value::Int(7)]), made(&[])]);
    let optional = Value::Optional(Some(Box::new(Value::text("abc"))));
    for (value, expected) in [
        (json, 14),
        (constants, 5),
        (Value::map([("key", Value::map([("k", Value::text("value"))])), ("none", Value::Null)]), 14),
        (deep, 6),
        (optional, 3),
        (Value::Optional(None), 1),
        (Value::Bool(true), 1),
    ] {
        assert_eq!(value.bytes(), expected, "{value:?}");
    }
}

#[test]
fn a_map_costs_its_bytes_however_it_is_held() {
    let long = "x".repeat(STEPS);
    let annotations = Value::map([("a", Value::text(&long))]);
    let metadata = Value::map([("annotations", annotations)]);
    let given = Given::new(Value::map([("metadata", metadata)]), object("{}"), None);
    for text in
        ["object.metadata.annotations == object.metadata.annotations", "object.metadata.annotations == {}"]
    {
        let compared = Condition::parse(text).unwrap().holds(&given);
        assert!(compared.is_err(), "{text}: {compared:?} after {} steps", given.steps());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_text_makes_it_panic(text in any_text()) {
        let pod = r#"{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a"},1,null],"x":{"a":[1,2.5,"c"]}}}"#;
        match Condition::parse(&text) {
            Ok(condition) => {
                let given = Given::new(object(pod), object(pod), None);
                let _ = condition.holds(&given);
                prop_assert!(given.steps() <= STEPS);
            }
            Err(mistake) => prop_assert!(text.get(mistake.at.clone()).is_some(), "{mistake:?}"),
        }
    }
}
