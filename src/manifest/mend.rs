//! What puts a finding right, as a value: made where the finding is, carried out by whoever may write.

use std::ops::Range;

use multipod_json::pointer::unescaped;
use multipod_values::Odd;
use multipod_yaml::{Document, Edit, Position, Style};

/// One way to put a finding right, the only one that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// What stands there.
    pub was: String,
    /// What belongs there.
    pub is: String,
    pub(super) how: How,
}

/// How the text changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// By edits of the document with this number, as messages count them.
    Edits(usize, Vec<Edit>),
    /// By other text in a part of a line, in bytes, where the old one stands; the line by its number in the file.
    Part { line: usize, at: Range<usize>, old: String, with: String },
}

impl Mend {
    pub(super) fn renamed(document: usize, pointer: &str, name: &str) -> Mend {
        let was = pointer.rsplit('/').next().map(unescaped).unwrap_or_default();
        let edit = Edit::Rename { pointer: pointer.to_owned(), name: name.to_owned() };
        Mend { was: was.into(), is: name.to_owned(), how: How::Edits(document, vec![edit]) }
    }

    /// By edits of a document.
    pub(super) fn edited(document: usize, edits: Vec<Edit>, was: String, is: String) -> Mend {
        Mend { was, is, how: How::Edits(document, edits) }
    }

    /// By other text in a part of a line.
    pub(super) fn part(line: &str, number: usize, at: Range<usize>, with: String) -> Option<Mend> {
        let old = line.get(at.clone())?.to_owned();
        Some(Mend { was: old.clone(), is: with.clone(), how: How::Part { line: number, at, old, with } })
    }

    /// By other text for a value that stands in one line.
    pub(super) fn value(document: &Document<'_>, position: &Position<'_>, with: String) -> Option<Mend> {
        if position.style == Style::Collection || position.source.contains('\n') {
            return None;
        }
        let line = document.line(position.line)?;
        let start = line.char_indices().nth(position.column.checked_sub(1)?)?.0;
        Mend::part(line, position.line, start..start + position.source.len(), with)
    }

    /// By quotes around a value that is no text without them, where nobody could take it for another text.
    pub(super) fn quoted(document: &Document<'_>, position: &Position<'_>) -> Option<Mend> {
        let source = position.source;
        let is_certain = position.style == Style::Plain && is_one_text(source);
        Mend::value(document, position, format!("\"{source}\"")).filter(|_| is_certain)
    }

    /// By plain characters for those in a part of a line that look like them. A comment stays, and so does what stands in quotes.
    pub(super) fn plain(line: &str, number: usize, part: Range<usize>) -> Option<Mend> {
        let text = line.get(part.clone())?;
        let (_, first) = Odd::first(text)?;
        let is_quote = |odd: Odd| matches!(odd, Odd::Quote(..));
        let ends = if is_quote(first) { [" #", "\u{0}"].as_slice() } else { &[" #", "\"", "'"] };
        let end = ends.iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
        let text = text.get(..end)?;
        let is_like = |odd: &Odd| is_quote(*odd) == is_quote(first);
        let plain = |c: char| Odd::of(c).filter(is_like).map(|odd| odd.meant().to_owned());
        let with: String = text.chars().map(|c| plain(c).unwrap_or_else(|| c.to_string())).collect();
        let mend = Mend::part(line, number, part.start..part.start + end, with)?;
        Some(Mend { was: mend.was.trim().to_owned(), is: mend.is.trim().to_owned(), ..mend })
    }
}

/// Whether what reads as a number or a boolean is the same as text to everybody: `1.10` and `true`, and neither `0x10` nor `yes`.
pub(super) fn is_one_text(source: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = source.strip_prefix('-').unwrap_or(source);
    let (whole, is_fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, digits(fraction)),
        None => (number, true),
    };
    let is_decimal = digits(whole) && is_fraction && (whole == "0" || !whole.starts_with('0'));
    is_decimal || matches!(source, "true" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_certain_where_all_read_the_same_text() {
        for (source, expected) in [
            ("8080", true),
            ("1.10", true),
            ("-0.5", true),
            ("true", true),
            ("yes", false),
            ("True", false),
            ("0777", false),
            ("0x10", false),
            ("1e3", false),
            ("1_000", false),
            (".5", false),
            ("1.", false),
            ("", false),
        ] {
            assert_eq!(is_one_text(source), expected, "{source}");
        }
    }

    #[test]
    fn characters_that_look_like_others_become_plain_where_they_are_no_text() {
        for (line, expected) in [
            ("a:\u{a0}1", Some("a: 1")),
            ("\u{a0}\u{a0}a:\u{a0}\"b\u{a0}c\"", Some("  a: \"b\u{a0}c\"")),
            ("a: “b” # “c”", Some("a: \"b\" # “c”")),
            ("a: b", None),
        ] {
            let mend = Mend::plain(line, 1, 0..line.len());
            let after = mend.map(|mend| {
                let How::Part { at, with, .. } = mend.how else { unreachable!() };
                format!("{}{with}{}", &line[..at.start], &line[at.end..])
            });
            assert_eq!(after.as_deref(), expected, "{line}");
        }
    }
}
