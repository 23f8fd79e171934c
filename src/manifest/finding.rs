//! What people should know about their manifests, and where it stands.

use std::ops::Range;

use multipod_engine::annotation::{Excerpt, Span};
use multipod_engine::inject::DenyReason;
use multipod_engine::pattern::object::{Place, Problem, Spot};
use multipod_values::Odd;
use multipod_yaml::{Document, Position, Style};

use super::Mend;

/// The name of findings about a pod that is none.
pub(super) const UNREADABLE_POD: &str = DenyReason::UnreadablePod.slug();

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing is printed because of it.
    Error,
    /// Most likely not what was meant.
    Warning,
    /// Good to know.
    Note,
}

/// One thing that people should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is.
    pub level: Level,
    /// The machine's name for it.
    pub slug: &'static str,
    /// What it is; the first line stands alone, more lines explain it.
    pub message: String,
    /// The name of the file.
    pub file: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// `document 2, Deployment web`
    pub subject: String,
    /// The line that it is about, where there is one.
    pub mark: Option<Mark>,
    /// What puts it right, where exactly one meaning is possible.
    pub mend: Option<Mend>,
}

/// A line of a file with the bad part marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its number in the file, from 1; none where it stands in no file that was given.
    pub line: Option<usize>,
    /// What stands there.
    pub excerpt: Excerpt,
}

impl Finding {
    /// The first line of the message.
    pub fn title(&self) -> &str {
        self.message.split_once('\n').map_or(&*self.message, |(title, _)| title)
    }

    /// The lines below.
    pub fn details(&self) -> impl Iterator<Item = &str> {
        self.message.lines().skip(1)
    }

    /// The message with what is wrong at the marked place.
    pub fn whole(&self) -> String {
        let label = self.mark.as_ref().map_or("", |mark| &*mark.excerpt.label);
        let first =
            if label.is_empty() { self.title().to_owned() } else { format!("{}: {label}", self.title()) };
        std::iter::once(&*first).chain(self.details()).collect::<Vec<_>>().join("\n")
    }
}

impl Finding {
    /// A problem of a file with this text, which says more than a place where nothing is known of that.
    pub fn of_problem(problem: &Problem, text: &str) -> Finding {
        let (file, spot) = match &problem.place {
            Place::Line { file, line } => (file.clone(), *line),
            place @ Place::Field { .. } => (place.to_string(), Spot::line(1)),
        };
        let mark = match &problem.excerpt {
            Some(excerpt) => Some(Mark::of_value(text, spot, excerpt)),
            None => text.lines().nth(spot.line.saturating_sub(1)).map(|line| Mark::of_spot(line, spot)),
        };
        Finding {
            level: Level::Error,
            slug: "",
            message: problem.message.clone(),
            file,
            line: spot.line,
            column: spot.column.max(1),
            subject: String::new(),
            mark,
            mend: None,
        }
    }
}

impl Mark {
    /// A part of a line, or all that it says.
    fn of_spot(line: &str, spot: Spot) -> Mark {
        let blank = line.chars().take_while(|c| c.is_whitespace()).count();
        // A tab takes one column here, so that the carets stand where they should.
        let line = &line.replace('\t', "→");
        let byte = |column| line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        let part = match spot.column.checked_sub(1) {
            Some(start) if spot.width > 0 => byte(start)..byte(start.saturating_add(spot.width)),
            Some(start) => byte(start)..line.len(),
            None => byte(blank)..line.len(),
        };
        Mark::part(line, spot.line, part, String::new())
    }

