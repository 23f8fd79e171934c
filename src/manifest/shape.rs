//! Fields of a pod that hold what Kubernetes does not take there, such as text for a port: all of them, each in its own line.
//! Known are the fields that decisions read; whatever stands elsewhere is between the author and the API server.

use serde_json::Value;

use multipod_json::pointer::escaped;
use multipod_values::{Odd, short};
use multipod_yaml::{Position, Style};

use super::finding::UNREADABLE_POD;
use super::mend::is_one_text;
use super::{Finding, Level, Mark, Mend, Target};

/// What Kubernetes takes in a place.
enum Shape {
    Text,
    Integer,
    Boolean,
    /// Of what all its members are.
    MapOf(&'static Shape),
    /// With these fields, and others that nobody here reads.
    Map(&'static [(&'static str, Shape)]),
    List(&'static Shape),
}

use Shape::{Boolean, Integer, List, Map, MapOf, Text};

const POD: Shape = Map(&[("metadata", METADATA), ("spec", SPEC)]);

const METADATA: Shape = Map(&[
    ("name", Text),
    ("generateName", Text),
    ("namespace", Text),
    // What their values are is told by whoever reads each.
    ("labels", Map(&[])),
    ("annotations", Map(&[])),
]);

const SPEC: Shape = Map(&[
    ("containers", List(&CONTAINER)),
    ("initContainers", List(&CONTAINER)),
    ("ephemeralContainers", List(&CONTAINER)),
    ("volumes", List(&NAMED)),
    (
        "securityContext",
        Map(&[
            ("runAsUser", Integer),
            ("runAsGroup", Integer),
            ("sysctls", List(&Map(&[("name", Text), ("value", Text)]))),
        ]),
    ),
    ("imagePullSecrets", List(&NAMED)),
    ("hostNetwork", Boolean),
    ("hostPID", Boolean),
    ("shareProcessNamespace", Boolean),
    ("os", NAMED),
    ("nodeSelector", MapOf(&Text)),
    ("affinity", Map(&[])),
    ("restartPolicy", Text),
    ("dnsPolicy", Text),
    ("hostAliases", List(&Map(&[("hostnames", List(&Text))]))),
    ("resources", Map(&[])),
]);

const CONTAINER: Shape = Map(&[
    ("name", Text),
    ("image", Text),
    ("restartPolicy", Text),
    (
        "ports",
        List(&Map(&[("name", Text), ("containerPort", Integer), ("hostPort", Integer), ("protocol", Text)])),
    ),
    ("env", List(&Map(&[("name", Text), ("value", Text)]))),
    (
        "volumeMounts",
        List(&Map(&[
            ("name", Text),
            ("mountPath", Text),
            ("subPath", Text),
            ("subPathExpr", Text),
            ("readOnly", Boolean),
        ])),
    ),
    ("securityContext", Map(&[("runAsUser", Integer), ("runAsGroup", Integer)])),
    ("resources", Map(&[])),
]);

const NAMED: Shape = Map(&[("name", Text)]);

/// More of the same would hide the first ones.
const MOST: usize = 10;

/// Every field of a template that Kubernetes does not take as it is.
pub(super) fn wrong(target: &Target<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    POD.compare(target.value, "", &mut found);
    found.into_iter().take(MOST).map(|wrong| wrong.finding(target)).collect()
}

/// A value in a place where Kubernetes takes another kind.
struct Wrong<'v> {
    /// From the template on.
    pointer: String,
    value: &'v Value,
    wanted: &'static Shape,
}

impl Shape {
    fn compare<'v>(&'static self, value: &'v Value, at: &str, found: &mut Vec<Wrong<'v>>) {
        match (self, value) {
            (_, Value::Null) | (Text, Value::String(_)) | (Boolean, Value::Bool(_)) => {}
            (Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {}
            (Map(fields), Value::Object(map)) => {
                for (name, shape) in *fields {
                    if let Some(value) = map.get(*name) {
                        shape.compare(value, &format!("{at}/{name}"), found);
                    }
                }
            }
            (MapOf(shape), Value::Object(map)) => {
                for (name, value) in map {
                    shape.compare(value, &format!("{at}/{}", escaped(name)), found);
                }
            }
            (List(shape), Value::Array(items)) => {
                for (index, value) in items.iter().enumerate() {
                    shape.compare(value, &format!("{at}/{index}"), found);
                }
            }
            _ => found.push(Wrong { pointer: at.to_owned(), value, wanted: self }),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Text => "a string",
            Integer => "an integer",
            Boolean => "true or false",
            Map(_) | MapOf(_) => "a map",
            List(_) => "a list",
        }
    }
}

