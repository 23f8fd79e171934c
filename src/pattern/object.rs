//! Reads the objects of administrators (`Pattern`, `InjectionPolicy`) from YAML files of one or more documents.
//!
//! A document that cannot be read never disturbs the others, and every problem names its file and line.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_saphyr::Location;

use multipod_values::suggest;

/// The group and version of our objects.
pub const API_VERSION: &str = "multipod.dev/v1alpha1";
const GROUP: &str = "multipod.dev/";
/// Longer documents are refused before they are parsed.
const LONGEST: usize = 256 * 1024;

/// What an object defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A pattern that annotations can ask for by name.
    Pattern,
    /// What is injected where, whatever pods say.
    InjectionPolicy,
}

/// One object that was found in a file, not yet read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document<'a> {
    /// The file that it stands in.
    pub file: &'a str,
    /// What it says that it is.
    pub kind: Kind,
    text: &'a str,
    /// How many lines of the file stand before it.
    skipped: usize,
}

/// Something wrong in a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// The objects of our group in `sources`, which are file names and their text; objects of other groups are ignored.
pub fn documents<'a>(
    sources: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> (Vec<Document<'a>>, Vec<Problem>) {
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for (file, text) in sources {
        for (skipped, text) in split(text) {
            match kind(text) {
                Ok(Some(kind)) => documents.push(Document { file, kind, text, skipped }),
                Ok(None) => {}
                Err((line, message)) => {
                    problems.push(Problem { file: file.to_owned(), line: skipped + line, message });
                }
            }
        }
    }
    (documents, problems)
}

impl Document<'_> {
    /// The object, as `T` describes it.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        read(self.text).map_err(|(line, message)| self.problem(line, message))
    }

    /// A problem at a line of this document, as [`line_of`] tells it.
    pub fn problem(&self, line: usize, message: impl Into<String>) -> Problem {
        Problem { file: self.file.to_owned(), line: self.skipped + line.max(1), message: message.into() }
    }
}

/// One YAML document as `T` describes it; else the line, from 1, and what is wrong there.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, (usize, String)> {
    if text.len() > LONGEST {
        return Err((1, format!("the document is longer than {} KiB", LONGEST / 1024)));
    }
    // Booleans and octal numbers as kubectl reads them, so that a file means the same in a cluster and in a folder.
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(1, |location| line_of(&location));
        (line, without_place(&error.to_string()))
    })
}

/// The line of a `Spanned` value in its document, from 1.
pub fn line_of(location: &Location) -> usize {
    usize::try_from(location.line()).unwrap_or(usize::MAX).max(1)
}

/// The message names line and column too; ours names the line of the file instead.
fn without_place(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    let message = message[..end].trim_end_matches([':', ' ']).replace('\n', " ");
    // What the library would have its callers do is of no use to those who wrote the file.
    message.split(", set DuplicateKeyPolicy").next().unwrap_or_default().to_owned()
}

/// The documents of a text, each with the number of lines before it. `---` at the start of a line is a separator
/// wherever it stands: YAML allows it inside no scalar.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut start, mut skipped, mut at) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let ends = line.strip_prefix("---").is_some_and(|rest| rest.trim_start() != rest || rest.is_empty());
        if ends && at > start {
            documents.push((skipped, &text[start..at]));
            (start, skipped) = (at, number);
        }
        at += line.len();
    }
    documents.push((skipped, &text[start..]));
    documents.retain(|(_, text)| text.lines().any(holds_something));
    documents
}

fn holds_something(line: &str) -> bool {
    let line = line.trim();
    !(line.is_empty() || line.starts_with('#') || line == "---" || line == "...")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    api_version: String,
    kind: Option<serde_saphyr::Spanned<String>>,
}

