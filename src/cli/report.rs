//! Messages on standard error, in the style of compilers.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::manifest::{Finding, Level, NO_POD_TEMPLATE, Outcome};

use super::line::{Line, Tone, shown};
use super::width::Width;

/// Why a command failed: everything that was wrong, nothing where all has been reported already.
#[derive(Debug, Default)]
pub(super) struct Failure(Vec<Wrong>);

#[derive(Debug)]
enum Wrong {
    /// Without a place in a file.
    Told(String),
    Found(Box<Finding>),
}

impl Failure {
    pub(super) fn one(message: impl Into<String>) -> Failure {
        Failure(vec![Wrong::Told(message.into())])
    }

    /// Something was wrong for sure.
    pub(super) fn all(messages: Vec<String>) -> Failure {
        Failure(messages.into_iter().map(Wrong::Told).collect())
    }

    /// The same with a place for each problem.
    pub(super) fn of(findings: Vec<Finding>) -> Failure {
        Failure(findings.into_iter().map(|finding| Wrong::Found(Box::new(finding))).collect())
    }

    /// `good` if there are no messages.
    pub(super) fn unless_empty<T>(messages: Vec<String>, good: T) -> Result<T, Failure> {
        Failure::all(messages).or(good)
    }

    /// `good` if nothing was wrong.
    pub(super) fn or<T>(self, good: T) -> Result<T, Failure> {
        if self.0.is_empty() { Ok(good) } else { Err(self) }
    }

    /// And what else was wrong.
    #[must_use]
    pub(super) fn and(mut self, other: Failure) -> Failure {
        self.0.extend(other.0);
        self
    }

    /// Prints everything; the exit code is that of wrong arguments.
    pub(super) fn report(self) -> ExitCode {
        let width = Width::of(&io::stderr());
        let word = Line::of(Tone::Bad, "error");
        let lines = self.0.iter().flat_map(|wrong| match wrong {
            Wrong::Told(message) => said(&word, message, width),
            Wrong::Found(finding) => rendered(finding, width),
        });
        print(&shown(&lines.collect::<Vec<_>>(), &io::stderr()));
        ExitCode::from(2)
    }
}

/// Both values, or the messages of both failures.
pub(super) fn both<A, B>(a: Result<A, Failure>, b: Result<B, Failure>) -> Result<(A, B), Failure> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(a.err().unwrap_or_default().and(b.err().unwrap_or_default())),
    }
}

/// Which notes are told: those about pods, unless it is asked for more or for none.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct Aside {
    /// Do not tell which pods are left as they are
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Also tell which objects have no pod
    #[arg(short, long)]
    verbose: bool,
}

impl Aside {
    pub(super) const ALL: Aside = Aside { quiet: false, verbose: true };
    pub(super) const NONE: Aside = Aside { quiet: true, verbose: false };

    fn tells(self, finding: &Finding) -> bool {
        !self.quiet && (self.verbose || finding.slug != NO_POD_TEMPLATE)
    }
}

/// Prints the findings; fails if something is refused.
pub(super) fn outcome(outcome: &Outcome<'_>, aside: Aside) -> Result<(), Failure> {
    let width = Width::of(&io::stderr());
    print(&shown(&told(&outcome.findings, aside, width), &io::stderr()));
    if outcome.is_refused() { Err(Failure::default()) } else { Ok(()) }
}

/// How far the later lines of a sentence stand to the right of its first.
pub(super) const HANG: usize = 4;

/// How many notes of one name are told each for itself.
const MOST_NOTES: usize = 3;

/// Notes first, of which many are summed up, and errors last, where the eye is.
pub(super) fn told(findings: &[Finding], aside: Aside, width: Width) -> Vec<Line> {
    let of = |level: Level| findings.iter().filter(move |finding| finding.level == level);
    let mut out = Vec::new();
    let mut slugs: Vec<(&str, usize)> = Vec::new();
    for finding in of(Level::Note).filter(|note| aside.tells(note)) {
        let place = slugs.iter().position(|(slug, _)| *slug == finding.slug);
        let place = place.unwrap_or_else(|| {
            slugs.push((finding.slug, 0));
            slugs.len() - 1
        });
        slugs[place].1 += 1;
        if slugs[place].1 <= MOST_NOTES {
            out.extend(rendered(finding, width));
        }
    }
    for (slug, count) in slugs.into_iter().filter(|(_, count)| *count > MOST_NOTES) {
        let more = format!(": {} more like these ({slug})", count - MOST_NOTES);
        out.push(Line::of(Tone::Strong, "note").and(Tone::Plain, more));
    }
    for finding in of(Level::Warning).chain(of(Level::Error)) {
        out.extend(rendered(finding, width));
    }
    out
}

