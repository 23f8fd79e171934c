//! Path patterns: `*`, `?`, `[a-z]`, and `**` for folders at any depth.
//!
//! Own code instead of a crate: `globset` brings a whole regex engine into a sidecar that should stay small, and `glob`
//! walks the disk by itself, while the follower needs to know every folder that it looked into.

use std::str::Chars;

/// An absolute path pattern, taken apart at the slashes.
#[derive(Clone, Debug)]
pub struct Glob {
    text: String,
    parts: Vec<Part>,
}

/// What stands between two slashes.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// A name without wildcards: looked up, not searched for.
    Name(String),
    Wild(Wild),
    /// `**`: this folder and every folder below it.
    AnyDepth,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    #[error("a pattern is an absolute path such as /var/log/app/*.log")]
    NotAbsolute,
    #[error(
        "no file name after the last slash; write /* for the files in the folder, /** for those below it too"
    )]
    NoFileName,
    #[error("`[` without `]` in `{0}`; write [[] for the character itself")]
    UnclosedBracket(String),
}

impl Glob {
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        let relative = text.strip_prefix('/').ok_or(GlobError::NotAbsolute)?;
        if relative.is_empty() || relative.ends_with('/') {
            return Err(GlobError::NoFileName);
        }
        let mut parts = Vec::new();
        for part in relative.split('/').filter(|part| !part.is_empty()) {
            match part {
                "**" if matches!(parts.last(), Some(Part::AnyDepth)) => {}
                "**" => parts.push(Part::AnyDepth),
                _ => parts.push(Part::parse(part)?),
            }
        }
        if matches!(parts.last(), Some(Part::AnyDepth)) {
            parts.push(Part::Wild(Wild(vec![Token::AnyRun])));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, GlobError> {
        let mut tokens = Vec::new();
        let mut rest = text.chars();
        while let Some(next) = rest.next() {
            tokens.push(match next {
                '*' => Token::AnyRun,
                '?' => Token::AnyChar,
                '[' => Token::set(&mut rest).ok_or_else(|| GlobError::UnclosedBracket(text.to_owned()))?,
                literal => Token::Literal(literal),
            });
        }
        let wild = tokens.iter().any(|token| !matches!(token, Token::Literal(_)));
        Ok(if wild { Self::Wild(Wild(tokens)) } else { Self::Name(text.to_owned()) })
    }
}

/// A name with wildcards in it.
#[derive(Clone, Debug)]
pub(super) struct Wild(Vec<Token>);

#[derive(Clone, Debug)]
enum Token {
    Literal(char),
    AnyChar,
    AnyRun,
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Wild {
    /// As in a shell, a dot at the start is matched by a dot only: editors and copiers keep unfinished files there.
    ///
    /// A mismatch goes back to the last `*` alone, so the time is at most name × pattern, whatever the pattern.
    pub(super) fn matches(&self, name: &str) -> bool {
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
    /// The inside of `[…]`; a `]` right after the bracket is a member, as in a shell.
    fn set(rest: &mut Chars) -> Option<Self> {
        let mut negated = false;
        if rest.as_str().starts_with(['!', '^']) {
            negated = true;
            rest.next();
        }
        let mut ranges = Vec::new();
        loop {
            match rest.next()? {
                ']' if !ranges.is_empty() => return Some(Self::Set { negated, ranges }),
                low => ranges.push((low, Self::range_end(rest).unwrap_or(low))),
            }
        }
    }

    fn range_end(rest: &mut Chars) -> Option<char> {
        let mut ahead = rest.clone();
        if ahead.next() != Some('-') {
            return None;
        }
        let high = ahead.next().filter(|&high| high != ']')?;
        *rest = ahead;
        Some(high)
    }

    fn accepts(&self, char: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == char,
            Self::AnyChar | Self::AnyRun => true,
            Self::Set { negated, ranges } => {
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
        match Part::parse(pattern).unwrap() {
            Part::Name(text) => text == name,
            Part::Wild(wild) => wild.matches(name),
            Part::AnyDepth => unreachable!("parsed by Glob"),
        }
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
            ("[]-]x", "]x", true),
            ("[]-]x", "-x", true),
            ("[[]", "[", true),
            ("[*]", "*", true),
            ("[*]", "a", false),
            ("{a,b}", "a", false),
            ("**x", "aax", true),
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

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, expected) in [
            ("", GlobError::NotAbsolute),
            ("logs/*.log", GlobError::NotAbsolute),
            ("/", GlobError::NoFileName),
            ("/var/log/", GlobError::NoFileName),
            ("/var/[a-/b", GlobError::UnclosedBracket("[a-".to_owned())),
            ("/var/[]", GlobError::UnclosedBracket("[]".to_owned())),
        ] {
            assert_eq!(Glob::parse(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn two_stars_at_the_end_mean_every_file_below() {
        let glob = Glob::parse("/var//log/**/**").unwrap();
        assert!(
            matches!(glob.parts(), [Part::Name(_), Part::Name(_), Part::AnyDepth, Part::Wild(_)]),
            "{glob:?}"
        );
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
            let _ = Glob::parse(&format!("/{text}"));
        }
    }
}
