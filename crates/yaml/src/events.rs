//! A small interface to the YAML parser; no other file depends on that crate.

use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::Range;

use granit_parser::{Event as Raw, Parser, ScalarStyle, StrInput, StructureStyle, Tag, options};

use super::problem::Problem;

/// How deep values may nest; the JSON readers of Kubernetes and serde stop near here too.
pub(super) const MAX_DEPTH: usize = 127;

/// How a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `text`
    Plain,
    /// `'text'`
    Single,
    /// `"text"`
    Double,
    /// `|` and the lines below.
    Literal,
    /// `>` and the lines below.
    Folded,
    Collection,
}

/// What stands next in the text.
#[derive(Debug)]
pub(super) enum Event<'a> {
    DocumentStart { explicit: bool },
    DocumentEnd { explicit: bool },
    Alias { anchor: usize },
    Scalar { text: Cow<'a, str>, style: Style },
    SequenceStart { flow: bool },
    MappingStart { flow: bool },
    End,
}

/// An event with its place in the text, in bytes, and the properties of the node it starts.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub(super) event: Event<'a>,
    pub(super) range: Range<usize>,
    pub(super) anchor: Option<usize>,
    pub(super) tag: Option<String>,
    /// Tag and anchor, where they were written.
    pub(super) properties: Option<Range<usize>>,
}

pub(super) struct Events<'a> {
    parser: Peekable<Parser<'a, StrInput<'a>>>,
}

impl<'a> Events<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let options = options! {
            emit_anchor_events: true,
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        Self { parser: Parser::new_from_str_with_options(text, options).peekable() }
    }

    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, Problem> {
        while let Some(next) = self.parser.next() {
            let (raw, span) = next.map_err(|error| {
                let offset = error.marker().byte_offset().unwrap_or_default();
                Problem::new(offset, explained(error.info()))
            })?;
            let range = span.byte_range().unwrap_or_default();
            let tag_range = span.tag_span().and_then(|span| span.byte_range());
            let Some((event, anchor, tag)) = translate(raw, &range) else { continue };
            let anchor_range = self.anchor_range(anchor.is_some());
            let properties = match (tag_range, anchor_range) {
                (Some(tag), Some(anchor)) => Some(tag.start.min(anchor.start)..tag.end.max(anchor.end)),
                (tag, anchor) => tag.or(anchor),
            };
            return Ok(Some(Token { event, range, anchor, tag, properties }));
        }
        Ok(None)
    }

    /// The parser names an anchor right after the node that carries it.
    fn anchor_range(&mut self, anchored: bool) -> Option<Range<usize>> {
        if !anchored {
            return None;
        }
        let next = self.parser.next_if(|next| matches!(next, Ok((Raw::Anchor(..), _))));
        next.and_then(Result::ok).and_then(|(_, span)| span.byte_range())
    }
}

/// People who write a glob without quotes have never heard of anchors.
fn explained(message: String) -> String {
    let is_alias = message.contains("unknown anchor");
    if is_alias { message + "; a value that begins with * stands in quotes" } else { message }
}

fn translate<'a>(raw: Raw<'a>, range: &Range<usize>) -> Option<(Event<'a>, Option<usize>, Option<String>)> {
    Some(match raw {
        Raw::DocumentStart(explicit, _) => (Event::DocumentStart { explicit }, None, None),
        Raw::DocumentEnd => (Event::DocumentEnd { explicit: !range.is_empty() }, None, None),
        Raw::Alias(anchor) => (Event::Alias { anchor }, None, None),
        Raw::Scalar(text, style, anchor, tag) => {
            // An absent value is reported as `~` that takes no room.
            let text = if range.is_empty() && style == ScalarStyle::Plain { Cow::Borrowed("") } else { text };
            (Event::Scalar { text, style: style.into() }, nonzero(anchor), tag.map(name))
        }
        Raw::SequenceStart(style, anchor, tag) => {
            (Event::SequenceStart { flow: style == StructureStyle::Flow }, nonzero(anchor), tag.map(name))
        }
        Raw::MappingStart(style, anchor, tag) => {
            (Event::MappingStart { flow: style == StructureStyle::Flow }, nonzero(anchor), tag.map(name))
        }
        Raw::SequenceEnd | Raw::MappingEnd => (Event::End, None, None),
        _ => return None,
    })
}

fn nonzero(anchor: usize) -> Option<usize> {
    (anchor != 0).then_some(anchor)
}

/// `!!str` for tags of YAML itself, all others in full.
#[expect(clippy::needless_pass_by_value, reason = "maps over an owned option")]
fn name(tag: Cow<'_, Tag>) -> String {
    let full = format!("{}{}", tag.handle(), tag.suffix());
    match full.strip_prefix("tag:yaml.org,2002:") {
        Some(suffix) => format!("!!{suffix}"),
        None => full,
    }
}

impl From<ScalarStyle> for Style {
    fn from(style: ScalarStyle) -> Self {
        match style {
            ScalarStyle::Plain => Self::Plain,
            ScalarStyle::SingleQuoted => Self::Single,
            ScalarStyle::DoubleQuoted => Self::Double,
            ScalarStyle::Literal => Self::Literal,
            ScalarStyle::Folded => Self::Folded,
        }
    }
}
