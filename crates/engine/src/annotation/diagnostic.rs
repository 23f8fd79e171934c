//! What is wrong with an annotation, where, and what to do: the one shape of every error that a user sees.

use std::borrow::Cow;
use std::fmt;

use multipod_values::suggest::Meant;
use multipod_values::{masked, visible};

use super::{Key, Span};

/// How much of a long line is shown around the problem.
const WINDOW: usize = 100;

/// One problem in a value, before it is known whose value it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bad part of the value.
    pub span: Span,
    /// What stands under the caret.
    pub label: String,
    /// What the first line says, where the label alone would say too little.
    pub(crate) summary: Option<String>,
    /// What to do instead, where it is not obvious.
    pub(crate) help: Option<String>,
    /// A whole value that works, where that of the key is about something else.
    pub(crate) example: Option<Cow<'static, str>>,
    /// What belongs in the place of a part, where that is certain.
    pub(crate) meant: Option<Box<(Span, String)>>,
}

impl Problem {
    /// A problem at `span`.
    pub(crate) fn new(span: Span, label: impl Into<String>) -> Self {
        Problem { span, label: label.into(), summary: None, help: None, example: None, meant: None }
    }

    /// A problem of a value as a whole.
    pub(crate) fn of_all(value: &str, label: impl Into<String>) -> Self {
        Problem::new(Span { start: 0, end: value.len() }, label)
    }

    /// With the first line of the message.
    #[must_use]
    pub(crate) fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = Some(summary.into());
        self
    }

    /// With the word that belongs in the place of a part, if that is certain.
    #[must_use]
    pub(crate) fn meant(mut self, part: Span, meant: Option<Meant<'_>>) -> Self {
        self.meant =
            meant.filter(|meant| meant.is_certain).map(|meant| Box::new((part, meant.word.to_owned())));
        self
    }

    /// With a line that says what to do.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Who wrote a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The pod's own annotation.
    Pod,
    /// An annotation of the pod's namespace.
    Namespace(String),
    /// A policy, by name.
    Policy(String),
}

impl Source {
    /// What people call it.
    pub(crate) fn text(&self) -> Cow<'static, str> {
        match self {
            Source::Pod => Cow::Borrowed("the pod"),
            Source::Namespace(name) => Cow::Owned(format!("namespace {name}")),
            Source::Policy(name) => Cow::Owned(format!("policy {name}")),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A problem together with the key and value that it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The annotation key, in full.
    pub key: String,
    /// Who wrote it.
    pub source: Source,
    /// What is wrong, in one line.
    pub(crate) summary: String,
    /// The part of the value that is shown, and the caret line below it; empty where there is nothing to show.
    pub excerpt: Option<Excerpt>,
    /// What to do instead.
    pub(crate) help: Option<String>,
    /// A complete value that works.
    pub(crate) example: Option<Cow<'static, str>>,
    /// What belongs in the place of a part of the value, where that is certain.
    pub meant: Option<Box<(Span, String)>>,
}

/// One line of a value with the bad part marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, shortened around the problem.
    pub line: String,
    /// The column of the first caret, in characters.
    pub column: usize,
    /// How many carets.
    pub width: usize,
    /// What stands behind the carets.
    pub label: String,
    /// The bad part as bytes of the whole value.
    pub span: Span,
}

impl Diagnostic {
    /// A problem in the value of a known key.
    pub fn of(key: Key, source: Source, value: &str, problem: Problem) -> Self {
        // Where the label says all, it stands in the first line, and the carets alone mark the place.
        let (summary, label) = match problem.summary {
            Some(summary) => (summary, problem.label),
            None => (problem.label, String::new()),
        };
        Diagnostic {
            key: key.full().to_owned(),
            source,
            summary,
            excerpt: Some(Excerpt::of(value, problem.span, label)),
            help: problem.help,
            example: Some(problem.example.unwrap_or(Cow::Borrowed(key.example()))),
            meant: problem.meant,
        }
    }
}

impl Diagnostic {
    /// All that it says on one line, for warnings, which have no other: what is wrong, what to do, an example.
    pub(crate) fn on_one_line(&self) -> String {
        let mut line = self.first_line();
        if let Some(excerpt) = self.excerpt.as_ref().filter(|excerpt| !excerpt.label.is_empty()) {
            line.extend([": ", &excerpt.label]);
        }
        for below in self.below() {
            line.extend([". ", &below]);
        }
        line
    }

    /// What is wrong, in one line.
    pub fn first_line(&self) -> String {
        let mut line = format!("{}: {}", self.key, self.summary);
        if self.source != Source::Pod {
            line.extend([" (set by ", &*self.source.text(), ")"]);
        }
        line
    }

    /// The part of the value that is marked, as far as it is shown.
    pub fn marked(&self) -> &str {
        let Some(Excerpt { line, column, width, .. }) = &self.excerpt else { return "" };
        let at = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        line.get(at(*column)..at(column + width)).unwrap_or_default()
    }

    /// What stands below the excerpt: what to do, and an example.
    pub fn below(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let example = self.example.as_ref().map(|example| format!("Example: {}: \"{example}\"", self.key));
        self.help.as_deref().map(Cow::Borrowed).into_iter().chain(example.map(Cow::Owned))
    }
}

