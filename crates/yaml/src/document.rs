//! A document, its value and the places of its nodes.

use std::borrow::Cow;
use std::cell::OnceCell;

use multipod_json::pointer;
use serde_json::Value;

use super::events::Style;
use super::layout::line_end;
use super::lines::{Index, Lines};
use super::members::Reader;
use super::tree::{Kind, NodeId, Tree};
use super::value;

/// One YAML document with all the text that belongs to it.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
    tree: Option<Tree<'a>>,
    value: Value,
    /// Line in the file where `text` begins, from 1.
    pub(super) line: usize,
    /// Found when somebody asks where something stands.
    lines: OnceCell<Index>,
}

/// A line and a column in the file, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// Where a value was written, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position<'a> {
    pub line: usize,
    pub column: usize,
    /// The text as it stands in the file, quotes included; block scalars begin with their `|` or `>`.
    pub source: &'a str,
    pub style: Style,
    /// Where the key stands, for members of maps.
    pub key: Option<Place>,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str, tree: Option<Tree<'a>>, value: Value, line: usize) -> Self {
        Self { text, tree, value, line, lines: OnceCell::new() }
    }

    /// The document's text with its `---`, `...`, comments and blank lines.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The text with an end to its last line, so that another document can follow: kubectl reads every last line as one
    /// that has an end.
    pub fn ended(&self) -> Cow<'a, str> {
        if self.text.is_empty() || self.text.ends_with('\n') {
            return Cow::Borrowed(self.text);
        }
        Cow::Owned(format!("{}{}", self.text, line_end(self.text)))
    }

    /// The line in the file where the content begins, from 1.
    pub fn first_line(&self) -> usize {
        let start = self.tree.as_ref().map_or(0, |tree| tree.node(tree.root).outer);
        self.place(start).line
    }

    /// A line of the file by its number, if it stands in this document.
    pub fn line(&self, number: usize) -> Option<&'a str> {
        let start = self.lines().nth(number.checked_sub(self.line)?)?;
        self.text.get(start..)?.lines().next()
    }

    /// Whether there is nothing but comments.
    pub fn is_empty(&self) -> bool {
        self.tree.as_ref().is_none_or(|tree| tree.is_absent(tree.root))
    }

    /// The value as kubectl would send it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value as JSON, with numbers as they were written where JSON can write them so.
    pub fn json(&self) -> String {
        self.tree.as_ref().map_or_else(|| "null".into(), value::json)
    }

    /// Where the value at a JSON pointer was written.
    pub fn position(&self, pointer: &str) -> Option<Position<'a>> {
        let tree = self.tree.as_ref()?;
        let reader = Reader::new(tree);
        let mut id = tree.root;
        let mut key = None;
        for token in pointer::steps(pointer)? {
            (key, id) = step(tree, &reader, id, &token)?;
        }
        let node = tree.node(id);
        let style = match node.kind {
            Kind::Scalar { style, .. } => *style,
            Kind::Alias(_) => Style::Plain,
            Kind::Sequence { .. } | Kind::Mapping { .. } => Style::Collection,
        };
        let Place { line, column } = self.place(node.start);
        let key = key.map(|key| self.place(tree.node(key).outer));
        Some(Position { line, column, source: tree.slice(node.start..node.end), style, key })
    }

    pub(super) fn tree(&self) -> Option<&Tree<'a>> {
        self.tree.as_ref()
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        let (breaks, column) = self.lines().place(offset);
        Place { line: self.line + breaks, column }
    }

    pub(super) fn lines(&self) -> Lines<'_> {
        Lines::new(self.text, self.lines.get_or_init(|| Index::of(self.text)))
    }
}

