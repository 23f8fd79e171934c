//! Where in a pod a refusal finds a value of the wrong type.

/// The place that a problem begins with, as a JSON pointer: `spec.containers[0].ports: …`.
pub(super) fn pointer(problem: &str) -> Option<String> {
    let path = problem.split_once(": expected ").map(|(path, _)| path)?;
    let path = path.rsplit(": ").next()?;
    let is_path = path.starts_with("spec") || path.starts_with("metadata");
    is_path.then(|| format!("/{}", path.replace(['.', '['], "/").replace(']', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_problem_is_found_in_its_words() {
        let problem = "the pod cannot be read: spec.containers[0].ports[1].hostPort: expected a number, found the text \"x\"";
        assert_eq!(pointer(problem).as_deref(), Some("/spec/containers/0/ports/1/hostPort"));
        assert_eq!(pointer("the pod is too large: expected less"), None);
    }
}
