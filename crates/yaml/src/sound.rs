//! Events of a text in which nothing hides from one reader that another one sees.

use super::breaks::Breaks;
use super::events::{Event, Events, Style, Token};
use super::json_stream;
use super::problem::Problem;

pub(super) struct Sound<'a> {
    events: Events<'a>,
    breaks: Breaks<'a>,
    length: usize,
    documents: usize,
}

const BEHIND_THE_END: &str = "kubectl reads nothing between `...` and the next `---`\n\
                              Begin this document with a line `---`";

impl<'a> Sound<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let breaks = Breaks::of(text, json_stream::starts(text).is_some());
        Self { events: Events::new(text), breaks, length: text.len(), documents: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, Problem> {
        let next = match self.events.next() {
            Ok(next) => next,
            Err(problem) => return Err(self.breaks.none_before(problem.offset + 1).err().unwrap_or(problem)),
        };
        match &next {
            Some(Token { event: Event::DocumentStart { explicit }, range, .. }) => {
                self.breaks.none_before(range.start)?;
                if !explicit && self.documents > 0 {
                    return Err(Problem::new(range.start, BEHIND_THE_END));
                }
                self.documents += 1;
            }
            Some(Token {
                event: Event::Scalar { style: Style::Single | Style::Double, .. }, range, ..
            }) => {
                self.breaks.pass(range)?;
            }
            Some(_) => {}
            None => self.breaks.none_before(self.length)?,
        }
        Ok(next)
    }
}
