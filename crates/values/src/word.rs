//! Words become types that cannot be wrong. Every parser takes the text of one word and says what it expected.

use std::num::NonZeroU16;

use super::suggest;

/// The value, or what was expected instead: a phrase that can stand under the marked word.
pub type Parsed<T> = Result<T, String>;

/// A port between 1 and 65535.
pub fn port(text: &str) -> Parsed<NonZeroU16> {
    let number: Option<NonZeroU16> = text.parse().ok();
    match number {
        // Some readers would take it for an octal number.
        Some(port) if text.starts_with('0') => Err(format!("a port has no leading zero: {port}")),
        Some(port) if !text.starts_with('+') => Ok(port),
        _ if text.is_empty() => Err("the port is missing: a number between 1 and 65535".to_owned()),
        _ => Err("expected a port between 1 and 65535".to_owned()),
    }
}

/// A whole number within bounds.
pub fn number(text: &str, least: u32, most: u32) -> Parsed<u32> {
    text.parse()
        .ok()
        .filter(|n| (least..=most).contains(n) && text.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| format!("expected a whole number from {least} to {most}"))
}

/// `true` or `false`, and nothing that other readers of YAML take for one of them.
pub fn boolean(text: &str) -> Parsed<bool> {
    one_of(text, &[("true", true), ("false", false)])
}

/// One of a few words.
pub fn one_of<T: Copy>(text: &str, allowed: &[(&str, T)]) -> Parsed<T> {
    if let Some((_, value)) = allowed.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = allowed.iter().map(|(name, _)| *name).collect();
    Err(format!("expected {}{}", list(&names, "or"), suggest::did_you_mean(text, names.iter().copied())))
}

/// `a, b or c`; the end of a list that nobody would read is counted.
pub fn list(names: &[&str], last: &str) -> String {
    const MOST: usize = 24;
    match names {
        [most @ .., _, _] if most.len() >= MOST => {
            format!("{} {last} {} more", most[..MOST].join(", "), names.len() - MOST)
        }
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// What kubelet would expand in commands, arguments and environment values is doubled, so that it stays text.
/// Every `$` is: `$$(X)` with only its `$(` doubled would be a `$` and an expansion.
pub fn escape_expansion(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_whole_numbers_without_decoration() {
        assert_eq!(port("8775").map(NonZeroU16::get), Ok(8775));
        for text in ["0", "65536", "8o", "", "+80", "080", "-1", "80 ", "８０"] {
            assert!(port(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_dollar_sign_is_left_for_the_kubelet() {
        for (text, escaped) in [("$(X)", "$$(X)"), ("$$(X)", "$$$$(X)"), ("a$", "a$$"), ("a", "a")] {
            assert_eq!(escape_expansion(text), escaped);
        }
    }

    #[test]
    fn a_word_outside_the_list_is_told_the_list() {
        assert_eq!(boolean("True"), Err("expected true or false, did you mean true?".to_owned()));
        assert_eq!(list(&["a", "b", "c"], "or"), "a, b or c");
        assert!(list(&["a"; 100], "or").ends_with("a, a or 76 more"));
    }
}
