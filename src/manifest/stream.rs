//! Joins the texts of several manifests into one YAML stream or one `List`.

use std::borrow::Cow;
use std::fmt::Write as _;

use multipod_yaml::{Document, documents};

/// All files as one stream of YAML documents. One file is what it is; between two stands what YAML needs there, and JSON
/// documents that stand one after the other are parted likewise: kubectl reads no YAML behind them.
pub fn yaml(files: &[Vec<Cow<'_, str>>]) -> String {
    let mut files = files.iter().filter(|documents| documents.iter().any(|text| !text.is_empty())).peekable();
    let Some(first) = files.next() else { return String::new() };
    if files.peek().is_none() {
        return first.concat();
    }
    let mut out = String::new();
    for (at, documents) in std::iter::once(first).chain(files).enumerate() {
        for (index, text) in documents.iter().enumerate() {
            let text = if at > 0 && index == 0 { text.trim_start_matches('\u{feff}') } else { text };
            let is_json_behind_json = index > 0 && text.trim_start().starts_with('{');
            if !text.is_empty() && !out.is_empty() && (index == 0 || is_json_behind_json) {
                part(&mut out, text);
            }
            out.push_str(text);
        }
    }
    out
}

/// Writes what has to stand before another document.
fn part(out: &mut String, text: &str) {
    let line_end = if out.find('\n').is_some_and(|at| out[..at].ends_with('\r')) { "\r\n" } else { "\n" };
    if !out.ends_with('\n') {
        // kubectl reads every last line as one that has an end.
        out.push_str(line_end);
    }
    match opening(text) {
        Opening::Marker => {}
        Opening::Directive => _ = write!(out, "...{line_end}"),
        Opening::Content => _ = write!(out, "---{line_end}"),
    }
}

enum Opening {
    Marker,
    Directive,
    Content,
}

/// What the first line that counts is.
fn opening(text: &str) -> Opening {
    let counts = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    match text.lines().find(counts) {
        Some(line) if line.starts_with('%') => Opening::Directive,
        Some(line)
            if line
                .strip_prefix("---")
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t'])) =>
        {
            Opening::Marker
        }
        _ => Opening::Content,
    }
}

/// All documents that hold something as JSON, numbers as they were written: one as itself, several as a `List`.
pub(crate) fn json(files: &[Vec<Cow<'_, str>>]) -> String {
    let mut items = Vec::new();
    for text in files.iter().flatten() {
        let documents = documents(text).unwrap_or_default();
        items.extend(documents.iter().filter(|document| !document.is_empty()).map(Document::json));
    }
    match items.as_slice() {
        [] => String::new(),
        [one] => pretty(one),
        _ => pretty(&format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, items.join(","))),
    }
}

/// JSON text, indented; its tokens stay as they are.
fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut in_text = false;
    let mut escaped = false;
    let mut tokens = json.chars().peekable();
    let break_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = tokens.next() {
        if in_text {
            out.push(c);
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if let Some(close) = tokens.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    break_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            other => {
                in_text = other == '"';
                out.push(other);
            }
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_joined_so_that_they_stay_documents() {
        let cases: [(&[&str], &str); 10] = [
            (&["a: 1"], "a: 1"),
            (&["a: 1", "b: 2"], "a: 1\n---\nb: 2"),
            (&["x: 1\n---\na: |\n  b", "c: 2\n"], "x: 1\n---\na: |\n  b\n---\nc: 2\n"),
            (&["a: 1\r\n", "b: 2\r\n"], "a: 1\r\n---\r\nb: 2\r\n"),
            (&["a: 1\n", "# c\n---\nb: 2\n"], "a: 1\n# c\n---\nb: 2\n"),
            (&["a: 1\n", "--- # c\nb: 2\n"], "a: 1\n--- # c\nb: 2\n"),
            (&["a: 1\n", "---b: 2\n"], "a: 1\n---\n---b: 2\n"),
            (&["a: 1\n", "%YAML 1.1\n---\nb: 2\n"], "a: 1\n...\n%YAML 1.1\n---\nb: 2\n"),
            (&["\u{feff}a: 1\n", "\u{feff}b: 2\n"], "\u{feff}a: 1\n---\nb: 2\n"),
            (&["", "a: 1\n", "", "b: 2\n"], "a: 1\n---\nb: 2\n"),
        ];
        for (files, expected) in cases {
            let files: Vec<Vec<Cow<str>>> = files.iter().map(|text| vec![Cow::Borrowed(*text)]).collect();
            assert_eq!(yaml(&files), expected);
        }
    }

    #[test]
    fn json_keeps_tokens_and_leaves_out_empty_documents() {
        let texts = ["# none\n", "---\na: 1.50\nb: []\nc: {d: 'x\"{,:\\'}\n"];
        let files = vec![texts.iter().map(|text| Cow::Borrowed(*text)).collect::<Vec<_>>()];
        let expected = "{\n  \"a\": 1.50,\n  \"b\": [],\n  \"c\": {\n    \"d\": \"x\\\"{,:\\\\\"\n  }\n}\n";
        assert_eq!(json(&files), expected);
        let two = vec![vec![Cow::Borrowed("a: 1\n"), Cow::Borrowed("---\nb: {}\n")]];
        let list: serde_json::Value = serde_json::from_str(&json(&two)).unwrap();
        assert_eq!(list["items"], serde_json::json!([{"a": 1}, {"b": {}}]));
        assert_eq!((list["kind"].as_str(), json(&[])), (Some("List"), String::new()));
    }
}
