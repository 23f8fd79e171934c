//! Options are declared once: a row says what an option is called, what may stand behind it, what holds without it, what
//! it is for, and what reads it. The parser reads that row; help, errors and docs show it.

use std::borrow::Cow;
use std::time::Duration;

use super::{Span, Word};
use multipod_values::{self as value, Parsed};

/// What help, errors and docs say of one option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: &'static str,
    /// `TIME`, `tcp|http`…
    pub values: &'static str,
    pub default: Absent,
    pub meaning: &'static str,
}

impl AsRef<str> for Row {
    fn as_ref(&self) -> &str {
        self.name
    }
}

/// What holds when an option is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    Is(&'static str),
    Lasts(Duration),
    Nothing,
    Required,
}

impl Absent {
    /// As people would write it, or as help says it.
    pub fn text(self) -> Option<Cow<'static, str>> {
        match self {
            Absent::Is(text) => Some(Cow::Borrowed(text)),
            Absent::Lasts(time) => Some(Cow::Owned(value::show_duration(time))),
            Absent::Nothing | Absent::Required => None,
        }
    }
}

/// An option: its row, and what reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opt<T> {
    pub(crate) row: Row,
    pub(crate) parse: fn(&str) -> Parsed<T>,
}

/// An option whose values are called `values`.
pub(crate) const fn option<T>(
    name: &'static str,
    values: &'static str,
    parse: fn(&str) -> Parsed<T>,
    default: Absent,
    meaning: &'static str,
) -> Opt<T> {
    Opt { row: Row { name, values, default, meaning }, parse }
}

/// An option that is a time.
pub(crate) const fn time(name: &'static str, default: Duration, meaning: &'static str) -> Opt<Duration> {
    option(name, "TIME", value::duration, Absent::Lasts(default), meaning)
}

/// An option that is one of a few words.
pub(crate) const fn choice<T: Words>(name: &'static str, default: Absent, meaning: &'static str) -> Opt<T> {
    option(name, T::SYNTAX, one_word::<T>, default, meaning)
}

/// Which container of the app is meant.
pub(crate) const CONTAINER: Opt<String> = option(
    "container",
    "NAME",
    value::name,
    Absent::Is("the pod's default container"),
    "which container of the app",
);

fn one_word<T: Words>(text: &str) -> Parsed<T> {
    value::one_of(text, T::ALL)
}

/// A type whose values are words. [`words!`](crate::annotation::words) makes one.
pub(crate) trait Words: Copy + 'static {
    const ALL: &'static [(&'static str, Self)];
    /// `raw|json`
    const SYNTAX: &'static str;
}

/// An enum whose variants people write as words.
#[macro_export]
#[doc(hidden)]
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident {
        $(#[$first_doc:meta])* $first:ident = $first_word:literal
        $(, $(#[$other_doc:meta])* $other:ident = $other_word:literal)* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $(#[$first_doc])* $first,
            $($(#[$other_doc])* $other,)*
        }

        impl $crate::annotation::option::Words for $name {
            const ALL: &'static [(&'static str, Self)] =
                &[($first_word, $name::$first), $(($other_word, $name::$other)),*];
            const SYNTAX: &'static str = concat!($first_word $(, "|", $other_word)*);
        }
    };
}
pub(crate) use words;

/// An option of one item, as it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Given<T> {
    /// None where it is not written, or wrong.
    pub(crate) value: Option<T>,
    place: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    text: Span,
    whole: Span,
}

impl<T> Given<T> {
    pub(super) fn new(value: Option<T>, word: Option<&Word<'_>>) -> Self {
        Given { value, place: word.map(|word| Place { text: word.span, whole: word.whole }) }
    }

    /// Where its value stands, right or wrong, if it is written.
    pub(crate) fn text_span(&self) -> Option<Span> {
        self.place.map(|place| place.text)
    }

    /// Where it stands with its name.
    pub(crate) fn whole_span(&self) -> Option<Span> {
        self.place.map(|place| place.whole)
    }

    /// The value and its place.
    pub(crate) fn with_span(self) -> Option<(T, Span)> {
        self.value.zip(self.place.map(|place| place.text))
    }
}
