//! Maps in `{}` and lists in `[]`: JSON, and YAML on one line.

use super::events::Style;
use super::form::Form;
use super::lines::Lines;
use super::plain::{inline_in_flow, quoted};
use super::tree::{Kind, Tree};

/// How collections in brackets are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow {
    /// Whether keys are quoted as in JSON.
    pub(super) is_json: bool,
    /// Whether blanks follow `:` and `,`.
    pub(super) is_spaced: bool,
    /// Each entry on a line of its own, that many columns further to the right.
    pub(super) step: Option<usize>,
}

impl Flow {
    /// The style of a whole document; that of block YAML for what it may hold in brackets.
    pub(super) fn of(tree: &Tree, lines: Lines) -> Self {
        let root = tree.node(tree.root);
        let standard = Self { is_json: false, is_spaced: true, step: None };
        let Kind::Mapping { entries, flow: true } = &root.kind else { return standard };
        let Some(first) = entries.first() else { return Self { is_json: true, ..standard } };
        let key = tree.node(first.key);
        let is_json = matches!(key.kind, Kind::Scalar { style: Style::Double, .. });
        let is_spaced = !is_json || first.colon() != Some(tree.node(first.value).outer);
        let step = lines
            .is_first(key.outer)
            .then(|| lines.column(key.outer).saturating_sub(lines.indent(root.start)).max(1));
        Self { is_json, is_spaced, step }
    }

    /// A whole document in brackets.
    pub(super) fn document(self, form: &Form) -> String {
        let mut out = String::new();
        self.write(form, 0, &mut out);
        out
    }

    /// `indent` is that of the line in which the value begins.
    pub(super) fn write(self, form: &Form, indent: usize, out: &mut String) {
        match form {
            Form::Token(token) => out.push_str(token),
            Form::Empty => out.push_str("null"),
            Form::Text(text) => out.push_str(&quoted(text)),
            Form::List(items) => {
                let parts = items.iter().map(|item| self.part(None, item, indent));
                out.push_str(&self.bracket(['[', ']'], &parts.collect::<Vec<_>>(), indent));
            }
            Form::Map(members) => {
                let parts = members.iter().map(|(name, form)| self.part(Some(name), form, indent));
                out.push_str(&self.bracket(['{', '}'], &parts.collect::<Vec<_>>(), indent));
            }
        }
    }

    /// An entry of a collection whose closing bracket stands at `indent`.
    pub(super) fn part(self, name: Option<&str>, form: &Form, indent: usize) -> String {
        let mut out = String::new();
        if let Some(name) = name {
            out.push_str(&if self.is_json { quoted(name) } else { inline_in_flow(name) });
            out.push_str(if self.is_spaced { ": " } else { ":" });
        }
        self.write(form, indent + self.step.unwrap_or_default(), &mut out);
        out
    }

    pub(super) fn bracket(self, [open, close]: [char; 2], parts: &[String], indent: usize) -> String {
        if parts.is_empty() {
            return format!("{open}{close}");
        }
        let joined = parts.join(&self.between(indent));
        match self.step {
            Some(step) => {
                let (inner, outer) = (" ".repeat(indent + step), " ".repeat(indent));
                format!("{open}\n{inner}{joined}\n{outer}{close}")
            }
            None => format!("{open}{joined}{close}"),
        }
    }

    pub(super) fn between(self, indent: usize) -> String {
        match self.step {
            Some(step) => format!(",\n{}", " ".repeat(indent + step)),
            None if self.is_spaced => ", ".into(),
            None => ",".into(),
        }
    }
}
