//! A JSON reader that skips what the caller does not need.
//!
//! A review holds hundreds of values and a decision needs a dozen. What a type asks for is read strictly; what nobody
//! asks for is stepped over from bracket to bracket, several times faster than it could be checked. The API server,
//! which wrote it, checks it again.

mod budget;
mod error;
mod meter;
pub mod pointer;
mod raw;
mod reader;
mod skip;

use serde::de::Deserialize;

pub use budget::Budget;
pub use error::{Error, Kind};
pub use meter::Meter;
pub use raw::Raw;
pub use reader::Reader;

/// Reads one value, and nothing may follow it.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
    read_within(Budget::NONE, None, text)
}

/// Reads one value as long as it keeps to a budget, and as long as there is time.
pub fn read_within<'a, T: Deserialize<'a>>(
    budget: Budget,
    meter: Option<&'a Meter<'a>>,
    text: &'a str,
) -> Result<T, Error> {
    let mut reader = Reader::within(budget, meter, text);
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Looks at the items of a list one after the other, as they are read and as they stand there, and keeps none.
pub fn each<'a, T: Deserialize<'a>>(
    meter: Option<&'a Meter<'a>>,
    text: &'a str,
    look: impl FnMut(T, Raw<'a>),
) -> Result<(), Error> {
    let mut reader = Reader::within(Budget::NONE, meter, text);
    reader.each(look)?;
    reader.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Sample<'a> {
        #[serde(borrow)]
        name: std::borrow::Cow<'a, str>,
        #[serde(default)]
        count: Option<i64>,
        #[serde(borrow, default)]
        rest: Option<Raw<'a>>,
    }

    #[test]
    fn what_is_asked_for_is_read_and_the_rest_stepped_over() {
        let text = r#" { "x" : [ {"]": "}\\\"" } , 1.5e3 , null ] , "name" : "a\nb" , "rest" : { "deep" : [ "\"]" ] } , "count" : -3 } "#;
        let read: Sample<'_> = read(text).unwrap();
        assert_eq!((&*read.name, read.count), ("a\nb", Some(-3)));
        assert_eq!(read.rest.unwrap().text(), r#"{ "deep" : [ "\"]" ] }"#);
    }

    #[test]
    fn what_is_wrong_is_reported_with_its_place() {
        for (text, kind, at) in [
            ("", Kind::Eof, 0),
            ("{", Kind::Eof, 1),
            (r#"{"name""#, Kind::Eof, 7),
            (r#"{"name":"a""#, Kind::Eof, 11),
            (r#"{"x":[[[{"#, Kind::Eof, 9),
            (r#"{"x":"a"#, Kind::Eof, 7),
            (r#"{"x":"a\"#, Kind::Eof, 8),
            (r#"{"name" "a"}"#, Kind::Syntax, 8),
            (r#"{"name":"a" "count":1}"#, Kind::Syntax, 12),
            (r#"{"name":"a",}"#, Kind::Syntax, 12),
            (r#"{,"name":"a"}"#, Kind::Syntax, 1),
            (r#"{"name":"a"}}"#, Kind::Syntax, 12),
            (r#"{"x":}"#, Kind::Syntax, 5),
            (r#"{"x":]"#, Kind::Syntax, 5),
            ("{\"name\":\"a\tb\"}", Kind::Syntax, 8),
            (r#"{"name":"\u12"}"#, Kind::Syntax, 8),
            (r#"{"name":"a","count":01}"#, Kind::Syntax, 20),
            (r#"{"name":"a","count":tru}"#, Kind::Syntax, 20),
            (r#"{"name":5}"#, Kind::Data, 9),
            (r#"{"name":"a","name":"b"}"#, Kind::Data, 18),
            (r"[]", Kind::Data, 0),
            (r#" ["a",1]"#, Kind::Data, 1),
            (r#"{"count":1}"#, Kind::Data, 11),
        ] {
            let error = read::<Sample<'_>>(text).unwrap_err();
            assert_eq!((error.kind(), error.at()), (kind, at), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_over_the_budget_is_told_with_its_place() {
        let budget = Budget { in_one: 2, in_all: 4, text: 4, ..Budget::NONE };
        for (text, at) in [
            (r"[[1,2],[]]", None),
            (r"[[],[],[]]", Some(7)),
            (r"[[1,2],[3]]", Some(8)),
            (r#"["abcd"]"#, None),
            (r#"["abcde"]"#, Some(1)),
        ] {
            let error = read_within::<Value>(budget, None, text).err();
            assert_eq!(
                error.as_ref().map(|error| (error.kind(), error.at())),
                at.map(|at| (Kind::TooMuch, at)),
                "{text}"
            );
        }
        // What nobody asks for costs nothing, and members are no items unless they are kept.
        let (sample, members) =
            (r#"{"name":"a","x":[1,2,3,4],"y":0,"z":0}"#, Budget { members: true, ..budget });
        assert!(read_within::<Sample<'_>>(budget, None, sample).is_ok());
        assert_eq!(
            read_within::<Value>(members, None, r#"{"a":1,"b":2,"c":3}"#).unwrap_err().kind(),
            Kind::TooMuch
        );
    }

    #[test]
    fn a_reader_ends_where_its_time_does() {
        let text = format!("[{}0]", "{},".repeat(10_000));
        for (asked, ends) in [(3, true), (100, false)] {
            let questions = std::cell::Cell::new(0);
            let is_over = || {
                questions.set(questions.get() + 1);
                questions.get() == asked
            };
            let meter = Meter::new(&is_over);
            let read = read_within::<Value>(Budget::NONE, Some(&meter), &text);
            assert_eq!(read.err().map(|error| error.kind()), ends.then_some(Kind::TooLate));
            assert_eq!(meter.is_over(), ends);
        }
        // What is stepped over takes its time too.
        let meter = Meter::new(&|| true);
        let text = format!("[\"{}\"]", "x".repeat(100_000));
        assert!(read_within::<Raw<'_>>(Budget::NONE, Some(&meter), &text).is_err());
    }

    #[test]
    fn items_are_looked_at_one_by_one() {
        let mut seen = Vec::new();
        assert!(each(None, " [1, 2e0 ,3] ", |number: f64, raw| seen.push((number, raw.text()))).is_ok());
        assert_eq!(seen, [(1.0, "1"), (2.0, "2e0"), (3.0, "3")]);
        assert!(each(None, "[ ]", |_: u64, _| panic!("there is none")).is_ok());
        for wrong in ["{}", "", "[1", "[1,", "[1,]", "[1,\"a\"]", "[1] 2", "7"] {
            assert!(each(None, wrong, |_: u64, _| ()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn depth_costs_no_stack_where_nobody_looks() {
        let deep = format!(r#"{{"name":"a","x":{}{}}}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(&*read::<Sample<'_>>(&deep).unwrap().name, "a");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "(?s).{0,40}".prop_map(Value::from),
            r#"["\\{}\[\],: a]{0,20}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((r#"["\\a]{0,4}"#, inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_reads_as_serde_json_reads_it(value in any_json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert_eq!(read::<Value>(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        }

        #[test]
        fn stepping_over_ends_where_the_value_ends(value in any_json()) {
            let json = value.to_string();
            let text = format!(r#"{{"rest":{json},"name":"after"}}"#);
            let read: Sample<'_> = read(&text).unwrap();
            let expected = (json != "null").then_some(json);
            prop_assert_eq!(read.rest.map(|raw| raw.text().to_owned()), expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in r#"(?s)[{}\[\]:,"\\ntrue0-9ä\n ]{0,60}"#) {
            let ours = read::<Value>(&text);
            // Stricter is an error of its own; more lenient would be a hole.
            if let Ok(value) = ours {
                prop_assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(value));
            }
            let _ = read::<Sample<'_>>(&text);
            let _ = read::<serde::de::IgnoredAny>(&text);
        }
    }
}
