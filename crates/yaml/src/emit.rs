//! Block YAML as people write it.

use std::borrow::Cow;

use serde_json::Value;

use super::form::Form;
use super::plain::{inline, is_printable, quoted};

/// Writes a value as block YAML that every reader, of YAML 1.1 or 1.2, takes for that value.
pub fn emit(value: &Value) -> String {
    Block::default().root(&Form::of_value(value))
}

/// How far values stand to the right of what holds them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// For maps in maps.
    pub(super) step: usize,
    /// For lists in maps: none in the style that kubectl prints.
    pub(super) list_step: usize,
}

impl Default for Block {
    fn default() -> Self {
        Self { step: 2, list_step: 0 }
    }
}

/// What stands before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// `key:`
    Colon,
    /// `-`
    Dash,
}

impl Block {
    /// A whole document.
    pub(super) fn root(self, form: &Form) -> String {
        match form {
            Form::Map(members) if !members.is_empty() => self.members(members, 0),
            Form::List(items) if !items.is_empty() => self.items(items, 0),
            Form::Empty => "null\n".into(),
            Form::Token(_) | Form::Text(_) | Form::List(_) | Form::Map(_) => {
                self.value(form, 0, Marker::Colon).trim_start_matches(' ').to_owned()
            }
        }
    }

    /// Lines of `key: value`, indented.
    pub(super) fn members(self, members: &[(Cow<str>, Form)], indent: usize) -> String {
        let mut out = String::new();
        for (key, value) in members {
            push_blanks(&mut out, indent);
            out.push_str(&inline(key));
            out.push(':');
            out.push_str(&self.value(value, indent, Marker::Colon));
        }
        out
    }

    /// Lines of `- item`, indented.
    pub(super) fn items(self, items: &[Form], indent: usize) -> String {
        let mut out = String::new();
        for item in items {
            push_blanks(&mut out, indent);
            out.push('-');
            out.push_str(&self.value(item, indent, Marker::Dash));
        }
        out
    }

    /// What follows a `:` or `-` that stands `indent` to the right: the rest of that line, and the lines below.
    pub(super) fn value(self, form: &Form, indent: usize, marker: Marker) -> String {
        match (form, marker) {
            (Form::Token(token), _) => format!(" {token}\n"),
            (Form::Empty, _) => "\n".into(),
            (Form::Text(text), _) => literal(text, indent + self.step),
            (Form::Map(members), _) if members.is_empty() => " {}\n".into(),
            (Form::List(items), _) if items.is_empty() => " []\n".into(),
            (Form::Map(members), Marker::Colon) => format!("\n{}", self.members(members, indent + self.step)),
            (Form::List(items), Marker::Colon) => format!("\n{}", self.items(items, indent + self.list_step)),
            (Form::Map(members), Marker::Dash) => beside_dash(&self.members(members, indent + 2)),
            (Form::List(items), Marker::Dash) => beside_dash(&self.items(items, indent + 2)),
        }
    }
}

/// The first entry of a collection begins right after the dash that holds the collection.
fn beside_dash(lines: &str) -> String {
    format!(" {}", lines.trim_start_matches(' '))
}