pub(super) fn note(message: &str) {
    let lines = said(&Line::of(Tone::Strong, "note"), message, Width::of(&io::stderr()));
    print(&shown(&lines, &io::stderr()));
}

/// A message that has no place in a file.
fn said(word: &Line, message: &str, width: Width) -> Vec<Line> {
    let mut lines = message.lines();
    let head = word.clone().and(Tone::Plain, format!(": {}", lines.next().unwrap_or_default()));
    let below = lines.flat_map(|line| width.detail(&Line::default(), line));
    width.prose(head, HANG).into_iter().chain(below).collect()
}

/// Lines beside what the standard output has.
pub(super) fn aside(lines: &[Line]) {
    print(&shown(lines, &io::stderr()));
}

/// A closed standard error is ignored: there is nowhere to report it.
fn print(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn rendered(finding: &Finding, width: Width) -> Vec<Line> {
    let Finding { level, slug, file, line, column, subject, .. } = finding;
    let head = match level {
        Level::Note => {
            let text = format!(": {file}:{line}: {} ({slug})", finding.title());
            return width.prose(Line::of(Tone::Strong, "note").and(Tone::Plain, text), HANG);
        }
        Level::Warning => Line::of(Tone::Caution, "warning"),
        Level::Error if slug.is_empty() => Line::of(Tone::Bad, "error"),
        Level::Error => Line::of(Tone::Bad, format!("error[{slug}]")),
    };
    let subject = if subject.is_empty() { String::new() } else { format!(" ({subject})") };
    let place = Line::of(Tone::Quiet, "  -->").and(Tone::Plain, format!(" {file}:{line}:{column}{subject}"));
    let mut lines = width.prose(head.and(Tone::Strong, format!(": {}", finding.title())), HANG);
    lines.push(place);
    lines.extend(body(finding, width));
    lines.push(Line::default());
    lines
}

/// The line of a file that a finding marks, and what is to be said below it.
pub(super) fn body(finding: &Finding, width: Width) -> Vec<Line> {
    let mark = finding.mark.as_ref();
    let number = mark.and_then(|mark| mark.line).map(|line| line.to_string()).unwrap_or_default();
    let digits = number.len().max(2);
    let beside = |number: &str| Line::of(Tone::Quiet, format!("{number:>digits$} |"));
    let mut lines = Vec::new();
    if let Some(mark) = mark {
        let tone = if finding.level == Level::Error { Tone::Bad } else { Tone::Caution };
        lines.push(beside(""));
        lines.push(beside(&number).and(Tone::Plain, format!(" {}", mark.excerpt.line)));
        let (carets, label) = (mark.excerpt.carets(), &mark.excerpt.label);
        lines.extend(width.label(&beside("").and(Tone::Plain, " "), (tone, &carets), label));
    }
    let mut details = finding.details().peekable();
    if details.peek().is_some() {
        lines.push(beside(""));
    }
    let margin = beside("").and(Tone::Plain, " ");
    lines.extend(details.flat_map(|detail| width.detail(&margin, detail)));
    lines
}

#[cfg(test)]
mod tests {
    use multipod_engine::annotation::{Excerpt, Span};

    use super::*;
    use crate::manifest::Mark;

    fn shown(level: Level, message: &str) -> String {
        let span = Span { start: 3, end: 4 };
        let finding = Finding {
            level,
            slug: "bad_value",
            message: message.into(),
            file: "a.yaml".into(),
            line: 12,
            column: 9,
            subject: "document 2, Deployment \u{1b}[31mweb".into(),
            mark: Some(Mark {
                line: Some(112),
                excerpt: Excerpt { line: "k: x:1".into(), column: 3, width: 1, label: "here".into(), span },
            }),
            mend: None,
        };
        rendered(&finding, Width::WHOLE).iter().map(|line| line.text() + "\n").collect()
    }

    #[test]
    fn findings_are_printed_in_the_manner_of_compilers() {
        let expected = "error[bad_value]: no port: x\n  --> a.yaml:12:9 (document 2, Deployment \u{FFFD}[31mweb)\n    |\n\
                        112 | k: x:1\n    |    ^ here\n    |\n    | Write 1\n\n";
        assert_eq!(shown(Level::Error, "no port: x\nWrite 1"), expected);
        assert_eq!(shown(Level::Note, "left as it is"), "note: a.yaml:12: left as it is (bad_value)\n");
        let warning = shown(Level::Warning, "odd");
        assert!(warning.starts_with("warning: odd\n  --> a.yaml:12:9 "), "{warning}");
    }
}
