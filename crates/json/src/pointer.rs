//! JSON pointers (RFC 6901): `/metadata/annotations/multipod~1sync`.

use std::borrow::Cow;

/// A name as it stands in a pointer.
pub fn escaped(name: &str) -> Cow<'_, str> {
    if !name.contains(['~', '/']) {
        return Cow::Borrowed(name);
    }
    let mut step = String::with_capacity(name.len() + 2);
    push_escaped(&mut step, name);
    Cow::Owned(step)
}

/// One step further: a slash, and the name behind it.
pub fn push_step(pointer: &mut String, name: &str) {
    pointer.push('/');
    push_escaped(pointer, name);
}

fn push_escaped(out: &mut String, name: &str) {
    let mut rest = name;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'~' | b'/')) {
        out.push_str(&rest[..at]);
        out.push_str(if rest.as_bytes()[at] == b'~' { "~0" } else { "~1" });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// The names that a pointer leads through, or none if it is not one.
pub fn steps(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let steps = pointer.strip_prefix('/')?.split('/');
    Some(steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_tildes_are_escaped() {
        for (name, step) in [("a", "a"), ("", ""), ("a/b~c", "a~1b~0c"), ("~1", "~01"), ("é/", "é~1")] {
            assert_eq!(escaped(name), step);
        }
        assert_eq!(steps("a"), None);
        assert_eq!(steps("").unwrap(), [""; 0]);
        assert_eq!(steps("/").unwrap(), [""]);
    }

    proptest::proptest! {
        #[test]
        fn a_pointer_leads_through_the_names_that_it_was_made_of(names in proptest::collection::vec("[a~/1é]{0,5}", 0..4)) {
            let mut pointer = String::new();
            for name in &names {
                push_step(&mut pointer, name);
            }
            proptest::prop_assert_eq!(steps(&pointer), Some(names));
        }
    }
}
