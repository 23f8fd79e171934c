//! A value that will be written, before its place is known: between values and text.

use std::borrow::Cow;

use serde_json::Value;

use super::events::Style;
use super::members::Reader;
use super::scalar::Scalar;
use super::tree::{Kind, NodeId};

#[derive(Debug)]
pub(super) enum Form<'v> {
    /// Text that is written as it is, on one line.
    Token(Cow<'v, str>),
    /// A string, to be quoted or not as its place demands.
    Text(Cow<'v, str>),
    /// Null, written as nothing where that is enough.
    Empty,
    List(Vec<Form<'v>>),
    Map(Vec<(Cow<'v, str>, Form<'v>)>),
}

impl<'v> Form<'v> {
    pub(super) fn of_value(value: &'v Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(items) => Self::List(items.iter().map(Self::of_value).collect()),
            Value::Object(map) => Self::Map(
                map.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), Self::of_value(value))).collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Token(Cow::Owned(value.to_string())),
        }
    }

    /// A node with aliases and merges followed, and its scalars as they were written.
    pub(super) fn of_node(reader: &Reader<'v, '_>, id: NodeId) -> Self {
        let tree = reader.tree;
        let id = tree.resolve(id);
        let node = tree.node(id);
        match &node.kind {
            Kind::Sequence { items, .. } => {
                Self::List(items.iter().map(|item| Self::of_node(reader, item.node)).collect())
            }
            Kind::Mapping { .. } => {
                let members = reader.members(id).unwrap_or_default();
                let form = |value| Self::of_node(reader, value);
                Self::Map(
                    members.into_iter().map(|member| (Cow::Owned(member.name), form(member.value))).collect(),
                )
            }
            Kind::Scalar { style, .. } => {
                let source = tree.slice(node.start..node.end);
                let is_kept = node.tag.is_none() && !source.is_empty() && !source.contains('\n');
                match reader.scalar(id) {
                    Some(Ok(Scalar::Text(_)))
                        if is_kept && matches!(style, Style::Single | Style::Double) =>
                    {
                        Self::Token(Cow::Borrowed(source))
                    }
                    Some(Ok(Scalar::Text(text))) => Self::Text(text),
                    Some(Ok(_)) if is_kept => Self::Token(Cow::Borrowed(source)),
                    Some(Ok(scalar)) => Self::Token(Cow::Owned(scalar.value().to_string())),
                    _ => Self::Token(Cow::Borrowed("null")),
                }
            }
            Kind::Alias(_) => Self::Token(Cow::Borrowed("null")),
        }
    }
}