fn step(tree: &Tree, reader: &Reader, id: NodeId, token: &str) -> Option<(Option<NodeId>, NodeId)> {
    let id = tree.resolve(id);
    match &tree.node(id).kind {
        Kind::Mapping { .. } => {
            let member = reader.members(id).ok()?.into_iter().find(|member| member.name == token)?;
            Some((Some(member.key), member.value))
        }
        Kind::Sequence { items, .. } => Some((None, items.get(token.parse::<usize>().ok()?)?.node)),
        Kind::Scalar { .. } | Kind::Alias(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::Place;
    use crate::Style;
    use crate::documents;

    fn texts(text: &str) -> Vec<&str> {
        documents(text).unwrap().iter().map(super::Document::text).collect()
    }

    fn values(text: &str) -> Vec<Value> {
        documents(text).unwrap().iter().map(|document| document.value().clone()).collect()
    }

    #[test]
    fn documents_meet_before_their_marker() {
        let cases: [(&str, &[&str]); 15] = [
            ("", &[]),
            ("\n", &["\n"]),
            ("# only a comment", &["# only a comment"]),
            ("a: 1\n---\nb: 2\n", &["a: 1\n", "---\nb: 2\n"]),
            (
                "# head\n---\na: 1\n# tail\n--- # two\nb: 2",
                &["# head\n---\na: 1\n# tail\n", "--- # two\nb: 2"],
            ),
            ("a: 1\n---\n", &["a: 1\n", "---\n"]),
            ("---\n---\n# c\n---\na: 1\n", &["---\n", "---\n# c\n", "---\na: 1\n"]),
            ("a: 1\n...\n# c\n---\nb: 2\n", &["a: 1\n...\n", "# c\n---\nb: 2\n"]),
            (
                "a: 1\n... # end\n%YAML 1.1\n---\nb: 2\n...\n",
                &["a: 1\n... # end\n", "%YAML 1.1\n---\nb: 2\n...\n"],
            ),
            ("a: 1\n...\n# end\n", &["a: 1\n...\n# end\n"]),
            (
                "a: |\n  ---\n  -----BEGIN X-----\n---\nb: 2\n",
                &["a: |\n  ---\n  -----BEGIN X-----\n", "---\nb: 2\n"],
            ),
            ("a: '---'\nb: \"x\n  --- y\"\n", &["a: '---'\nb: \"x\n  --- y\"\n"]),
            ("\u{feff}a: 1\r\n---\r\nb: 2\r\n", &["\u{feff}a: 1\r\n", "---\r\nb: 2\r\n"]),
            ("{\"a\": 1}\n---\n{\"b\":\n[]}\n", &["{\"a\": 1}\n", "---\n{\"b\":\n[]}\n"]),
            ("--- {a: 1}\n--- |\n x\n", &["--- {a: 1}\n", "--- |\n x\n"]),
        ];
        for (text, expected) in cases {
            assert_eq!(texts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_document_that_is_ended_means_the_same() {
        for (text, expected) in [
            ("a: 1", "a: 1\n"),
            ("# c", "# c\n"),
            ("a: 1\r\nb: 2", "a: 1\r\nb: 2\r\n"),
            ("a: |\n  x", "a: |\n  x\n"),
            ("a: |+ # c\n  x\n\n  y", "a: |+ # c\n  x\n\n  y\n"),
            ("a: |+\n  x\n  ", "a: |+\n  x\n  \n"),
            ("a: 1\n", "a: 1\n"),
        ] {
            let documents = documents(text).unwrap();
            assert_eq!(documents[0].ended(), expected, "{text:?}");
            assert_eq!(values(expected), values(text));
        }
    }

    #[test]
    fn documents_know_where_they_begin_and_whether_they_are_empty() {
        let text = "# head\n---\n\n# about a\na: 1\n---\n# nothing\n---\n- 1\n";
        let documents = documents(text).unwrap();
        let seen = documents.iter().map(|document| (document.first_line(), document.is_empty()));
        assert_eq!(seen.collect::<Vec<_>>(), [(5, false), (6, true), (9, false)]);
        assert!(crate::documents("# c\n").unwrap()[0].is_empty());
    }

    #[test]
    fn aliases_and_merge_keys_are_followed() {
        let cases = [
            ("a: &x [1]\nb: *x\n", json!({"a": [1], "b": [1]})),
            ("a: &x {k: 1}\nb:\n  <<: *x\n  l: 2\n", json!({"a": {"k": 1}, "b": {"k": 1, "l": 2}})),
            ("b: {<<: [{k: 1}, {k: 2, l: 3}]}\n", json!({"b": {"k": 1, "l": 3}})),
            ("b: {<<: {k: 1}, k: 2}\n", json!({"b": {"k": 2}})),
            ("b: {k: 2, <<: {k: 1}}\n", json!({"b": {"k": 1}})),
            ("b: {\"<<\": {k: 1}}\n", json!({"b": {"<<": {"k": 1}}})),
            ("a: &x 1\nb: &x 2\nc: *x\n", json!({"a": 1, "b": 2, "c": 2})),
        ];
        for (text, value) in cases {
            assert_eq!(values(text), [value], "{text}");
        }
    }

    #[test]
    fn errors_name_line_column_and_document() {
        let cases = [
            ("a: 1\n---\nb: [\n", (3, 2), "unclosed"),
            ("a: 1\n---\nb: 1\nc: 2\nb: 3\n", (5, 2), ": b (first on line 3)"),
            ("1: a\n'1': b\n", (2, 1), ": 1 (first on line 1)"),
            ("a: *x\n", (1, 1), "anchor"),
            ("a: &x [*x]\n", (1, 1), "contains itself"),
            ("a: {<<: 1}\n", (1, 1), "merge key"),
            ("a:\n\tb: 1\n", (2, 1), "tab"),
            ("a: b: c\n", (1, 1), "not allowed"),
        ];
        for (text, (line, document), words) in cases {
            let error = documents(text).unwrap_err();
            assert_eq!((error.line, error.document), (line, document), "{text}: {error}");
            assert!(error.to_string().contains(words), "{text}: {error}");
        }
        let error = documents("a: 1\nb: c\nb: d\n").unwrap_err();
        let expected = "line 3, column 1 (document 1): the key stands twice in one map: b (first on line 2)";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_grows_without_end_is_refused() {
        let grown = |first: &str, open: &str, close: &str| {
            (1..40).fold(format!("a0: &a0 {first}\n"), |text, level| {
                let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
                format!("{text}a{level}: &a{level} {open}{aliases}{close}\n")
            })
        };
        let chain = (1..5000).fold(String::from("a0: &a0 {x: 1}\n"), |chain, level| {
            format!("{chain}a{level}: &a{level} {{<<: *a{}}}\n", level - 1)
        });
        for text in [grown("[x]", "[", "]"), grown("{x: 1}", "{<<: [", "]}")] {
            assert!(documents(&text).unwrap_err().message.contains("too big"));
        }
        assert!(documents(&chain).unwrap_err().message.contains("too deep"));
        for deep in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000), "? ".repeat(100_000)]
        {
            assert!(documents(&deep).is_err());
        }
        assert!(documents(&format!("{}{}", "[".repeat(127), "]".repeat(127))).is_ok());
    }

    #[test]
    fn json_keeps_numbers_as_they_were_written() {
        let text = "a: 1.0\nb: 1e3\nc: 0x10\nd: 1_0\ne: '1.0'\nf: 123456789012345678901234567890\ng: +1\nh: 08\ni: -0.50\nj: .5\nk: 1.\n\"q\\n\": [~, yes]\n";
        let json = r#"{"a":1.0,"b":1e3,"c":16,"d":10,"e":"1.0","f":123456789012345678901234567890,"g":1,"h":8,"i":-0.50,"j":0.5,"k":1,"q\n":[null,true]}"#;
        assert_eq!(documents(text).unwrap()[0].json(), json);
        assert_eq!(documents("# c").unwrap()[0].json(), "null");
    }

    #[test]
    fn positions_are_those_of_the_file() {
        let text = "a: 1\n---\n# é\nmeta:\n  note: 'it''s'   # c\n  é: {b: \"x\"}\nlist:\n- k: >-\n    folded\n    text\n- &v 1\n- *v\nm: &m {p: 1}\no: {<<: *m}\n";
        let documents = documents(text).unwrap();
        let at = |pointer: &str| {
            let position = documents[1].position(pointer)?;
            Some((position.line, position.column, position.source, position.style, position.key))
        };
        let key = |line, column| Some(Place { line, column });
        assert_eq!(at("/meta/note"), Some((5, 9, "'it''s'", Style::Single, key(5, 3))));
        assert_eq!(at("/meta/é/b"), Some((6, 10, "\"x\"", Style::Double, key(6, 7))));
        assert_eq!(at("/meta/é"), Some((6, 6, "{b: \"x\"}", Style::Collection, key(6, 3))));
        assert_eq!(at("/list/0/k"), Some((8, 6, ">-\n    folded\n    text", Style::Folded, key(8, 3))));
        assert_eq!(at("/list/1"), Some((11, 6, "1", Style::Plain, None)));
        assert_eq!(at("/list/2"), Some((12, 3, "*v", Style::Plain, None)));
        assert_eq!(at("/o/p"), Some((13, 11, "1", Style::Plain, key(13, 8))));
        assert_eq!(at("/list").map(|position| position.0), Some(8));
        assert_eq!(at("").map(|position| position.0), Some(4));
        assert_eq!(at("/list/3"), None);
        assert_eq!(at("/nothing"), None);
        assert_eq!(documents[0].position("/a").map(|position| position.line), Some(1));
    }

    fn any_yaml() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("---"),
            Just("\n---\n"),
            Just("..."),
            Just("\n...\n"),
            Just("\n"),
            Just("\r\n"),
            Just("a: "),
            Just("  b: 1\n"),
            Just("- "),
            Just("? "),
            Just(": "),
            Just("|\n"),
            Just(">-\n  x\n"),
            Just("# c\n"),
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(", "),
            Just("'"),
            Just("\""),
            Just("&x "),
            Just("*x"),
            Just("<<: "),
            Just("!!str "),
            Just("%YAML 1.1\n"),
            Just("\t"),
            Just("é"),
            Just("\u{feff}"),
            Just("1"),
            Just("~"),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn documents_are_the_whole_text_and_stand_alone(text in any_yaml()) {
            if let Ok(documents) = documents(&text) {
                let whole = documents.iter().map(super::Document::text).collect::<String>();
                prop_assert_eq!(&whole, &text);
                for document in &documents {
                    let alone = crate::documents(document.text()).unwrap();
                    prop_assert_eq!(alone.len(), 1, "{:?}", document.text());
                    prop_assert_eq!(alone[0].value(), document.value());
                    let json = serde_json::from_str::<Value>(&document.json());
                    prop_assert!(json.is_ok());
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = documents(&text);
        }
    }
}
