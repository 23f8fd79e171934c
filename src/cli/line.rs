//! Lines of text whose parts have a tone, so that widths are counted before colours are put in.

use std::fmt;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

/// What a part of a line means; colour only repeats what the words say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    /// Ordinary text.
    #[default]
    Plain,
    /// Headings and names.
    Strong,
    /// What multipod adds.
    Ours,
    /// What frames the rest.
    Quiet,
    /// What is refused.
    Bad,
    /// What needs attention.
    Caution,
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(anstyle::Color::Ansi(colour)));
        match self {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().bold(),
            Tone::Ours => colour(AnsiColor::Green),
            Tone::Quiet => Style::new().dimmed(),
            Tone::Bad => colour(AnsiColor::Red).bold(),
            Tone::Caution => colour(AnsiColor::Yellow),
        }
    }
}

/// One line; its display holds the colours, its plain text does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    parts: Vec<(Tone, String)>,
}

impl Line {
    /// A line of one part.
    pub(super) fn of(tone: Tone, text: impl AsRef<str>) -> Self {
        Line::default().and(tone, text)
    }

    /// A line in the ordinary tone.
    pub(super) fn plain(text: impl AsRef<str>) -> Self {
        Line::of(Tone::Plain, text)
    }

    /// The line with one more part; what would break the terminal is shown as one sign.
    #[must_use]
    pub(super) fn and(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        let text: String = text.as_ref().chars().map(multipod_values::visible).collect();
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some((last, there)) if *last == tone => there.push_str(&text),
            _ => self.parts.push((tone, text)),
        }
        self
    }

    /// The line with another one behind it.
    #[must_use]
    pub(super) fn join(mut self, other: Line) -> Self {
        for (tone, text) in other.parts {
            self = self.and(tone, text);
        }
        self
    }

    /// How many columns it takes.
    pub(super) fn width(&self) -> usize {
        self.parts.iter().map(|(_, text)| width(text)).sum()
    }

    /// The line in exactly this many columns: cut with `ellipsis`, or filled with blanks.
    #[must_use]
    pub(super) fn fit(mut self, columns: usize, ellipsis: &str) -> Self {
        let own = self.width();
        if own <= columns {
            self.parts.push((Tone::Plain, " ".repeat(columns - own)));
            return self;
        }
        let mut left = columns.saturating_sub(width(ellipsis));
        let mut cut = Line::default();
        for (tone, text) in self.parts {
            let kept = take(&text, left);
            left -= width(&kept);
            let whole = kept.len() == text.len();
            cut.parts.push((tone, kept));
            if !whole {
                cut.parts.push((tone, ellipsis.to_owned()));
                break;
            }
        }
        let own = cut.width();
        cut.parts.push((Tone::Plain, " ".repeat(columns.saturating_sub(own))));
        cut
    }

    /// The line in pieces of at most this many columns; those behind the first stand two columns to the right.
    pub(super) fn wrapped(self, columns: usize) -> Vec<Line> {
        // A sign is at most two columns wide, and has to fit behind the two.
        let columns = columns.max(4);
        if self.width() <= columns {
            return vec![self];
        }
        let mut lines = Vec::new();
        let mut line = Line::default();
        for (tone, text) in self.parts {
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let mut kept = take(rest, columns - line.width());
                if kept.len() < rest.len() {
                    kept.truncate(good_break(&kept));
                }
                rest = &rest[kept.len()..];
                line = line.and(tone, kept);
                if !rest.is_empty() {
                    lines.push(std::mem::replace(&mut line, Line::plain("  ")));
                }
            }
        }
        lines.push(line);
        lines
    }

    /// The line with words behind it, which go on below where they begin. A word that is wider than what is left stays whole.
    pub(super) fn hanging(self, tone: Tone, words: &str, columns: usize) -> Vec<Line> {
        let indent = self.width();
        let mut lines = vec![self];
        for word in words.split(' ') {
            let Some(line) = lines.last_mut() else { break };
            let is_first = line.width() == indent;
            if !is_first && line.width() + 1 + width(word) > columns {
                lines.push(Line::plain(" ".repeat(indent)).and(tone, word));
                continue;
            }
            let blank = if is_first { "" } else { " " };
            *line = std::mem::take(line).and(tone, format!("{blank}{word}"));
        }
        lines
    }

    /// The line in pieces of at most this many columns, broken between words; each but the first begins with `below`. A word
    /// that is wider stays whole, and so does a value between quotes, which is to be copied.
    pub(super) fn folded(self, columns: usize, below: &Line) -> Vec<Line> {
        if self.width() <= columns {
            return vec![self];
        }
        let mut lines = Vec::new();
        let mut line = Line::default();
        // A line begins behind what it is indented by.
        let mut begin = self.text().chars().take_while(|c| *c == ' ').count();
        let mut rest = self;
        while let Some((word, more)) = rest.first_word() {
            rest = more;
            if line.width() > begin && line.width() + word.clone().trimmed().width() > columns {
                begin = below.width();
                lines.push(std::mem::replace(&mut line, below.clone()).trimmed());
            }
            line = line.join(word);
        }
        lines.push(line);
        lines
    }

    /// The first word with the blanks around it, and what stands behind them; a value between quotes is one word.
    fn first_word(&self) -> Option<(Line, Line)> {
        let text = self.text();
        if text.is_empty() {
            return None;
        }
        let begin = text.len() - text.trim_start_matches(' ').len();
        let word = text.get(begin..).unwrap_or_default();
        let end = quoted(word).unwrap_or_default();
        let end = begin + word[end..].find(' ').map_or(word.len(), |at| end + at);
        let blanks = text[end..].len() - text[end..].trim_start_matches(' ').len();
        Some(self.split_at(end + blanks))
    }

    /// The line up to a byte of its text, and what stands behind.
    fn split_at(&self, at: usize) -> (Line, Line) {
        let (mut before, mut behind, mut left) = (Line::default(), Line::default(), at);
        for (tone, text) in &self.parts {
            let (first, second) = text.split_at(text.floor_char_boundary(left));
            before = before.and(*tone, first);
            behind = behind.and(*tone, second);
            left = left.saturating_sub(text.len());
        }
        (before, behind)
    }

    /// The text without colours.
    pub(super) fn text(&self) -> String {
        self.parts.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The line without blanks at its end.
    #[must_use]
    pub(super) fn trimmed(mut self) -> Self {
        while let Some((_, text)) = self.parts.last_mut() {
            text.truncate(text.trim_end().len());
            if !text.is_empty() {
                break;
            }
            self.parts.pop();
        }
        self
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (tone, text) in &self.parts {
            let style = tone.style();
            write!(f, "{style}{text}{style:#}")?;
        }
        Ok(())
    }
}

