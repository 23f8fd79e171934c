//! Which strings may stand without quotes, and how the others are quoted.

use std::fmt::Write as _;

/// A string on one line: bare where every reader takes it for the same string, or else in double quotes.
pub(super) fn inline(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// As [`inline`], inside `{}` and `[]` where more characters have a meaning, and to more readers than should.
pub(super) fn inline_in_flow(text: &str) -> String {
    let is_simple = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | '/');
    if is_plain(text) && text.chars().all(is_simple) { text.to_owned() } else { quoted(text) }
}

/// In double quotes, as JSON and YAML both read it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_printable(char) => out.push(char),
            _ => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
        }
    }
    out.push('"');
    out
}

/// Whether YAML lets a character stand for itself; line breaks that only YAML 1.1 knows do not count.
pub(super) fn is_printable(char: char) -> bool {
    match char {
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' => true,
        _ => char > '\u{ffff}',
    }
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let starts_well = match first {
        '-' => text.chars().nth(1).is_some_and(|next| next.is_ascii_alphanumeric() || next == '-'),
        _ => first.is_ascii_alphanumeric() || matches!(first, '/' | '.' | '_' | '$' | '('),
    };
    starts_well
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_harmless)
        && !is_word(text)
        && !is_like_a_number(text)
}

fn is_harmless(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, ' '..='/' | ':'..='@' | '['..='_' | '{'..='~')
}

fn is_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "yes", "true", "on", "n", "no", "false", "off", "null"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Numbers in any base, times, dates and infinities: more than they are, as quotes do no harm.
fn is_like_a_number(text: &str) -> bool {
    let unsigned = text.trim_start_matches(['+', '-']);
    let Some(first) = unsigned.chars().next() else { return true };
    let number = |char: char| {
        char.is_ascii_hexdigit() || matches!(char, 'x' | 'X' | 'o' | 'O' | '_' | '.' | ':' | '+' | '-')
    };
    let is_number = (first.is_ascii_digit() || first == '.') && unsigned.chars().all(number);
    let is_date = unsigned.bytes().take_while(u8::is_ascii_digit).count() == 4
        && unsigned.as_bytes().get(4) == Some(&b'-');
    let is_special = [".inf", ".nan"].iter().any(|word| word.eq_ignore_ascii_case(unsigned));
    is_number || is_date || is_special
}
