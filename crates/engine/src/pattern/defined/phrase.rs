//! Text with holes. A hole is `$(params.NAME)` in a value that was parsed before; filling it parses nothing.

use std::fmt::Write;

use serde_json::Value;

use multipod_values::{self as value, suggest};

use super::params::Param;

/// The values of a pattern's params, in their order; none where an optional param was not given.
pub(super) type Values = [Option<Value>];

/// Text with holes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Phrase {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Param(usize),
}

impl Phrase {
    /// Finds the holes. `$$(` is text, as it is for the kubelet, and so is `$(` before anything but `params.`.
    pub(super) fn parse(text: &str, params: &[Param]) -> Result<Phrase, String> {
        const OPEN: &str = "$(params.";
        let mut parts = Vec::new();
        let (mut copied, mut at) = (0, 0);
        while let Some(found) = text[at..].find('$') {
            at += found;
            let rest = &text[at..];
            if !rest.starts_with(OPEN) {
                at += if rest.starts_with("$$") { 2 } else { 1 };
                continue;
            }
            let name = &rest[OPEN.len()..];
            let name = &name[..name.find(')').ok_or_else(|| format!("{OPEN} is not closed with )"))?];
            let param = params.iter().position(|param| param.name == name).ok_or_else(|| {
                let names = params.iter().map(|param| &*param.name);
                format!("{OPEN}{name}) names no param{}", suggest::did_you_mean(name, names))
            })?;
            if at > copied {
                parts.push(Part::Text(text[copied..at].to_owned()));
            }
            parts.push(Part::Param(param));
            at += OPEN.len() + name.len() + 1;
            copied = at;
        }
        if copied < text.len() || parts.is_empty() {
            parts.push(Part::Text(text[copied..].to_owned()));
        }
        Ok(Phrase { parts })
    }

    /// The indices of the params that it names.
    pub(super) fn params(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().filter_map(|part| match part {
            Part::Param(param) => Some(*param),
            Part::Text(_) => None,
        })
    }

    /// The param that it begins with.
    pub(super) fn first_param(&self) -> Option<usize> {
        match self.parts.first() {
            Some(Part::Param(param)) => Some(*param),
            _ => None,
        }
    }

    /// Whether it is one hole and nothing else.
    pub(super) fn is_hole(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Param(_)])
    }

    /// The text without holes, if it has none.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether every param that it names was given.
    pub(super) fn is_given(&self, values: &Values) -> bool {
        self.params().all(|param| matches!(values.get(param), Some(Some(_))))
    }

    /// The text, holes filled; none if a param of it was not given.
    pub(super) fn text(&self, values: &Values) -> Option<String> {
        self.fill(values, String::push_str)
    }

    /// The text for a place where the kubelet expands variables: what the definition says is expanded, what a param says is not.
    pub(super) fn expanded_text(&self, values: &Values) -> Option<String> {
        self.fill(values, |out, text| out.push_str(&value::escape_expansion(text)))
    }

    /// The value: of the param's own type where it is nothing but one hole.
    pub(super) fn value(&self, values: &Values) -> Option<Value> {
        match self.parts.as_slice() {
            [Part::Param(param)] => values.get(*param)?.clone(),
            _ => self.text(values).map(Value::String),
        }
    }

    fn fill(&self, values: &Values, insert: impl Fn(&mut String, &str)) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Param(param) => match values.get(*param)?.as_ref()? {
                    Value::String(text) => insert(&mut out, text),
                    other => write!(out, "{other}").ok()?,
                },
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::defined::params::Type;
    use serde_json::json;

    fn params() -> Vec<Param> {
        let param = |name: &str, kind| Param {
            name: name.to_owned(),
            kind,
            default: None,
            optional: true,
            description: String::new(),
        };
        vec![param("port", Type::Port), param("text", Type::String), param("none", Type::String)]
    }

    fn fill(text: &str, value: &str) -> (Option<String>, Option<String>) {
        let phrase = Phrase::parse(text, &params()).unwrap();
        let values = [Some(json!(80)), Some(json!(value)), None];
        (phrase.text(&values), phrase.expanded_text(&values))
    }

    /// What the kubelet makes of a text, with every variable standing for `<NAME>`.
    fn kubelet(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
                out.extend(["<", name, ">"]);
                rest = after;
            } else {
                out.push('$');
            }
        }
        out + rest
    }

    #[test]
    fn holes_are_filled_with_text_and_keep_their_type_when_alone() {
        assert_eq!(fill("a$(params.port)$(params.text)b", "x").0.as_deref(), Some("a80xb"));
        assert_eq!(fill("$(params.none)", "x").0, None);
        let alone = Phrase::parse("$(params.port)", &params()).unwrap();
        assert_eq!(alone.value(&[Some(json!(80)), None, None]), Some(json!(80)));
    }

    #[test]
    fn what_the_administrator_writes_stays_as_it_is() {
        for text in
            ["", "plain", "$(HOSTNAME)", "$$(params.text)", "$", "a$$$b", "$(", "$(param.x)", "$$$(HOME)"]
        {
            let (plain, expanded) = fill(text, "x");
            assert_eq!((plain.as_deref(), expanded.as_deref()), (Some(text), Some(text)));
        }
        assert_eq!(fill("$$$(params.text)", "x").0.as_deref(), Some("$$x"));
    }

    #[test]
    fn unknown_params_are_errors() {
        let error = Phrase::parse("a$(params.prt)", &params()).unwrap_err();
        assert_eq!(error, "$(params.prt) names no param, did you mean port?");
        assert!(Phrase::parse("$(params.port", &params()).unwrap_err().contains("not closed"));
    }

    #[test]
    fn what_a_param_says_is_never_expanded_by_the_kubelet() {
        for value in ["$(HOME)", "$$(HOME)", "$$$(HOME)", "a$", "$", "$(", "$(params.port)"] {
            for (text, seen) in [
                ("$(params.text)", "{}"),
                ("$(params.text)(HOME)", "{}(HOME)"),
                ("$$$(params.text)", "${}"),
                ("$(params.text)$(params.text)", "{}{}"),
                ("$(HOME) $(params.text)", "<HOME> {}"),
            ] {
                let expanded = fill(text, value).1.unwrap();
                assert_eq!(kubelet(&expanded), seen.replace("{}", value), "{text} {value}");
            }
        }
    }
}
