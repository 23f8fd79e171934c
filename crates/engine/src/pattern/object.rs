//! The objects of administrators (`Pattern`, `InjectionPolicy`): from YAML files of one or more documents, or as an API
//! server gives them.
//!
//! An object that cannot be read never disturbs the others, and every problem names its place: file and line, or object
//! and field. There is one reader: an object of an API server is laid out as a document that has one value on each line,
//! so that its lines stand for fields, and whatever is said about a file is said about it too.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::annotation::{Diagnostic, Excerpt};
use multipod_values::suggest;

use super::layout;
pub use super::reading::{Fault, Spot, read};
pub(crate) use super::reading::{spot_of, unknown_field};

/// The group and version of our objects.
pub(crate) const API_VERSION: &str = "multipod.dev/v1alpha1";
const GROUP: &str = "multipod.dev/";

/// What an object defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A pattern that annotations can ask for by name.
    Pattern,
    /// What is injected where, whatever pods say.
    InjectionPolicy,
}

impl Kind {
    /// As objects write it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Pattern => "Pattern",
            Kind::InjectionPolicy => "InjectionPolicy",
        }
    }
}

/// One object that was found, not yet read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document<'a> {
    /// What it says that it is.
    pub(crate) kind: Kind,
    text: Cow<'a, str>,
    origin: Origin<'a>,
    /// What is wrong with its kind or its version, so that `kind` is only the nearest one.
    fault: Option<Fault>,
}

/// Where the lines of a document come from.
#[derive(Clone, Debug, PartialEq)]
enum Origin<'a> {
    /// A file, in which so many lines stand before the document.
    File { name: &'a str, skipped: usize },
    /// An object of an API server, laid out so that each line is a field.
    Object { object: String, name: String, generation: Option<i64> },
}

/// The text of one object, and where it begins.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub file: &'a str,
    /// How many lines of the file stand before it.
    pub skipped: usize,
    pub text: &'a str,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of a file, or a part of it.
    Line { file: String, line: Spot },
    /// A field of an object: `spec.mode` of `injectionpolicy/web`. Without a field, the object as a whole.
    Field { object: String, field: String },
}

impl Place {
    /// The file that it is in, if it is in one.
    pub fn file(&self) -> Option<&str> {
        match self {
            Place::Line { file, .. } => Some(file),
            Place::Field { .. } => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line { file, line } => write!(f, "{file}:{line}"),
            Place::Field { object, field } if field.is_empty() => f.write_str(object),
            Place::Field { object, field } => write!(f, "{object}: {field}"),
        }
    }
}

/// Something wrong in an object, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    /// What is wrong and what was expected; the first line stands alone, more lines explain it.
    pub message: String,
    /// The part of a value that it is about.
    pub excerpt: Option<Box<Excerpt>>,
}

impl Problem {
    pub fn new(place: Place, message: impl Into<String>) -> Problem {
        Problem { place, message: message.into(), excerpt: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        let Some(excerpt) = &self.excerpt else { return f.write_str(&self.message) };
        let (first, below) = self.message.split_once('\n').unwrap_or((&self.message, ""));
        write!(f, "{first}\n{excerpt}")?;
        below.lines().try_for_each(|line| write!(f, "\n{line}"))
    }
}

/// The objects of our group in `sources`, which are file names and their text; objects of other groups are ignored. The
/// problems are those of which nobody can tell what they are.
pub(crate) fn documents<'a>(
    sources: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> (Vec<Document<'a>>, Vec<Problem>) {
    let (mut parts, mut empty) = (Vec::new(), Vec::new());
    for (file, text) in sources {
        if text.is_empty() {
            let place = Place::Line { file: file.to_owned(), line: Spot::line(1) };
            empty.push(Problem::new(place, EMPTY));
        }
        parts.extend(split(text).into_iter().map(|(skipped, text)| Part { file, skipped, text }));
    }
    let (documents, problems) = documents_of(parts);
    empty.extend(problems);
    (documents, empty)
}

/// The same of texts that are known to be one document each.
pub(crate) fn documents_of<'a>(
    parts: impl IntoIterator<Item = Part<'a>>,
) -> (Vec<Document<'a>>, Vec<Problem>) {
    let (mut documents, mut problems) = (Vec::new(), Vec::new());
    for Part { file, skipped, text } in parts {
        let origin = Origin::File { name: file, skipped };
        match kind(text) {
            Ok(Some((kind, fault))) => {
                documents.push(Document { kind, text: Cow::Borrowed(text), origin, fault });
            }
            Ok(None) => {}
            Err((line, message)) => problems.push(Problem::new(origin.place(line, text), message)),
        }
    }
    (documents, problems)
}

/// Whether an object among others is meant to be one of ours: other groups have a `Pattern`, too.
pub fn is_meant_as_ours(object: &Value) -> bool {
    let of = |field: &str| object[field].as_str().unwrap_or_default();
    let (version, kind) = (of("apiVersion"), of("kind"));
    version.starts_with(GROUP)
        || kind == Kind::InjectionPolicy.name()
        || (kind == Kind::Pattern.name() && version.is_empty())
}