/// The kind of a document of our group; nothing for other groups.
fn kind(text: &str) -> Result<Option<Kind>, (usize, String)> {
    let head: Head = read(text)?;
    let (name, line) =
        head.kind.map_or_else(Default::default, |kind| (kind.value, line_of(&kind.referenced)));
    if !head.api_version.starts_with(GROUP) {
        return match &*name {
            kind @ ("Pattern" | "InjectionPolicy") => {
                Err((1, format!("expected apiVersion: {API_VERSION} beside kind: {kind}")))
            }
            _ => Ok(None),
        };
    }
    if head.api_version != API_VERSION {
        return Err((line, format!("expected apiVersion: {API_VERSION}, not {:?}", head.api_version)));
    }
    match &*name {
        "Pattern" => Ok(Some(Kind::Pattern)),
        "InjectionPolicy" => Ok(Some(Kind::InjectionPolicy)),
        other => {
            let meant = suggest::did_you_mean(other, ["Pattern", "InjectionPolicy"]);
            Err((line, format!("expected kind: Pattern or InjectionPolicy, not {other:?}{meant}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# two good objects, two bad ones, one of somebody else
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: a}
---
kind: [
---
apiVersion: multipod.dev/v1alpha1
kind: Patern
--- # comment
apiVersion: v1
kind: Service
---
---
apiVersion: multipod.dev/v1alpha1
kind: InjectionPolicy
text: |
  a
  --- not a separator
";

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[allow(dead_code)]
    struct Strict {
        api_version: String,
        kind: String,
        text: serde_saphyr::Spanned<String>,
    }

    #[test]
    fn a_bad_document_does_not_disturb_its_neighbours() {
        let (documents, problems) = documents([("a.yaml", FILE)]);
        let kinds: Vec<Kind> = documents.iter().map(|document| document.kind).collect();
        assert_eq!(kinds, [Kind::Pattern, Kind::InjectionPolicy]);
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines.len(), 2);
        assert!((6..=7).contains(&lines[0]) && lines[1] == 9, "{problems:?}");
        assert_eq!(
            problems[1].to_string(),
            "a.yaml:9: expected kind: Pattern or InjectionPolicy, not \"Patern\", did you mean Pattern?"
        );
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let (documents, _) = documents([("a.yaml", FILE)]);
        let problem = documents[0].read::<Strict>().unwrap_err();
        assert_eq!((problem.line, problem.message.contains("metadata")), (4, true), "{problem}");
        assert!(!problem.message.contains("line"), "{problem}");
        let policy: Strict = documents[1].read().unwrap();
        assert_eq!(documents[1].problem(line_of(&policy.text.referenced), "x").line, 18);
    }

    #[test]
    fn a_kind_of_ours_with_a_foreign_version_is_told() {
        for (text, expected) in [
            ("kind: Pattern", "expected apiVersion: multipod.dev/v1alpha1 beside"),
            ("apiVersion: multipod.dev/v2\nkind: Pattern", "not \"multipod.dev/v2\""),
            ("apiVersion: multipod.dev/v1alpha1", "not \"\""),
        ] {
            let (_, problems) = documents([("a", text)]);
            assert!(problems[0].message.contains(expected), "{problems:?}");
        }
        assert_eq!(documents([("a", "# nothing\n"), ("b", ""), ("c", "kind: Pod\n")]), (vec![], vec![]));
    }

    #[test]
    fn numbers_and_booleans_are_read_as_kubectl_reads_them() {
        let value: serde_json::Value = read("{a: 0644, b: yes, c: '0644', d: 1.5, e: }").unwrap();
        assert_eq!(value, serde_json::json!({"a": 420, "b": true, "c": "0644", "d": 1.5, "e": null}));
    }

    #[test]
    fn hostile_documents_are_refused() {
        assert!(read::<serde_json::Value>(&format!("a: {}", "x".repeat(LONGEST))).is_err());
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
             d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
             g: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\nh: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]";
        assert!(read::<serde_json::Value>(bomb).is_err());
        let twice = read::<serde_json::Value>("a: 1\na: 2").unwrap_err();
        assert_eq!(twice, (2, "duplicate mapping key: a".to_owned()));
        assert!(read::<serde_json::Value>("a: !include x").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s)([-a-z:{}\\[\\]&*!|>'\" \n#%]|.){0,120}") {
            let _ = documents([("a", &*text)]);
        }
    }
}