    /// The part of a value that begins at a spot: in the line of the file, where it stands there as it is shown, else alone.
    fn of_value(text: &str, spot: Spot, excerpt: &Excerpt) -> Mark {
        let start = spot.column.saturating_sub(1);
        let is_in = |line: &str| line.trim().is_empty() || line.len() - line.trim_start().len() >= start;
        let lines = (1..).zip(text.lines()).skip(spot.line.saturating_sub(1));
        let mut lines = lines.take_while(|(number, line)| *number == spot.line || is_in(line));
        let shown = &*excerpt.line;
        let at = |line: &str, column: usize| line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        // Each line of a value of several is one of the file as a whole.
        let whole = lines.clone().find(|(_, line)| line.trim() == shown.trim());
        let found =
            whole.or_else(|| lines.next()).filter(|_| !shown.is_empty()).and_then(|(number, line)| {
                let from = if number == spot.line { at(line, start) } else { 0 };
                Some((number, line, from + line[from..].find(shown)?))
            });
        let Some((number, line, begin)) = found else {
            return Mark { line: None, excerpt: excerpt.clone() };
        };
        let part = begin + at(shown, excerpt.column)..begin + at(shown, excerpt.column + excerpt.width);
        Mark::part(line, number, part, excerpt.label.clone())
    }

    /// A line from a column on, both as positions count them.
    pub(super) fn of(document: &Document<'_>, line: usize, column: usize) -> Option<Mark> {
        Some(Mark::from(document.line(line)?, line, column))
    }

    /// The text of a line from a column on.
    pub(super) fn from(text: &str, line: usize, column: usize) -> Mark {
        // A tab takes one column here, so that the carets stand where they should.
        let text = text.trim_end().replace('\t', "→");
        let start = text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
        let span = Span { start, end: text.len() };
        Mark { line: Some(line), excerpt: Excerpt::of(&text, span, String::new()) }
    }

    /// A character that looks like another one, at its byte in a line, with what to write instead.
    pub(crate) fn odd(text: &str, line: usize, at: usize, odd: Odd) -> Mark {
        Mark::part(text, line, at..at + text[at..].chars().next().map_or(0, char::len_utf8), odd.cure())
    }

    /// A part of a line, by its bytes, with what is wrong there.
    pub(super) fn part(text: &str, line: usize, part: Range<usize>, label: String) -> Mark {
        let text = text.trim_end();
        let span = Span { start: part.start, end: part.end.min(text.len()) };
        Mark { line: Some(line), excerpt: Excerpt::of(text, span, label) }
    }

    /// The part of an annotation's value that is wrong, in the line of the file; the value alone, where it is written in a way
    /// in which its parts cannot be found again.
    pub(super) fn in_value(
        document: &Document<'_>,
        position: &Position<'_>,
        excerpt: &Excerpt,
        value: &str,
    ) -> Mark {
        let found = place_in(document, position, excerpt.span, value);
        let in_file = found.and_then(|(number, start)| {
            let line = document.line(number)?.trim_end();
            let length = excerpt.span.end.saturating_sub(excerpt.span.start);
            let span = Span { start, end: (start + length).min(line.len()) };
            Some(Mark { line: Some(number), excerpt: Excerpt::of(line, span, excerpt.label.clone()) })
        });
        in_file.unwrap_or_else(|| Mark { line: None, excerpt: excerpt.clone() })
    }
}

/// The line of the file, and the byte in it, at which a part of a value begins.
pub(super) fn place_in(
    document: &Document<'_>,
    position: &Position<'_>,
    span: Span,
    value: &str,
) -> Option<(usize, usize)> {
    let in_line = |number: usize, column: usize| {
        let line = document.line(number)?;
        Some(line.char_indices().nth(column - 1).map_or(line.len(), |(at, _)| at))
    };
    let quote = match position.style {
        Style::Plain => 0,
        Style::Single | Style::Double => 1,
        Style::Literal => {
            let before = value.get(..span.start)?;
            let (number, start) = (before.matches('\n').count(), before.rfind('\n').map_or(0, |at| at + 1));
            let content = value.get(start..)?.lines().next()?;
            let number = position.line + 1 + number;
            let line = document.line(number)?.trim_end();
            let indent = line.len().checked_sub(content.trim_end().len())?;
            let is_it = line.get(indent..) == Some(content.trim_end());
            return is_it.then_some((number, indent + span.start - start));
        }
        Style::Folded | Style::Collection => return None,
    };
    let is_as_written = position.source.get(quote..)?.starts_with(value);
    let start = in_line(position.line, position.column)?;
    (is_as_written && !value.contains('\n')).then_some((position.line, start + quote + span.start))
}
