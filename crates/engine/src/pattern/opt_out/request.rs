//! Reads the value of `multipod/opt-out`.

use crate::annotation::item::Problems;
use crate::annotation::key::PREFIX;
use crate::annotation::{Item, Key, Problem, Span, lexer};
use multipod_values::{self as value, short, suggest};

/// What a pod declines of what policies and its namespace would add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptOut {
    pub(crate) all: bool,
    pub(crate) keys: Vec<Key>,
}

impl OptOut {
    /// Whether this key is declined.
    pub fn declines(&self, key: Key) -> bool {
        self.all || self.keys.contains(&key)
    }
}

/// Reads the value of `multipod/opt-out`.
pub fn parse(text: &str) -> Result<OptOut, Vec<Problem>> {
    let items = lexer::lex(text).map_err(|problem| vec![problem])?;
    let mut problems = Problems::default();
    let mut out = OptOut::default();
    for word in items.iter().flat_map(|item: &Item<'_>| &item.words) {
        if word.key.is_some() {
            problems.push(Problem::new(word.whole, "no option fits here"));
            continue;
        }
        match (&*word.text, Key::from_name(&word.text)) {
            ("all", _) => out.all = true,
            (_, Some(Key::OptOut) | None) => problems.tell(|| unknown(&word.text, word.span)),
            (_, Some(key)) if out.keys.contains(&key) => {
                problems.push(Problem::new(word.span, format!("{} is named twice", key.name())));
            }
            (_, Some(key)) => out.keys.push(key),
        }
    }
    if out == OptOut::default() {
        problems.push_if_none(|| {
            Problem::of_all(text, "expected the names of patterns, or all").summary("nothing is named")
        });
    }
    problems.or(out)
}

fn unknown(word: &str, span: Span) -> Problem {
    let own = word.strip_prefix(PREFIX).unwrap_or(word);
    let names = || Key::ALL.iter().filter(|key| **key != Key::OptOut).map(|key| key.name()).chain(["all"]);
    let listed: Vec<&str> = names().collect();
    let meant = suggest::meant(own, names());
    let label = format!("expected {}{}", value::list(&listed, "or"), suggest::hint(meant));
    Problem::new(span, label).summary(format!("{} is not a pattern", short(word))).meant(span, meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opting_out_names_patterns_or_all() {
        assert!(parse("all").unwrap().declines(Key::Sync));
        let some = parse("logging, metrics").unwrap();
        assert!(some.declines(Key::Logging) && !some.declines(Key::Sync));
        for text in ["", "loging", "opt-out", "logging=1", "logging logging"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_whole_key_is_told_its_last_part() {
        let problems = parse("multipod/logging").unwrap_err();
        assert!(problems[0].label.ends_with(", did you mean logging?"), "{}", problems[0].label);
    }
}