impl Document<'_> {
    /// An object as an API server gives it; nothing for one of another group.
    pub(crate) fn of_object(object: &Value) -> Option<Document<'static>> {
        let kind = match object["kind"].as_str() {
            Some("Pattern") => Kind::Pattern,
            _ => Kind::InjectionPolicy,
        };
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let mut document = Document::of_json(&object.to_string(), kind, name)?;
        if let Origin::Object { object: label, generation, .. } = &mut document.origin {
            let word = object["kind"].as_str().unwrap_or("object").to_lowercase();
            *label = format!("{word}/{name}");
            *generation = object["metadata"]["generation"].as_i64();
        }
        Some(document)
    }

    /// The same as text, of which is known what it ought to be.
    pub fn of_json(json: &str, kind: Kind, name: &str) -> Option<Document<'static>> {
        let text = layout::of(json);
        let origin = Origin::Object {
            object: format!("{}/{name}", kind.name().to_lowercase()),
            name: name.to_owned(),
            generation: None,
        };
        let (kind, fault) = self::kind(&text).unwrap_or_else(|fault| Some((kind, Some(fault))))?;
        Some(Document { kind, text: Cow::Owned(text), origin, fault })
    }

    /// The object, as `T` describes it.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let read = self.fault.clone().map_or_else(|| read(&self.text), Err);
        read.map_err(|(line, message)| self.problem(line, message))
    }

    /// Everything in the object, whatever it means; nothing where it is no YAML or says something twice.
    pub(crate) fn values(&self) -> Option<Value> {
        read(&self.text).ok()
    }

    /// Its name, if that can be read, whatever else is wrong.
    pub(crate) fn name(&self) -> Option<String> {
        match &self.origin {
            Origin::Object { name, .. } => Some(name.clone()),
            Origin::File { .. } => name(&self.text),
        }
    }

    /// The version of the object that the API server counts.
    pub(crate) fn generation(&self) -> Option<i64> {
        match self.origin {
            Origin::Object { generation, .. } => generation,
            Origin::File { .. } => None,
        }
    }

    /// A problem at a line of this document, as [`spot_of`] tells it.
    pub(crate) fn problem(&self, line: Spot, message: impl Into<String>) -> Problem {
        Problem::new(self.place(line), message)
    }

    /// A problem in a value that stands there.
    pub(crate) fn problem_in(&self, line: Spot, diagnostic: &Diagnostic) -> Problem {
        let below = diagnostic.below().map(|line| format!("\n{line}"));
        let message = diagnostic.first_line() + &below.collect::<String>();
        Problem { excerpt: diagnostic.excerpt.clone().map(Box::new), ..self.problem(line, message) }
    }

    /// The place of a line of this document.
    pub(crate) fn place(&self, line: Spot) -> Place {
        self.origin.place(line, &self.text)
    }
}

impl Origin<'_> {
    fn place(&self, line: Spot, text: &str) -> Place {
        match self {
            Origin::File { name, skipped } => {
                Place::Line { file: (*name).to_owned(), line: line.below(*skipped) }
            }
            Origin::Object { object, .. } => {
                Place::Field { object: object.clone(), field: layout::field(text, line.line.max(1)) }
            }
        }
    }
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

/// The kind of a document of our group; nothing for other groups. One that is not quite ours is still one of ours as long
/// as it has a name: what it was meant for must not be lost with it.
fn kind(text: &str) -> Result<Option<(Kind, Option<Fault>)>, Fault> {
    let head: Head = read(text)?;
    let (written, line) = head
        .kind
        .map_or_else(|| (String::new(), Spot::line(1)), |kind| (kind.value, spot_of(&kind.referenced)));
    let meant = match suggest::nearest(&written, KINDS) {
        Some("Pattern") => Kind::Pattern,
        _ => Kind::InjectionPolicy,
    };
    let known = KINDS.contains(&&*written);
    let fault = if !head.api_version.starts_with(GROUP) {
        if known {
            (Spot::line(1), format!("expected apiVersion: {API_VERSION} beside kind: {written}"))
        } else if (written.is_empty() || head.api_version.is_empty()) && begins_as_an_object(text) {
            return Err((Spot::line(1), NO_OBJECT.to_owned()));
        } else {
            return Ok(None);
        }
    } else if head.api_version != API_VERSION {
        (line, format!("expected apiVersion: {API_VERSION}, not {:?}", head.api_version))
    } else if known {
        return Ok(Some((meant, None)));
    } else {
        let meant = suggest::did_you_mean(&written, KINDS);
        (line, format!("expected kind: Pattern or InjectionPolicy, not {written:?}{meant}"))
    };
    if name(text).is_some() { Ok(Some((meant, Some(fault)))) } else { Err(fault) }
}

/// Whether somebody meant to write an object here, and not the values of a chart or a kustomization.
fn begins_as_an_object(text: &str) -> bool {
    let mut fields = text.lines().map(|line| line.trim_start_matches(['{', '"', ' ']));
    fields.any(|field| field.starts_with("apiVersion") || field.starts_with("kind"))
}

