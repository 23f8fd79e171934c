//! A value of another type than the one that belongs there, without the words of a parser: `expected struct Container` is
//! nothing that anybody can look up.

use super::short;

/// What a message of serde says behind `invalid type: `, in parts.
pub fn told(found: &str, expected: &str) -> String {
    format!("expected {}, found {}", wanted(expected), there(found))
}

/// A message about a type or a field, with what stands before it; any other message as it is.
pub fn plain(message: &str) -> String {
    let parts = || {
        let (path, rest) = message.split_once("invalid type: ")?;
        // What was found may hold anything, what was expected does not.
        let (found, expected) = rest.rsplit_once(", expected ")?;
        Some((path, found, expected.split(" at line ").next().unwrap_or(expected)))
    };
    match parts() {
        Some((path, found, expected)) => format!("{path}{}", told(found, expected)),
        None => about_a_field(message).unwrap_or_else(|| message.to_owned()),
    }
}

fn about_a_field(message: &str) -> Option<String> {
    [("missing field `", "is missing"), ("duplicate field `", "is there twice")].into_iter().find_map(
        |(begin, what)| {
            let (path, field) = message.rsplit_once(begin)?;
            Some(format!("{path}the field {} {what}", field.split_once('`')?.0))
        },
    )
}

fn there(found: &str) -> String {
    let quoted = |rest: &str| short(rest.trim_matches('`'));
    match found.split_once(' ') {
        Some(("string", text)) => {
            let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
            format!("the text \"{}\"", short(inner))
        }
        Some(("integer", number)) => format!("the number {}", quoted(number)),
        Some(("floating", number)) => format!("the number {}", quoted(number.trim_start_matches("point "))),
        Some(("boolean", value)) => quoted(value),
        Some(("unit", _)) => "nothing".to_owned(),
        _ => match found {
            "map" => "a map".to_owned(),
            "sequence" => "a list".to_owned(),
            "null" | "unit" => "nothing".to_owned(),
            other => short(other),
        },
    }
}

/// What belongs there.
pub fn wanted(expected: &str) -> &str {
    let is_number =
        |text: &str| text.strip_prefix(['i', 'u', 'f']).is_some_and(|bits| bits.parse::<u8>().is_ok());
    match expected {
        "a sequence" => "a list",
        "a boolean" | "boolean" => "true or false",
        "an integer" | "floating point" => "a number",
        number if is_number(number) => "a number",
        text if text.contains("string") => "text",
        shape if shape.starts_with("struct ") || shape == "map" => "a map",
        own => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_type_of_a_parser_is_told() {
        for (message, expected) in [
            (
                "spec.containers[0]: invalid type: string \"a\", expected struct Container",
                "spec.containers[0]: expected a map, found the text \"a\"",
            ),
            (
                "spec.containers: invalid type: integer `5`, expected a sequence",
                "spec.containers: expected a list, found the number 5",
            ),
            (
                "x: invalid type: boolean `true`, expected i64 at line 1 column 3",
                "x: expected a number, found true",
            ),
            ("invalid type: map, expected a string", "expected text, found a map"),
            (
                "invalid type: string \", expected b\", expected a list",
                "expected a list, found the text \", expected b\"",
            ),
            ("spec.volumes[0]: missing field `name`", "spec.volumes[0]: the field name is missing"),
            ("spec: duplicate field `containers`", "spec: the field containers is there twice"),
            ("metadata.namespace: A is no name", "metadata.namespace: A is no name"),
        ] {
            assert_eq!(plain(message), expected);
        }
        let long = plain(&format!("invalid type: string \"{}\", expected a map", "x".repeat(10_000)));
        assert!(long.len() < 120, "{long}");
    }
}