impl Excerpt {
    /// The line of a text in which a span begins.
    pub fn of(value: &str, span: Span, label: String) -> Self {
        // A span that is wrong must not cost more than a wrong mark.
        let start = value.floor_char_boundary(span.start);
        let line_start = value[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = value[start..].find('\n').map_or(value.len(), |at| start + at);
        let end = value.ceil_char_boundary(span.end.clamp(start, line_end));
        let before = value[line_start..start].chars().count();
        let marked = value[start..end].chars().count().max(1);

        let skipped = before.saturating_sub(WINDOW / 2);
        let mut line = String::new();
        let mut column = before - skipped;
        if skipped > 0 {
            line.push('…');
            column += 1;
        }
        let shown = masked(&value[line_start..line_end]);
        let mut rest = shown.chars().skip(skipped);
        line.extend(rest.by_ref().take(WINDOW).map(visible));
        if rest.next().is_some() {
            line.push('…');
        }
        let width = marked.min(line.chars().count().saturating_sub(column)).max(1);
        Excerpt { line, column, width, label, span }
    }
}

/// Two lines: the text, and the mark below. Behind a line on the left, because some show all of it on one line: value and
/// carets stay apart.
impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  | {}\n  | {}", self.line, format!("{} {}", self.carets(), self.label).trim_end())
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first_line())?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        self.below().try_for_each(|line| write!(f, "\n{line}"))
    }
}

impl Excerpt {
    /// What stands below the line: blanks and the carets; the label goes behind them.
    pub fn carets(&self) -> String {
        let (column, width) = (self.column, self.width);
        format!("{:column$}{:^<width$}", "", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(value: &str, start: usize, end: usize) -> String {
        let problem = Problem::new(Span { start, end }, "expected a port between 1 and 65535")
            .summary("8o:8775 is not LISTEN:TARGET");
        Diagnostic::of(Key::Ambassador, Source::Pod, value, problem).to_string()
    }

    #[test]
    fn the_message_shows_key_value_caret_and_example() {
        assert_eq!(
            diagnostic("8o:8775 mode=http", 0, 2),
            "multipod/ambassador: 8o:8775 is not LISTEN:TARGET\n\
             \x20 | 8o:8775 mode=http\n\
             \x20 | ^^ expected a port between 1 and 65535\n\
             Example: multipod/ambassador: \"80:8775\""
        );
    }

    #[test]
    fn only_the_line_with_the_fault_is_shown() {
        let text = diagnostic("81:1,\n8o:8775", 6, 8);
        assert!(text.contains("\n  | 8o:8775\n  | ^^ expected"), "{text}");
    }

    #[test]
    fn a_huge_value_is_cut_around_the_fault() {
        let value = format!("{}8o:8775{}", "80:8775,".repeat(20_000), ",80:8775".repeat(20_000));
        let text = diagnostic(&value, 160_000, 160_002);
        assert!(text.len() < 600, "{}", text.len());
        let lines: Vec<&str> = text.lines().collect();
        let caret = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().skip(caret).take(2).collect::<String>(), "8o");
    }

    #[test]
    fn secrets_that_should_not_stand_in_a_value_are_not_shown() {
        for (value, shown) in [
            ("https://bob:hunter2@git/x into=/a", "https://bob:*******@git/x into=/a"),
            ("https://t0ken@git/x, y", "https://*****@git/x, y"),
            ("clone https://bob:hun/ter@2@git/x", "clone https://bob:*********@git/x"),
            ("to=otlp://bob:é@logs:1", "to=otlp://bob:*@logs:1"),
            ("80:postgres://bob:hunter2@db:1/x", "80:postgres://bob:*******@db:1/x"),
            ("redis password=hunter2,x", "redis password=*******,x"),
            ("redis password=\"hunter2\" Token=a", "redis password=********* Token=*"),
            ("ssh://git@git.example/x", "ssh://git@git.example/x"),
            ("https://git.example:8443/site@v1", "https://git.example:8443/site@v1"),
            ("80:@orders mode=http", "80:@orders mode=http"),
            ("redis secret=mine password-key=p", "redis secret=mine password-key=p"),
        ] {
            assert_eq!(multipod_values::short(value), shown);
            let start = value.len() - 1;
            let problem = Problem::new(Span { start, end: start + 1 }, "x");
            let text = Diagnostic::of(Key::Init, Source::Pod, value, problem).to_string();
            let caret = format!("\n  | {shown}\n  | {:>1$}\n", '^', value.chars().count());
            assert!(text.contains(&caret), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_span_of_any_value_can_be_shown(value in "(?s).{0,120}", a in 0usize..140, b in 0usize..140) {
            let boundary = |at: usize| (0..=at.min(value.len())).rev().find(|at| value.is_char_boundary(*at)).unwrap();
            let (start, end) = (boundary(a.min(b)), boundary(a.max(b)));
            let problem = Problem::new(Span { start, end }, "x");
            let text = Diagnostic::of(Key::Init, Source::Pod, &value, problem).to_string();
            proptest::prop_assert!(text.contains('^'));
        }
    }
}