/// Lines as a stream takes them: with colours, or without.
pub(super) fn shown(lines: &[Line], stream: &impl RawStream) -> String {
    let plain = AutoStream::choice(stream) == ColorChoice::Never;
    let lines = lines.iter().cloned().map(Line::trimmed);
    lines.map(|line| if plain { line.text() + "\n" } else { format!("{line}\n") }).collect()
}

/// How many columns a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// The longest beginning that fits.
fn take(text: &str, most: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += columns(*c);
            used <= most
        })
        .collect()
}

/// Where a value between quotes that a text begins with ends.
fn quoted(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inside.char_indices().find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map(|(at, _)| at + 2)
}

/// Where a text is best broken: behind a sign between words that stands in its second half, else at its end.
fn good_break(text: &str) -> usize {
    let is_good = |(at, c): &(usize, char)| match c {
        ' ' | '/' | '.' | ',' => true,
        // Not the one of an arrow.
        '-' => text[..*at].ends_with(char::is_alphanumeric),
        _ => false,
    };
    let after = text.char_indices().rev().find(is_good).map_or(0, |(at, _)| at + 1);
    if after > text.len() / 2 { after } else { text.len() }
}

/// Counted letter by letter: a text may be cut between any two, and its pieces must add up to the whole.
fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_on_below_where_they_begin_and_none_is_cut() {
        let lines = Line::of(Tone::Strong, "ab  ").hanging(Tone::Plain, "some words that-are-long go on", 12);
        let lines: Vec<String> = lines.iter().map(Line::text).collect();
        assert_eq!(lines, ["ab  some", "    words", "    that-are-long", "    go on"]);
    }

    #[test]
    fn an_arrow_stays_whole() {
        let lines: Vec<String> =
            Line::plain("some-where -> app").wrapped(12).iter().map(Line::text).collect();
        assert_eq!(lines, ["some-where ", "  -> app"]);
    }

    #[test]
    fn a_line_is_folded_between_words_and_values_stay_whole() {
        let folded = |line: Line, columns: usize| {
            let lines = line.folded(columns, &Line::plain("  "));
            lines.iter().map(Line::text).collect::<Vec<_>>()
        };
        for (text, columns, expected) in [
            ("short", 20, &["short"][..]),
            ("one two three four", 9, &["one two", "  three", "  four"]),
            ("a-word-that-is-long and one", 9, &["a-word-that-is-long", "  and one"]),
            ("says \"a b c\", and \"d e\" ok", 12, &["says", "  \"a b c\",", "  and \"d e\"", "  ok"]),
            ("says \"a \\\" b\" and", 12, &["says", "  \"a \\\" b\"", "  and"]),
            ("says \"more than fits\" on", 10, &["says", "  \"more than fits\"", "  on"]),
            ("5\" and \"open", 6, &["5\" and", "  \"open"]),
            ("    indented words", 12, &["    indented", "  words"]),
            ("日本 語語 日本", 9, &["日本 語語", "  日本"]),
        ] {
            assert_eq!(folded(Line::plain(text), columns), expected, "{text}");
        }
        let line = Line::of(Tone::Bad, "x y").and(Tone::Quiet, "z w").folded(5, &Line::default());
        assert_eq!(line, [Line::of(Tone::Bad, "x y").and(Tone::Quiet, "z"), Line::of(Tone::Quiet, "w")]);
    }

    #[test]
    fn a_line_fits_exactly_whatever_it_holds() {
        for (text, columns, expected) in [
            ("abc", 5, "abc  "),
            ("abcdef", 4, "abc…"),
            ("abcd", 4, "abcd"),
            ("日本語", 6, "日本語"),
            ("日本語", 4, "日… "),
            ("", 2, "  "),
        ] {
            let line = Line::plain(text).fit(columns, "…");
            assert_eq!((line.text().as_str(), line.width()), (expected, columns), "{text}");
        }
    }

    #[test]
    fn a_cut_spares_the_parts_before_it() {
        let line = Line::of(Tone::Ours, "+ ").and(Tone::Strong, "name").and(Tone::Quiet, "rest");
        assert_eq!(line.clone().fit(5, "…").text(), "+ na…");
        assert_eq!(line.fit(7, "…").text(), "+ name…");
    }

    #[test]
    fn a_long_line_goes_on_below_and_loses_nothing() {
        for (text, columns, expected) in [
            ("abcd", 4, &["abcd"][..]),
            ("abcdefg", 4, &["abcd", "  ef", "  g"]),
            ("日本語", 5, &["日本", "  語"]),
            ("abcdef", 0, &["abcd", "  ef"]),
            ("one two three", 9, &["one two ", "  three"]),
            ("name.of.host:1", 11, &["name.of.", "  host:1"]),
        ] {
            let lines = Line::plain(text).wrapped(columns);
            assert_eq!(lines.iter().map(Line::text).collect::<Vec<_>>(), expected, "{text}");
        }
        let line = Line::of(Tone::Ours, "+ ").and(Tone::Strong, "name").wrapped(4);
        assert_eq!(line[1], Line::plain("  ").and(Tone::Strong, "me"));
    }

    #[test]
    fn colours_and_control_characters_never_reach_the_text() {
        let line = Line::of(Tone::Bad, "a\u{1b}[31m").and(Tone::Plain, "b  ").trimmed();
        assert_eq!(line.text(), "a\u{fffd}[31mb");
        assert!(line.to_string().contains("\u{1b}[1m"));
    }
}
