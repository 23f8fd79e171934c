//! Reads what params a definition has.

use multipod_values::{self as value, suggest};

use crate::pattern::defined::params::{Param, Type};

use super::node::Node;
use super::reader::Reader;
use super::shape;

/// Words behind `=` that every pattern has already.
const RESERVED: [&str; 5] = ["image", "cpu", "memory", "sidecar", "container"];
pub(super) fn params(node: Option<&Node>, reader: &mut Reader) -> Vec<Param> {
    let mut params = Vec::new();
    for (name, node) in node.map_or(&[][..], |node| reader.entries(node, "params")) {
        let plain = value::name(name).is_ok() && name.starts_with(|c: char| c.is_ascii_lowercase());
        if !plain {
            reader.problem(node.line, format!("params: {name}: expected lower-case letters, digits and '-'"));
        } else if RESERVED.contains(&&**name) {
            reader.problem(
                node.line,
                format!("params: {name}= has a meaning for every pattern, choose another name"),
            );
        }
        // Kept also when it is wrong, so that its holes are not told as unknown.
        params.push(param(name, node, reader));
    }
    params
}

fn param(name: &str, node: &Node, reader: &mut Reader) -> Param {
    let what = format!("params: {name}");
    reader.only::<shape::Param>(node, &what);
    let kind = kind(&what, node, reader);
    let default = node.get("default").and_then(|default| {
        let parsed = default
            .scalar()
            .ok_or_else(|| "expected one value".to_owned())
            .and_then(|text| kind.parse(&text));
        parsed.map_err(|expected| reader.problem(default.line, format!("{what}: default: {expected}"))).ok()
    });
    let optional = node.get("optional").and_then(|node| reader.boolean(node, &what)) == Some(true);
    if optional && default.is_some() {
        reader.problem(node.line, format!("{what}: expected default or optional, not both"));
    }
    let description = node.get("description").and_then(|node| reader.text(node, &what));
    Param {
        name: name.to_owned(),
        kind,
        default,
        optional,
        description: description.unwrap_or_default().to_owned(),
    }
}

fn kind(what: &str, node: &Node, reader: &mut Reader) -> Type {
    let Some(name) = node.get("type") else {
        reader.problem(
            node.line,
            format!("{what}: the type is missing, one of {}", value::list(&Type::NAMES, "or")),
        );
        return Type::String;
    };
    let mut kind = reader
        .parsed(name, &format!("{what}: type"), |name| {
            Type::named(name).ok_or_else(|| {
                let meant = suggest::did_you_mean(name, Type::NAMES);
                format!("expected {}{meant}", value::list(&Type::NAMES, "or"))
            })
        })
        .unwrap_or(Type::String);
    for (key, belongs) in [
        ("values", matches!(kind, Type::Enum(_))),
        ("min", matches!(kind, Type::Integer { .. })),
        ("max", matches!(kind, Type::Integer { .. })),
    ] {
        if let Some(node) = node.get(key).filter(|_| !belongs) {
            reader.problem(node.line, format!("{what}: {key} does not belong to the type {}", kind.name()));
        }
    }
    match &mut kind {
        Type::Integer { min, max } => {
            let mut bound =
                |key| node.get(key).and_then(|node| reader.number(node, what, i64::MIN, i64::MAX));
            *min = bound("min").unwrap_or(*min);
            *max = bound("max").unwrap_or(*max);
        }
        Type::Enum(words) => {
            for node in reader.items(node.get("values"), what) {
                words.extend(reader.text(node, what).map(str::to_owned));
            }
            if words.is_empty() {
                reader.problem(node.line, format!("{what}: the values are missing"));
            }
        }
        _ => {}
    }
    kind
}
