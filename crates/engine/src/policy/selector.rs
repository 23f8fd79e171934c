//! Label selectors, with the meaning that Kubernetes gives them.

use std::fmt;

use schemars::JsonSchema;
use serde_json::Value;

use multipod_values::{self as value, Parsed, is_label};

/// What labels must be like; all requirements hold at once, and none hold for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

/// What one label must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

/// How a label is compared.
#[derive(Clone, Copy, JsonSchema)]
pub(super) enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

const OPERATORS: [(&str, Operator); 4] = [
    ("In", Operator::In),
    ("NotIn", Operator::NotIn),
    ("Exists", Operator::Exists),
    ("DoesNotExist", Operator::DoesNotExist),
];

impl Selector {
    /// Every requirement, in the order written.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether `other` holds wherever this does.
    pub(super) fn implies(&self, other: &Selector) -> bool {
        let implied = |wanted: &Requirement| self.requirements.iter().any(|own| own.implies(wanted));
        other.requirements.iter().all(implied)
    }

    /// Whether `other` never holds where this does.
    pub(super) fn excludes(&self, other: &Selector) -> bool {
        let excluded = |wanted: &Requirement| self.requirements.iter().any(|own| own.excludes(wanted));
        other.requirements.iter().any(excluded)
    }

    /// As much of a written one as can be read, which holds at least where the whole does.
    pub fn legible(written: &Value) -> Selector {
        let labels = written["matchLabels"].as_object().into_iter().flatten();
        let labels = labels.filter_map(|(key, value)| Requirement::label(key, value.as_str()?).ok());
        let expressions =
            written["matchExpressions"].as_array().into_iter().flatten().filter_map(|expression| {
                let values = expression["values"].as_array().map_or(&[][..], Vec::as_slice);
                let values: Option<Vec<String>> =
                    values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
                Requirement::expression(
                    expression["key"].as_str()?,
                    expression["operator"].as_str()?,
                    &values?,
                )
                .ok()
            });
        Selector { requirements: labels.chain(expressions).collect() }
    }

    /// The first requirement that some labels do not meet.
    pub fn unmet<'s>(&'s self, label: impl Fn(&str) -> Option<&'s str>) -> Option<&'s Requirement> {
        self.requirements.iter().find(|wanted| !wanted.holds(label(wanted.key())))
    }

    pub(super) fn require(&mut self, requirement: Requirement) {
        self.requirements.push(requirement);
    }
}

impl Requirement {
    /// An entry of `matchLabels`.
    pub(super) fn label(key: &str, value: &str) -> Parsed<Self> {
        let test = Test::In(vec![label_value(value)?]);
        Ok(Requirement { key: label_key(key)?, test })
    }

    /// An entry of `matchExpressions`.
    pub(super) fn expression(key: &str, operator: &str, values: &[String]) -> Parsed<Self> {
        let listed = values.iter().map(|text| label_value(text)).collect::<Parsed<Vec<_>>>()?;
        let test = match (value::one_of(operator, &OPERATORS)?, listed.is_empty()) {
            (Operator::In, false) => Test::In(listed),
            (Operator::NotIn, false) => Test::NotIn(listed),
            (Operator::Exists, true) => Test::Exists,
            (Operator::DoesNotExist, true) => Test::DoesNotExist,
            (Operator::In | Operator::NotIn, true) => return Err(format!("{operator} needs values")),
            (Operator::Exists | Operator::DoesNotExist, false) => {
                return Err(format!("{operator} takes no values"));
            }
        };
        Ok(Requirement { key: label_key(key)?, test })
    }

    fn implies(&self, other: &Requirement) -> bool {
        let within = |some: &[String], all: &[String]| some.iter().all(|value| all.contains(value));
        self.key == other.key
            && match (&self.test, &other.test) {
                (Test::In(own), Test::In(wanted)) => within(own, wanted),
                (Test::In(own), Test::NotIn(unwanted)) => !own.iter().any(|value| unwanted.contains(value)),
                (Test::NotIn(own), Test::NotIn(unwanted)) => within(unwanted, own),
                (Test::In(_) | Test::Exists, Test::Exists)
                | (Test::DoesNotExist, Test::DoesNotExist | Test::NotIn(_)) => true,
                _ => false,
            }
    }

    fn excludes(&self, other: &Requirement) -> bool {
        self.key == other.key
            && match (&self.test, &other.test) {
                (Test::In(own), Test::In(wanted)) => !own.iter().any(|value| wanted.contains(value)),
                (Test::In(some), Test::NotIn(unwanted)) | (Test::NotIn(unwanted), Test::In(some)) => {
                    some.iter().all(|value| unwanted.contains(value))
                }
                (Test::In(_) | Test::Exists, Test::DoesNotExist)
                | (Test::DoesNotExist, Test::In(_) | Test::Exists) => true,
                _ => false,
            }
    }

