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

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    /// After a `key:`.
    Member,
    /// After a `-`.
    Item,
}

impl Block {
    /// A whole document.
    pub(super) fn root(self, form: &Form) -> String {
        match form {
            Form::Map(members) if !members.is_empty() => self.members(members, 0),
            Form::List(items) if !items.is_empty() => self.items(items, 0),
            Form::Token(_) | Form::Text(_) | Form::List(_) | Form::Map(_) => {
                self.value(form, 0, Seat::Member).trim_start_matches(' ').to_owned()
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
            out.push_str(&self.value(value, indent, Seat::Member));
        }
        out
    }

    /// Lines of `- item`, indented.
    pub(super) fn items(self, items: &[Form], indent: usize) -> String {
        let mut out = String::new();
        for item in items {
            push_blanks(&mut out, indent);
            out.push('-');
            out.push_str(&self.value(item, indent, Seat::Item));
        }
        out
    }

    /// What follows a `:` or `-` that stands `indent` to the right: the rest of that line, and the lines below.
    pub(super) fn value(self, form: &Form, indent: usize, seat: Seat) -> String {
        match (form, seat) {
            (Form::Token(token), _) => format!(" {token}\n"),
            (Form::Text(text), _) => literal(text, indent + self.step),
            (Form::Map(members), _) if members.is_empty() => " {}\n".into(),
            (Form::List(items), _) if items.is_empty() => " []\n".into(),
            (Form::Map(members), Seat::Member) => format!("\n{}", self.members(members, indent + self.step)),
            (Form::List(items), Seat::Member) => format!("\n{}", self.items(items, indent + self.list_step)),
            (Form::Map(members), Seat::Item) => beside_dash(&self.members(members, indent + 2)),
            (Form::List(items), Seat::Item) => beside_dash(&self.items(items, indent + 2)),
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
