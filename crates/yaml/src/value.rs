//! The value of a document, and its JSON text.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::events::{MAX_DEPTH, Style};
pub(super) use super::members::Budget;
use super::members::Reader;
use super::problem::Problem;
use super::scalar::Scalar;
use super::tree::{Kind, NodeId, Tree};

/// Reads the whole document, with aliases and merge keys followed.
pub(super) fn value(tree: &Tree, budget: &mut Budget) -> Result<Value, Problem> {
    let mut walk = Walk { reader: Reader::new(tree), budget };
    walk.value(tree.root, 0, false)
}

struct Walk<'t, 'a, 'b> {
    reader: Reader<'t, 'a>,
    budget: &'b mut Budget,
}

impl Walk<'_, '_, '_> {
    fn value(&mut self, id: NodeId, depth: usize, copied: bool) -> Result<Value, Problem> {
        let tree = self.reader.tree;
        let node = tree.node(id);
        if let Some(scalar) = self.reader.scalar(id) {
            let value = scalar?.value();
            if copied {
                self.budget.spend(1 + value.as_str().map_or(0, str::len), node.start)?;
            }
            return Ok(value);
        }
        if let Kind::Alias(target) = node.kind {
            return self
                .value(*target, depth, true)
                .map_err(|problem| Problem { offset: node.start, ..problem });
        }
        if depth >= MAX_DEPTH {
            return Err(Problem::new(node.start, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        if copied {
            self.budget.spend(1, node.start)?;
        }
        if let Kind::Sequence { items, .. } = &node.kind {
            tag_is(node.tag, "!!seq", node.outer)?;
            let items = items.iter().map(|item| self.value(item.node, depth + 1, copied));
            return Ok(Value::Array(items.collect::<Result<_, _>>()?));
        }
        tag_is(node.tag, "!!map", node.outer)?;
        let mut map = Map::new();
        for member in self.reader.members_within(id, depth, self.budget)? {
            let copied = copied || member.inherited;
            if copied {
                self.budget.spend(member.name.len(), node.start)?;
            }
            let value = self.value(member.value, depth + 1, copied)?;
            map.insert(member.name, value);
        }
        Ok(Value::Object(map))
    }
}

fn tag_is(tag: Option<&str>, expected: &str, offset: usize) -> Result<(), Problem> {
    match tag {
        None | Some("!") => Ok(()),
        Some(tag) if tag == expected => Ok(()),
        Some(tag) => {
            Err(Problem::new(offset, format!("tag that Kubernetes does not know; remove it: {tag}")))
        }
    }
}

/// The JSON text of a document that was read before.
pub(super) fn json(tree: &Tree) -> String {
    let mut out = String::new();
    write_json(&Reader::new(tree), tree.root, &mut out);
    out
}

fn write_json(reader: &Reader, id: NodeId, out: &mut String) {
    let id = reader.tree.resolve(id);
    let node = reader.tree.node(id);
    match &node.kind {
        Kind::Sequence { items, .. } => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_json(reader, item.node, out);
            }
            out.push(']');
        }
        Kind::Mapping { .. } => {
            out.push('{');
            for (index, member) in reader.members(id).unwrap_or_default().iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                let _ = write!(out, "{}:", Value::from(member.name.as_str()));
                write_json(reader, member.value, out);
            }
            out.push('}');
        }
        Kind::Scalar { text, style } => match reader.scalar(id) {
            Some(Ok(Scalar::Int(_) | Scalar::Float(_))) if *style == Style::Plain && is_json_number(text) => {
                out.push_str(text);
            }
            Some(Ok(scalar)) => {
                let _ = write!(out, "{}", scalar.value());
            }
            _ => out.push_str("null"),
        },
        Kind::Alias(_) => {}
    }
}

/// Of what YAML takes for a number, what JSON does not know: a plus sign, leading zeros, a bare point,
/// underscores and radix letters.
fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, _) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, ""));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(digits)
}