    /// The operator and its values, as a selector of Kubernetes has them.
    pub fn operator(&self) -> (&'static str, &[String]) {
        match &self.test {
            Test::In(values) => ("In", values),
            Test::NotIn(values) => ("NotIn", values),
            Test::Exists => ("Exists", &[]),
            Test::DoesNotExist => ("DoesNotExist", &[]),
        }
    }

    /// The label that it is about.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether it holds for a label with this value, or without one where the label is not there.
    ///
    /// | operator | not there | there, in values | there, not in values |
    /// |---|---|---|---|
    /// | `In` | no | yes | no |
    /// | `NotIn` | yes | no | yes |
    /// | `Exists` | no | yes | yes |
    /// | `DoesNotExist` | yes | no | no |
    pub(crate) fn holds(&self, value: Option<&str>) -> bool {
        let among = |values: &[String]| value.is_some_and(|value| values.iter().any(|each| each == value));
        match &self.test {
            Test::In(values) => among(values),
            Test::NotIn(values) => !among(values),
            Test::Exists => value.is_some(),
            Test::DoesNotExist => value.is_none(),
        }
    }
}

/// As it stands behind "the label … must".
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |values: &[String]| values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>();
        let list = |values: &[String]| {
            let quoted = quoted(values);
            value::list(&quoted.iter().map(String::as_str).collect::<Vec<_>>(), "or")
        };
        match &self.test {
            Test::In(values) => write!(f, "be {}", list(values)),
            Test::NotIn(values) => write!(f, "not be {}", list(values)),
            Test::Exists => f.write_str("be there"),
            Test::DoesNotExist => f.write_str("not be there"),
        }
    }
}

/// `NAME` or `DNS.PREFIX/NAME`.
pub(super) fn label_key(text: &str) -> Parsed<String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let prefix_fits = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_label));
    if prefix_fits && is_label_text(name) {
        return Ok(text.to_owned());
    }
    Err("expected a label such as app or app.kubernetes.io/name".to_owned())
}

fn label_value(text: &str) -> Parsed<String> {
    if text.is_empty() || is_label_text(text) {
        return Ok(text.to_owned());
    }
    Err("expected the value of a label: letters, digits, '-', '_' and '.', at most 63 long".to_owned())
}

fn is_label_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inside = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    bytes.len() <= 63
        && bytes.iter().all(inside)
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(operator: &str, values: &[&str]) -> Parsed<Requirement> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        Requirement::expression("tier", operator, &values)
    }

    #[test]
    fn operators_mean_what_kubernetes_means() {
        //                operator        values          absent  "web"  "db"   ""
        for (operator, values, expected) in [
            ("In", &["web", "api"][..], [false, true, false, false]),
            ("In", &[""], [false, false, false, true]),
            ("NotIn", &["web", "api"], [true, false, true, true]),
            ("Exists", &[], [false, true, true, true]),
            ("DoesNotExist", &[], [true, false, false, false]),
        ] {
            let requirement = expression(operator, values).unwrap();
            let found = [None, Some("web"), Some("db"), Some("")].map(|value| requirement.holds(value));
            assert_eq!(found, expected, "{operator} {values:?}");
        }
        let label = Requirement::label("tier", "web").unwrap();
        assert!(label.holds(Some("web")) && !label.holds(Some("Web")) && !label.holds(None));
    }

    #[test]
    fn what_kubernetes_would_refuse_is_refused() {
        for (operator, values, expected) in [
            ("in", &["a"][..], "did you mean In?"),
            ("Equals", &["a"], "expected In, NotIn, Exists or DoesNotExist"),
            ("In", &[], "In needs values"),
            ("NotIn", &[], "NotIn needs values"),
            ("Exists", &["a"], "Exists takes no values"),
            ("DoesNotExist", &["a"], "takes no values"),
            ("In", &["a b"], "expected the value of a label"),
        ] {
            let found = expression(operator, values).unwrap_err();
            assert!(found.contains(expected), "{operator} {values:?}: {found}");
        }
        for key in ["", "a/b/c", "-a", "a-", "/a", "a/", "UPPER.example/a", "a b", &"x".repeat(64)] {
            assert!(Requirement::label(key, "x").is_err(), "{key}");
        }
        for key in ["app", "App_1.x", "app.kubernetes.io/name", &"x".repeat(63)] {
            assert!(Requirement::label(key, "x").is_ok(), "{key}");
        }
    }

    #[test]
    fn requirements_read_as_sentences() {
        for (operator, values, expected) in [
            ("In", &["a", "b"][..], r#"be "a" or "b""#),
            ("NotIn", &["a"], r#"not be "a""#),
            ("Exists", &[], "be there"),
            ("DoesNotExist", &[], "not be there"),
        ] {
            assert_eq!(expression(operator, values).unwrap().to_string(), expected);
        }
    }
}