impl Wrong<'_> {
    /// `spec.containers[0].name`
    fn path(&self) -> String {
        let steps = self.pointer.split('/').skip(1).map(|step| match step.parse::<usize>() {
            Ok(index) => format!("[{index}]"),
            Err(_) => format!(".{}", step.replace("~1", "/").replace("~0", "~")),
        });
        steps.collect::<String>().trim_start_matches('.').to_owned()
    }

    fn finding(&self, target: &Target<'_>) -> Finding {
        let Wrong { value, wanted, .. } = self;
        let path = self.path();
        let found = match value {
            Value::String(text) => format!("\"{}\" is a string", short(text)),
            Value::Number(number) => format!("{number} is a number"),
            Value::Bool(value) => format!("{value} is a boolean"),
            Value::Array(_) => "this is a list".to_owned(),
            _ => "this is a map".to_owned(),
        };
        let mut message = format!("{path}: {found}, and Kubernetes takes {} here", wanted.name());
        let field = path.rsplit(['.', '[']).next().filter(|_| !path.ends_with(']'));
        let pointer = format!("{}{}", target.pointer, self.pointer);
        let position = target.document().position(&pointer);
        let meant = self.meant(position.as_ref());
        if let (Some((meant, _)), Some(field)) = (&meant, field) {
            message.extend(["\nExample: ", field, ": ", meant]);
        }
        let mut finding = target.finding_at(&pointer, Level::Error, UNREADABLE_POD, message);
        let Some(position) = position else { return finding };
        let Some(line) = target.document().line(position.line) else { return finding };
        if let Some((at, odd)) = odd_of(&position, line) {
            finding.message = odd.to_string();
            finding.mark = Some(Mark::odd(line, position.line, at, odd));
            let start = byte(line, position.column);
            finding.mend = Mend::plain(line, position.line, start..line.trim_end().len());
        } else if position.style != Style::Collection {
            let start = byte(line, position.column);
            let part = start..start + position.source.lines().next().unwrap_or_default().len();
            finding.mark = Some(Mark::part(line, position.line, part, String::new()));
            let certain = meant.filter(|(_, is_certain)| *is_certain);
            finding.mend = certain.and_then(|(meant, _)| Mend::value(target.document(), &position, meant));
        } else {
            return finding;
        }
        (finding.line, finding.column) = (position.line, position.column);
        finding
    }

    /// The same as Kubernetes takes it, and whether it could be nothing else.
    fn meant(&self, position: Option<&Position<'_>>) -> Option<(String, bool)> {
        match (self.wanted, self.value) {
            (Integer, Value::String(text)) => {
                let number = text.trim().parse::<i64>().ok()?.to_string();
                let is_certain = number == text.trim();
                Some((number, is_certain))
            }
            (Boolean, Value::String(text)) if ["true", "false"].contains(&&**text) => {
                Some((text.clone(), true))
            }
            (Text, Value::Number(_) | Value::Bool(_)) => {
                let plain = position.map(|position| position.source).filter(|source| is_one_text(source));
                let text = plain.map_or_else(|| self.value.to_string(), str::to_owned);
                Some((format!("\"{text}\""), plain.is_some()))
            }
            _ => None,
        }
    }
}

/// A character that keeps a text from being what it looks like: `key:`, a no-break space, a value.
fn odd_of(position: &Position<'_>, line: &str) -> Option<(usize, Odd)> {
    let (at, odd) = Odd::first(position.source).filter(|_| position.style == Style::Plain)?;
    Some((byte(line, position.column) + at, odd))
}

fn byte(line: &str, column: usize) -> usize {
    line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at)
}
