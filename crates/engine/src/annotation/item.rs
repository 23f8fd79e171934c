//! Reads the options of one item, or the settings of a whole value: each at most once, none that is not known.

use std::borrow::Cow;

use super::option::{Given, Opt, Row};
use super::{Item, Problem, Span, Word};
use multipod_values::{self as value, Parsed, short, suggest};

/// How many problems of one value are reported; the rest is counted.
const MOST_FAULTS: usize = 5;

/// The problems of one value, bounded whatever a hostile value holds.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    reported: Vec<Problem>,
    more: usize,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        self.tell(|| problem);
    }

    /// One more problem, which is only made if it is reported: finding what was meant costs more than all the rest.
    pub(crate) fn tell(&mut self, problem: impl FnOnce() -> Problem) {
        if self.reported.len() < MOST_FAULTS {
            self.reported.push(problem());
        } else {
            self.more += 1;
        }
    }

    /// `value` if there was no problem, else the problems.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.reported.is_empty() { Ok(value) } else { Err(self.finish()) }
    }

    /// The problems; the last one tells how many more there are.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        if self.more > 0
            && let Some(last) = self.reported.last_mut()
        {
            last.help = Some(format!("and {} more like these", self.more));
        }
        self.reported
    }

    /// How many were told so far.
    pub(crate) fn count(&self) -> usize {
        self.reported.len()
    }

    /// Gives those that were told since then an example of the item that they are about.
    pub(crate) fn exemplify<E: Into<Cow<'static, str>>>(&mut self, since: usize, example: impl Fn() -> E) {
        for problem in self.reported.iter_mut().skip(since) {
            problem.example.get_or_insert_with(|| example().into());
        }
    }

    /// A problem that would be no news where another one was found.
    pub(crate) fn push_if_none(&mut self, problem: impl FnOnce() -> Problem) {
        if self.reported.is_empty() {
            self.push(problem());
        }
    }
}

/// Where an option that is wrong in one place would be right.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Elsewhere<'r> {
    /// In an item of its own: these are settings.
    Alone(&'r [Row]),
    /// Behind an item, without a comma: these are options of its kinds of items.
    InItems(&'r [&'r [Row]]),
}

/// The options of one item (or the settings of a value, which is the same with several items).
pub(crate) struct Options<'i, 'a> {
    words: Vec<&'i Word<'a>>,
}

impl<'i, 'a> Options<'i, 'a> {
    /// The options among `words`; unknown and repeated ones become problems.
    pub(crate) fn read(
        words: impl IntoIterator<Item = &'i Word<'a>>,
        allowed: &[impl AsRef<str>],
        elsewhere: Elsewhere<'_>,
        problems: &mut Problems,
    ) -> Self {
        let mut known: Vec<&Word> = Vec::new();
        for word in words {
            let Some(key) = word.key() else { continue };
            if !has(allowed, key) {
                problems.tell(|| unknown_option(word, key, allowed, elsewhere));
            } else if known.iter().any(|seen| seen.key() == Some(key)) {
                problems.push(Problem::new(word.whole, format!("{key}= is given twice")));
            } else {
                known.push(word);
            }
        }
        Options { words: known }
    }

    /// The word of one option, if it was given.
    pub(crate) fn word(&self, key: &str) -> Option<&'i Word<'a>> {
        self.words.iter().find(|word| word.key() == Some(key)).copied()
    }

    /// One option, by its row.
    pub(crate) fn get<T>(&self, option: &Opt<T>, problems: &mut Problems) -> Given<T> {
        Given::new(self.take(option.row.name, option.parse, problems), self.word(option.row.name))
    }

    /// The value of one option, if it was given and is right.
    pub(crate) fn take<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Parsed<T>,
        problems: &mut Problems,
    ) -> Option<T> {
        let word = self.word(key)?;
        parse_word(word, parse, problems)
    }
}

