//! Messages of the JSON reader, in the terms of Kubernetes.

/// A problem without the types of a parser: `expected struct Container` is nothing that anybody can look up.
pub(super) fn plain(problem: &str) -> String {
    if let Some((path, rest)) = problem.split_once("invalid type: ")
        && let Some((found, expected)) = rest.split_once(", expected ")
    {
        let expected = expected.split(" at line ").next().unwrap_or(expected);
        return format!("{path}found {}, where {} belongs", found_in(found), expected_in(expected));
    }
    problem.to_owned()
}

fn found_in(found: &str) -> String {
    let quoted = |rest: &str| rest.trim_matches('`').to_owned();
    match found.split_once(' ') {
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer", number)) => format!("the number {}", quoted(number)),
        Some(("floating", number)) => format!("the number {}", quoted(number.trim_start_matches("point "))),
        Some(("boolean", value)) => quoted(value),
        _ => match found {
            "map" => "a map".to_owned(),
            "sequence" => "a list".to_owned(),
            "null" => "nothing".to_owned(),
            other => other.to_owned(),
        },
    }
}

fn expected_in(expected: &str) -> &'static str {
    match expected {
        "a sequence" | "a list" => "a list",
        "a boolean" => "true or false",
        text if text.contains("string") || text.contains("text") => "text",
        number if number.starts_with(['i', 'u', 'f']) && number[1..].bytes().all(|b| b.is_ascii_digit()) => {
            "a number"
        }
        _ => "a map",
    }
}

/// The place that a problem begins with, as a JSON pointer: `spec.containers[0].ports: …`.
pub(super) fn pointer(problem: &str) -> Option<String> {
    let path = problem.split_once(": invalid type").map(|(path, _)| path)?;
    let path = path.rsplit(": ").next()?;
    let is_path = path.starts_with("spec") || path.starts_with("metadata");
    is_path.then(|| format!("/{}", path.replace(['.', '['], "/").replace(']', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_type_of_a_parser_is_told() {
        for (problem, expected) in [
            (
                "spec.containers[0]: invalid type: string \"a\", expected struct Container",
                "spec.containers[0]: found the text \"a\", where a map belongs",
            ),
            (
                "spec.containers: invalid type: integer `5`, expected a sequence",
                "spec.containers: found the number 5, where a list belongs",
            ),
            (
                "x: invalid type: boolean `true`, expected i64 at line 1 column 3",
                "x: found true, where a number belongs",
            ),
            ("invalid type: map, expected a string", "found a map, where text belongs"),
            ("metadata.namespace: A is no name", "metadata.namespace: A is no name"),
        ] {
            assert_eq!(plain(problem), expected);
        }
        let problem = "the pod cannot be read: spec.containers[0].ports[1].hostPort: invalid type: string \"x\", expected i64";
        assert_eq!(pointer(problem).as_deref(), Some("/spec/containers/0/ports/1/hostPort"));
    }
}
