//! A name with wildcards: one segment of a path pattern.

use std::str::Chars;

use super::word::Parsed;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wild(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    AnyChar,
    AnyRun,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// Whether a pattern in which `*` stands for any text, and nothing else is special, fits a text.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((head, parts)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let (middle, tail) = parts.rsplit_once('*').unwrap_or(("", parts));
    for part in middle.split('*') {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(tail)
}

impl Wild {
    pub(super) fn parse(text: &str) -> Parsed<Wild> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            rest = &rest[next.len_utf8()..];
            tokens.push(match next {
                '*' => Token::AnyRun,
                '?' => Token::AnyChar,
                '[' => {
                    let class = rest.split_once(']');
                    let class = class.and_then(|(inside, behind)| Some((Token::class(inside)?, behind)));
                    let expected = "expected characters or ranges in […], such as [0-9] or [!a-z]";
                    let (class, behind) = class.ok_or(expected)?;
                    rest = behind;
                    class
                }
                literal => Token::Literal(literal),
            });
        }
        Ok(Wild(tokens))
    }

    /// `*`
    pub(super) fn anything() -> Wild {
        Wild(vec![Token::AnyRun])
    }

    /// As in a shell, a dot at the start is matched by a dot only: editors and copiers keep unfinished files there.
    ///
    /// A mismatch goes back to the last `*` alone, so the time is at most name × pattern, whatever the pattern.
    pub fn matches(&self, name: &str) -> bool {
        if name.starts_with('.') && !matches!(self.0.first(), Some(Token::Literal('.'))) {
            return false;
        }
        let mut rest = name.chars();
        let mut at = 0;
        let mut last_star: Option<(usize, Chars)> = None;
        loop {
            match self.0.get(at) {
                Some(Token::AnyRun) => {
                    at += 1;
                    last_star = Some((at, rest.clone()));
                    continue;
                }
                Some(token) => {
                    let mut ahead = rest.clone();
                    if ahead.next().is_some_and(|char| token.accepts(char)) {
                        rest = ahead;
                        at += 1;
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((after, from)) = &mut last_star else { return false };
            if from.next().is_none() {
                return false;
            }
            at = *after;
            rest = from.clone();
        }
    }
}

impl Token {
    /// What stands between brackets and means the same to everybody: no empty class, no open or backward range.
    fn class(text: &str) -> Option<Token> {
        let inside = text.strip_prefix(['!', '^']).unwrap_or(text);
        let mut ranges = Vec::new();
        let mut members = inside.chars().peekable();
        while let Some(low) = members.next() {
            let high = if members.next_if_eq(&'-').is_some() { members.next()? } else { low };
            if matches!(low, '-' | '[' | '!' | '^') || matches!(high, '-' | '[') || low > high {
                return None;
            }
            ranges.push((low, high));
        }
        (!ranges.is_empty()).then_some(Token::Class { negated: inside.len() < text.len(), ranges })
    }

    fn accepts(&self, char: char) -> bool {
        match self {
            Token::Literal(literal) => *literal == char,
            Token::AnyChar | Token::AnyRun => true,
            Token::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&char)) != *negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Wild::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn a_name_matches_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("app.log", "app.log", true),
            ("app.log", "app.log.1", false),
            ("*.log", "app.log", true),
            ("*.log", ".log", false),
            (".*", ".log", true),
            ("*", ".hidden", false),
            ("?.log", ".log", false),
            ("*.log*", "app.log.1", true),
            ("*a*b*", "xaxxbx", true),
            ("*a*b", "abx", false),
            ("a?c", "aäc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[!a-c_]x", "_x", false),
            ("a]", "a]", true),
            ("[a]]", "a]", true),
            ("[*]", "*", true),
            ("[*]", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} against {name}");
        }
    }

    #[test]
    fn a_pattern_with_many_stars_ends_soon() {
        assert!(!matches(&"a*".repeat(100), &format!("{}b", "a".repeat(99))));
        assert!(!matches(&format!("{}b", "*a".repeat(60)), &"a".repeat(255)));
    }

    fn slow(pattern: &[char], name: &[char]) -> bool {
        match pattern {
            [] => name.is_empty(),
            ['*', rest @ ..] => (0..=name.len()).any(|skip| slow(rest, &name[skip..])),
            ['?', rest @ ..] => !name.is_empty() && slow(rest, &name[1..]),
            [first, rest @ ..] => name.first() == Some(first) && slow(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn the_matcher_agrees_with_its_definition(pattern in "[ab*?]{1,8}", name in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), slow(&chars(&pattern), &chars(&name)));
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,40}") {
            let _ = Wild::parse(&text);
        }
    }
}