/// The value of one word; what was expected instead becomes a problem.
pub(crate) fn parse_word<T>(
    word: &Word<'_>,
    parse: impl FnOnce(&str) -> Parsed<T>,
    problems: &mut Problems,
) -> Option<T> {
    match parse(&word.text) {
        Ok(value) => Some(value),
        Err(expected) => {
            let problem = Problem::new(word.span, expected);
            problems.push(match word.key() {
                Some(key) => problem.summary(format!("{} does not fit {key}=", short(&word.text))),
                None => problem,
            });
            None
        }
    }
}

fn has(names: &[impl AsRef<str>], key: &str) -> bool {
    names.iter().any(|name| name.as_ref() == key)
}

fn unknown_option(
    word: &Word<'_>,
    key: &str,
    allowed: &[impl AsRef<str>],
    elsewhere: Elsewhere<'_>,
) -> Problem {
    match elsewhere {
        Elsewhere::Alone(settings) if has(settings, key) => {
            let label = format!("{key}= is a setting of the whole pattern");
            return Problem::new(word.whole, label).help(format!(
                "Put a comma before it, so that it stands alone: \"…, {key}={}\"",
                short(&word.text)
            ));
        }
        Elsewhere::InItems(items) if items.iter().any(|options| has(options, key)) => {
            let label = format!("{key}= is an option of an item, and a comma cuts it off from its item");
            return Problem::new(word.whole, label)
                .help(format!("Leave out the comma before it: \"… {key}={}\"", short(&word.text)));
        }
        Elsewhere::Alone(_) | Elsewhere::InItems(_) => {}
    }
    let names: Vec<&str> = allowed.iter().map(AsRef::as_ref).collect();
    let meant = suggest::meant(key, names.iter().copied());
    let label = if names.is_empty() {
        "no option fits here".to_owned()
    } else {
        format!("expected {}{}", value::list(&names, "or"), suggest::hint(meant))
    };
    let name = Span { end: word.whole.start + key.len(), ..word.whole };
    Problem::new(word.whole, label).summary(format!("unknown option {}=", short(key))).meant(name, meant)
}

/// The words of all items that are settings of the whole pattern.
pub(crate) fn settings_of<'i, 'a>(items: &'i [Item<'a>]) -> impl Iterator<Item = &'i Word<'a>> {
    items.iter().filter(|item| item.is_setting()).flat_map(|item| &item.words)
}

/// The single positional word of an item; a second one becomes a problem.
pub(crate) fn only_positional<'i, 'a>(item: &'i Item<'a>, problems: &mut Problems) -> Option<&'i Word<'a>> {
    let mut words = item.positional();
    let first = words.next()?;
    if let Some(second) = words.next() {
        problems.push(
            Problem::new(second.whole, "expected one word and its options")
                .summary(format!("{} does not belong to {}", short(&second.text), short(&first.text)))
                .help("Items are separated by commas or new lines."),
        );
    }
    Some(first)
}

/// The options of one kind of item: a struct with a field for each, the list of their rows, and what reads them. They
/// stand in the order in which errors list them.
#[macro_export]
#[doc(hidden)]
macro_rules! options {
    ($(#[$doc:meta])* $vis:vis struct $name:ident {
        $($field:ident: $type:ty = $option:expr,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, PartialEq)]
        $vis struct $name {
            $($vis $field: $crate::annotation::option::Given<$type>,)*
        }

        impl $name {
            $vis const ROWS: &'static [$crate::annotation::option::Row] = &[$({
                const OPTION: $crate::annotation::option::Opt<$type> = $option;
                OPTION.row
            }),*];

            /// Reads them from the words of an item; none of `settings` belongs there.
            pub(crate) fn read(
                words: &[$crate::annotation::Word<'_>],
                settings: &[$crate::annotation::option::Row],
                problems: &mut $crate::annotation::item::Problems,
            ) -> Self {
                let options = $crate::annotation::item::Options::read(words, Self::ROWS, $crate::annotation::item::Elsewhere::Alone(settings), problems);
                $(let $field = {
                    const OPTION: $crate::annotation::option::Opt<$type> = $option;
                    options.get(&OPTION, problems)
                };)*
                $name { $($field),* }
            }
        }
    };
}
pub(crate) use options;
