//! Line ends that kubectl knows, and next to nobody else, and the mark that nobody sees: what stands behind them must not
//! be read in two ways.

use std::ops::Range;

use super::problem::Problem;

/// The odd line ends of a text that are still to be met.
pub(super) struct Breaks<'a> {
    text: &'a str,
    ahead: std::vec::IntoIter<(usize, char)>,
    /// Whether the text is JSON, in whose strings every character stands for itself.
    is_json: bool,
}

impl<'a> Breaks<'a> {
    pub(super) fn of(text: &'a str, is_json: bool) -> Self {
        let found = text.match_indices(['\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{feff}']);
        let found = found.filter(|(at, char)| match *char {
            "\r" => text.as_bytes().get(at + 1) != Some(&b'\n'),
            "\u{feff}" => *at > 0,
            _ => true,
        });
        let found = found.filter_map(|(at, char)| Some((at, char.chars().next()?)));
        Self { text, ahead: found.collect::<Vec<_>>().into_iter(), is_json }
    }

    /// Goes on behind a string in quotes: all that was passed is harmless, or else a problem.
    pub(super) fn pass(&mut self, quoted: &Range<usize>) -> Result<(), Problem> {
        while let Some(&(at, char)) = self.ahead.as_slice().first() {
            if at >= quoted.end {
                break;
            }
            if at < quoted.start || !self.means_itself(at, char) {
                return Err(problem(at, char));
            }
            self.ahead.next();
        }
        Ok(())
    }

    /// Whether the text goes on without any up to here.
    pub(super) fn none_before(&mut self, end: usize) -> Result<(), Problem> {
        self.pass(&(end..end))
    }

    /// In quotes, kubectl folds NEL to a blank, keeps the others, and takes away the blanks around them.
    fn means_itself(&self, at: usize, char: char) -> bool {
        let is_odd =
            |char: char| matches!(char, ' ' | '\t' | '\r' | '\n' | '\\' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let before = self.text.get(..at).and_then(|text| text.chars().next_back());
        let after = self.text.get(at + char.len_utf8()..).and_then(|text| text.chars().next());
        let stands_alone = !before.is_some_and(is_odd) && !after.is_some_and(is_odd);
        self.is_json || char == '\u{feff}' || (matches!(char, '\u{2028}' | '\u{2029}') && stands_alone)
    }
}

fn problem(at: usize, char: char) -> Problem {
    let (name, escape) = match char {
        '\u{85}' => ("U+0085 (next line)", "\\N"),
        '\u{2028}' => ("U+2028 (line separator)", "\\L"),
        '\u{feff}' => {
            let message = "U+FEFF (byte order mark) stands elsewhere than at the beginning, where nobody sees it\n\
                           Remove it, or write \\uFEFF in double quotes";
            return Problem::new(at, message);
        }
        '\u{2029}' => ("U+2029 (paragraph separator)", "\\P"),
        _ => {
            let message = "a carriage return alone ends a line for kubectl, and not for everybody\n\
                           End the lines of this file with a line feed, or write \\r in double quotes";
            return Problem::new(at, message);
        }
    };
    let message = format!(
        "{name} ends a line for kubectl: what follows it is read, and others do not see it\n\
         Remove it, or write {escape} in double quotes"
    );
    Problem::new(at, message)
}
