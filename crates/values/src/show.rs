//! Texts that others wrote, as they may be shown: without secrets, and without what steers a terminal.

use std::borrow::Cow;
use std::ops::Range;

use super::Odd;

/// Control characters would break the terminal and the caret, marks of direction would let a text look like another one, and
/// what is invisible could not be pointed at; they are shown as one sign.
pub fn visible(c: char) -> char {
    let turns = matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let is_invisible = matches!(Odd::of(c), Some(Odd::Invisible(_)));
    if c.is_control() || turns || is_invisible { '\u{FFFD}' } else { c }
}

/// A message in which nothing but new lines steers a terminal, whatever names it repeats.
pub fn plain(text: String) -> String {
    let shown = |c: char| if c == '\n' { c } else { visible(c) };
    if text.chars().all(|c| shown(c) == c) { text } else { text.chars().map(shown).collect() }
}

/// A value shortened for the middle of a sentence.
pub fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out: String = masked(text).chars().take(LONGEST).map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// Options that people write secrets into, though no pattern has them.
const SECRET_OPTIONS: [&str; 7] = ["password", "passwd", "pass", "pwd", "token", "api-key", "apikey"];

/// A value as it may be shown to others and kept in logs: a secret that should not stand in it is starred out, sign by
/// sign, so that carets still point at their place.
pub fn masked(text: &str) -> Cow<'_, str> {
    if !text.contains(['@', '=']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(is_between_words) {
        let end = word.trim_end_matches(is_between_words).len();
        let secret = secret_of_option(&word[..end]).or_else(|| secret_of_url(&word[..end])).unwrap_or(0..0);
        out.push_str(&word[..secret.start]);
        out.extend(word[secret.clone()].chars().map(|_| '*'));
        out.push_str(&word[secret.end..]);
    }
    Cow::Owned(out)
}

fn is_between_words(c: char) -> bool {
    matches!(c, ' ' | '\t' | ',' | '\n')
}

fn secret_of_option(word: &str) -> Option<Range<usize>> {
    let (name, _) = word.split_once('=')?;
    SECRET_OPTIONS
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
        .then_some(name.len() + 1..word.len())
}

/// The password of `scheme://user:password@host`, or the whole user, which may be a token; only ssh's is a mere name.
fn secret_of_url(word: &str) -> Option<Range<usize>> {
    let at = word.find("://")?;
    let start = at + 3;
    let rest = &word[start..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    // A password that holds a slash: a port would be a number.
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let torn =
        !authority.starts_with('[') && authority.split_once(':').is_some_and(|(_, port)| !is_port(port));
    let end = start + if torn { rest.rfind('@') } else { authority.rfind('@') }?;
    match word[start..end].find(':') {
        Some(colon) => Some(start + colon + 1..end),
        None if word[..at].ends_with("ssh") => None,
        None => Some(start..end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_terminals_is_shown_as_one_sign() {
        assert_eq!(plain("a\u{1b}[0m\nb\u{202e}é".to_owned()), "a\u{fffd}[0m\nb\u{fffd}é");
        assert_eq!(short("a\u{7}\nb\u{2066}"), "a\u{fffd}\u{fffd}b\u{fffd}");
    }

    proptest::proptest! {
        #[test]
        fn masking_keeps_every_sign_in_its_place(value in "[a-z0-9:/@=,\" é]{0,60}|(?s).{0,60}") {
            proptest::prop_assert_eq!(masked(&value).chars().count(), value.chars().count());
        }
    }
}
