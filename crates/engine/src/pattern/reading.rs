//! One document of YAML, read strictly; what is wrong in it, where it stands, and in words of those who wrote it.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Location};

use multipod_values::{list, mismatch, short, suggest};

/// Longer documents are refused before they are parsed.
pub(super) const LONGEST: usize = 256 * 1024;

/// A part of a line. Its display is the number of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// From 1.
    pub line: usize,
    /// In characters, from 1; 0 where it is about the line as a whole.
    pub column: usize,
    /// How many characters it has, which may be more than are left in the line.
    pub width: usize,
}

impl Spot {
    /// A line as a whole.
    pub const fn line(line: usize) -> Spot {
        Spot { line, column: 0, width: 0 }
    }

    /// The same behind so many lines more.
    pub(super) fn below(self, lines: usize) -> Spot {
        Spot { line: lines + self.line.max(1), ..self }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line.fmt(f)
    }
}

/// What is wrong in a document, and where.
pub type Fault = (Spot, String);

/// One YAML document as `T` describes it; else what is wrong.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    if text.len() > LONGEST {
        return Err((Spot::line(1), format!("the document is longer than {} KiB", LONGEST / 1024)));
    }
    // Booleans and octal numbers as kubectl reads them, so that a file means the same in a cluster and in a folder.
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let spot = error.location().map_or(Spot::line(1), |location| spot_of(&location));
        if matches!(error, Error::ExternalMessage { .. }) {
            return no_yaml(text, spot, &words(&error));
        }
        (spot, words(&error))
    })
}

/// Most likely a tab, which parsers find in the line before it.
fn no_yaml(text: &str, spot: Spot, problem: &str) -> Fault {
    let near = (1..).zip(text.lines()).skip(spot.line.saturating_sub(1)).take(2);
    let tab = |line: &str| line.chars().take_while(|c| c.is_whitespace()).position(|c| c == '\t');
    match near.into_iter().find_map(|(number, line)| Some((number, tab(line)?))) {
        Some((line, at)) => {
            let message = "a tab stands before the content of this line; YAML is indented by blanks alone";
            (Spot { line, column: at + 1, width: 1 }, message.to_owned())
        }
        None => (spot, format!("this is no YAML: {problem}")),
    }
}

/// Where a `Spanned` value stands in its document.
pub(crate) fn spot_of(location: &Location) -> Spot {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Spot {
        line: number(location.line()).max(1),
        column: number(location.column()),
        width: number(location.span().len()),
    }
}

/// A field that is none of these, all of which are told where none of them was meant.
pub(crate) fn unknown_field(field: &str, known: &[&str]) -> String {
    if let Some(meant) = suggest::nearest(field, known.iter().copied()) {
        return format!("unknown field {}, did you mean {meant}?", short(field));
    }
    let (last, others) = known.split_last().unwrap_or((&"none", &[]));
    let or = if others.is_empty() { "" } else { " or " };
    format!("unknown field {}, expected {}{or}{last}", short(field), others.join(", "))
}

/// Without the words of the parser.
fn words(error: &Error) -> String {
    match error {
        Error::AliasError { error, .. } => words(error),
        Error::SerdeUnknownField { field, expected, .. } => unknown_field(field, expected),
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let meant = suggest::did_you_mean(variant, expected.iter().copied());
            format!("expected {}{meant}", list(expected, "or"))
        }
        Error::SerdeMissingField { field, .. } => format!("the field {field} is missing"),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => mismatch::told(unexpected, expected),
        Error::Unexpected { expected, .. } => format!("expected {}", in_words(expected)),
        Error::InvalidScalar { ty, .. } => format!("expected {}", mismatch::wanted(ty)),
        Error::InvalidBooleanStrict { .. } => "expected true or false".to_owned(),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("{} is there twice", short(key)),
        other => without_place(&other.to_string()),
    }
}

/// The events of a parser, as people know them.
fn in_words(event: &str) -> &str {
    match event {
        "mapping start" => "a map",
        "sequence start" => "a list",
        "scalar" | "string scalar" => "text",
        other => other,
    }
}

/// The message names line and column too; ours names the line of the file instead.
fn without_place(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].trim_end_matches([':', ' ']).replace('\n', " ")
}