const KINDS: [&str; 2] = ["Pattern", "InjectionPolicy"];
const NO_OBJECT: &str = "expected an object with apiVersion and kind; is the file whole?";
const EMPTY: &str = "the file is empty; is it whole? To take away what stood in it, delete it";

/// The name of an object, whatever else it says.
fn name(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        name: String,
    }
    read(text).ok().map(|Named { metadata }| metadata.name).filter(|name| !name.is_empty())
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
        let places: Vec<String> = problems.iter().map(|problem| problem.place.to_string()).collect();
        assert_eq!(places.len(), 2);
        assert!(["a.yaml:6", "a.yaml:7"].contains(&&*places[0]) && places[1] == "a.yaml:9", "{problems:?}");
        assert_eq!(
            problems[1].to_string(),
            "a.yaml:9: expected kind: Pattern or InjectionPolicy, not \"Patern\", did you mean Pattern?"
        );
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let (documents, _) = documents([("a.yaml", FILE)]);
        let problem = documents[0].read::<Strict>().unwrap_err();
        assert!(
            problem.to_string().starts_with("a.yaml:4: ") && problem.message.contains("metadata"),
            "{problem}"
        );
        assert!(!problem.message.contains("line"), "{problem}");
        let policy: Strict = documents[1].read().unwrap();
        let problem = documents[1].problem(spot_of(&policy.text.referenced), "x");
        assert_eq!(problem.to_string(), "a.yaml:18: x");
    }

    #[test]
    fn the_lines_of_an_object_stand_for_its_fields() {
        let object = serde_json::json!({
            "apiVersion": API_VERSION, "kind": "InjectionPolicy", "metadata": {"name": "web"},
            "spec": {"mode": "audit", "list": [{"a": 1}, {}, []], "text": "two\nlines: \"x\"", "empty": {}},
        });
        let document = Document::of_object(&object).unwrap();
        assert_eq!(document.kind, Kind::InjectionPolicy);
        assert_eq!(document.read::<Value>().unwrap(), object);
        let lines: Vec<&str> = document.text.lines().collect();
        for (text, place) in [
            ("\"mode\": \"audit\",", "injectionpolicy/web: spec.mode"),
            ("\"a\": 1", "injectionpolicy/web: spec.list[0].a"),
            ("{},", "injectionpolicy/web: spec.list[1]"),
            ("\"text\": \"two\\nlines: \\\"x\\\"\",", "injectionpolicy/web: spec.text"),
            ("\"empty\": {}", "injectionpolicy/web: spec.empty"),
            ("{", "injectionpolicy/web"),
        ] {
            let line =
                lines.iter().position(|line| *line == text).unwrap_or_else(|| panic!("{text}: {lines:#?}"));
            assert_eq!(document.place(Spot::line(line + 1)).to_string(), place, "{text}");
        }
        let other = serde_json::json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}});
        assert_eq!(Document::of_object(&other), None);
        let old = serde_json::json!({"apiVersion": "multipod.dev/v0", "kind": "Pattern", "metadata": {"name": "a"}});
        let problem = Document::of_object(&old).unwrap().read::<Value>().unwrap_err().to_string();
        assert!(
            problem.starts_with("pattern/a: kind: expected apiVersion: multipod.dev/v1alpha1"),
            "{problem}"
        );
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
        let others =
            [("a", "# nothing\n"), ("b", "apiVersion: v1\nkind: Pod\n"), ("c", "resources: [a.yaml]\n")];
        assert_eq!(documents(others), (vec![], vec![]));
        for cut in ["", "apiVersion: multi", "apiVersion:", "kind: Injec", "apiVers", "{\"kind\": "] {
            assert_eq!(documents([("a", cut)]).1.len(), 1, "{cut:?}");
        }
    }

    #[test]
    fn numbers_and_booleans_are_read_as_kubectl_reads_them() {
        let value: serde_json::Value = read("{a: 0644, b: yes, c: '0644', d: 1.5, e: }").unwrap();
        assert_eq!(value, serde_json::json!({"a": 420, "b": true, "c": "0644", "d": 1.5, "e": null}));
    }

    #[test]
    fn hostile_documents_are_refused() {
        assert!(
            read::<serde_json::Value>(&format!("a: {}", "x".repeat(crate::pattern::reading::LONGEST)))
                .is_err()
        );
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
             d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
             g: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\nh: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]";
        assert!(read::<serde_json::Value>(bomb).is_err());
        let twice = read::<serde_json::Value>("a: 1\na: 2").unwrap_err();
        let tab = read::<serde_json::Value>("a: 1\nb:\n\tc: 2\n").unwrap_err();
        assert!(tab.0.line == 3 && tab.1.starts_with("a tab stands before"), "{tab:?}");
        let open = read::<serde_json::Value>("a: [1\n").unwrap_err().1;
        assert!(open.starts_with("this is no YAML: "), "{open}");
        assert_eq!((twice.0.line, &*twice.1), (2, "a is there twice"));
        assert!(read::<serde_json::Value>("a: !include x").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s)([-a-z:{}\\[\\]&*!|>'\" \n#%]|.){0,120}") {
            let _ = documents([("a", &*text)]);
        }
    }
}
