//! JSON, which is YAML, with one scalar, key or bracket on each line, so that the place of a problem is a field.

use std::fmt::Write;

/// The same JSON with a line for each value.
pub(super) fn of(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 2);
    let (mut in_text, mut escaped, mut opened) = (false, false, false);
    for c in json.chars() {
        if in_text {
            in_text = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            out.push(c);
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(c, '}' | ']');
        if opened != closes {
            out.push('\n');
        }
        opened = matches!(c, '{' | '[');
        in_text = c == '"';
        out.push(c);
        match c {
            ',' => out.push('\n'),
            ':' => out.push(' '),
            _ => {}
        }
    }
    out.push('\n');
    out
}

/// What a line of it, from 1, is about: `spec.list[0].a`; nothing for the object as a whole.
pub(super) fn field(text: &str, line: usize) -> String {
    let mut path: Vec<Step<'_>> = Vec::new();
    for (number, row) in text.lines().enumerate().take(line) {
        let row = row.trim_end_matches(',');
        let is_meant = number + 1 == line;
        if matches!(row, "}" | "]") {
            if is_meant {
                break;
            }
            path.pop();
            continue;
        }
        let (key, value) = key_of(row);
        let item = path.last_mut().and_then(|above| above.next_item.as_mut()).map(|next| {
            *next += 1;
            *next - 1
        });
        path.push(Step { key, item, next_item: (value == "[").then_some(0) });
        if is_meant {
            break;
        }
        if !matches!(value, "{" | "[") {
            path.pop();
        }
    }
    let mut field = String::new();
    for Step { key, item, .. } in path {
        if let Some(item) = item {
            // Writing to a string cannot fail.
            let _ = write!(field, "[{item}]");
        } else if let Some(key) = key {
            let dot = if field.is_empty() { "" } else { "." };
            field.extend([dot, &serde_json::from_str::<String>(key).unwrap_or_else(|_| key.to_owned())]);
        }
    }
    field
}

/// One step on the way to a value: its key, or its number in a list.
struct Step<'t> {
    key: Option<&'t str>,
    item: Option<usize>,
    /// Where it is a list itself, the number of its next item.
    next_item: Option<usize>,
}

/// The key of a line, in its quotes, and what follows.
fn key_of(row: &str) -> (Option<&str>, &str) {
    let Some(inside) = row.strip_prefix('"') else { return (None, row) };
    let mut escaped = false;
    let end = inside.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    let Some(end) = end else { return (None, row) };
    match row[end + 2..].strip_prefix(": ") {
        Some(value) => (Some(&row[..end + 2]), value),
        None => (None, row),
    }
}