/// A string after a `:` or `-`: as lines of their own if it has several.
fn literal(text: &str, indent: usize) -> String {
    if !text.contains('\n') {
        return format!(" {}\n", inline(text));
    }
    if !is_literal(text) {
        return format!(" {}\n", quoted(text));
    }
    let mut out = String::from(if text.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in text.lines() {
        if !line.is_empty() {
            push_blanks(&mut out, indent);
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// Left to quotes: what a literal block cannot hold, what needs an indentation number, and blank lines at
/// the end, which would swallow blank lines of the document that follow.
fn is_literal(text: &str) -> bool {
    let first = text.trim_start_matches('\n').chars().next();
    first.is_some_and(|first| first != ' ' && first != '\t')
        && !text.ends_with("\n\n")
        && text.chars().all(|char| char == '\n' || char == '\t' || is_printable(char))
        && text.split('\n').all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty())
}

fn push_blanks(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::emit;
    use crate::documents;
    use crate::expected::settle;

    #[test]
    fn strings_are_quoted_whenever_a_reader_could_take_them_for_something_else() {
        let quoted = [
            "",
            " ",
            "y",
            "Y",
            "yes",
            "on",
            "Off",
            "n",
            "No",
            "null",
            "NULL",
            "~",
            "true",
            "False",
            "0",
            "12",
            "0644",
            "0x1F",
            "0o7",
            "1e3",
            "1.5",
            ".5",
            "1_000",
            "-1",
            "+1",
            "80:53",
            "1:30:00",
            "2001-01-01",
            "2001-1-1 10:00",
            ".inf",
            "-.INF",
            ".nan",
            "-",
            "--",
            "---",
            "...",
            "?",
            ": ",
            "a: b",
            "a:",
            "a #b",
            "#a",
            " a",
            "a ",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "'a'",
            "\"a\"",
            "%a",
            "@a",
            "`a",
            "[a",
            "{a",
            "]",
            "}",
            ",a",
            "=",
            "<<",
            "\t",
            "é",
            "a\rb",
            "\u{85}",
            "\u{feff}",
            "1.2.3",
        ];
        for text in quoted {
            let written = emit(&json!({ "k": text }));
            assert!(written.starts_with("k: \"") && written.ends_with("\"\n"), "{text:?}: {written}");
        }
        for text in [
            "a",
            "web-1",
            "shop:1.0",
            "/bin/sh",
            "--port=80",
            "-c",
            "http://a/b?c=d&e#f",
            "10Gi",
            "500m",
            "a b",
        ] {
            assert_eq!(emit(&json!({ "k": text })), format!("k: {text}\n"));
        }
        assert_eq!(emit(&json!({ "on": 1, "80": 2, "a b": 3 })), "\"on\": 1\n\"80\": 2\na b: 3\n");
    }

    #[test]
    fn values_are_written_as_people_write_them() {
        let cases = [
            (json!(null), "null\n"),
            (json!("x"), "x\n"),
            (json!({}), "{}\n"),
            (json!([]), "[]\n"),
            (
                json!({"a": {"b": [1, [2, 3], {"c": {}, "d": [null]}]}}),
                "a:\n  b:\n  - 1\n  - - 2\n    - 3\n  - c: {}\n    d:\n    - null\n",
            ),
            (json!("l\nm\n"), "|\n  l\n  m\n"),
            (
                json!({"a": "l\n\n  m", "b": ["x\n---\ny\n"]}),
                "a: |-\n  l\n\n    m\nb:\n- |\n  x\n  ---\n  y\n",
            ),
            (json!(["\n\nx"]), "- |-\n\n\n  x\n"),
            (json!([" x\ny"]), "- \" x\\ny\"\n"),
            (
                json!(["x\n\n", "\n", "a\n \nb", "a\r\nb", "\tx\ny"]),
                "- \"x\\n\\n\"\n- \"\\n\"\n- \"a\\n \\nb\"\n- \"a\\r\\nb\"\n- \"\\tx\\ny\"\n",
            ),
            (json!({"a": [{"k": "l\nm"}]}), "a:\n- k: |-\n    l\n    m\n"),
        ];
        for (value, text) in cases {
            assert_eq!(emit(&value), text);
            assert_eq!(documents(text).unwrap()[0].value(), &value, "{text}");
        }
    }

    /// Values with the strings that are hard to write.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any_text().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any_text(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    pub(crate) fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[a-z]{1,3}",
            "[-+0-9a-fxobeE._:]{0,6}",
            "[ \t\n\r#:'\"|>&*!%@`,?{}\\[\\]~a-]{0,8}",
            "([ \ta#-]{0,3}\n){0,4}[a ]{0,2}",
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(mut value in any_value()) {
            let text = emit(&value);
            settle(&mut value);
            let documents = documents(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            prop_assert_eq!(documents.len(), 1);
            prop_assert_eq!(documents[0].value(), &value, "{}", text);
        }
    }
}
