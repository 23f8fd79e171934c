//! Messages on the standard error, in the manner of compilers.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::manifest::{Finding, Level, Outcome};
use multipod_values::visible;

use super::color::Styles;

/// Why a command failed: one message for each problem, none where all have been reported already.
#[derive(Debug, Default)]
pub(super) struct Failure(Vec<String>);

impl Failure {
    pub(super) fn one(message: impl Into<String>) -> Failure {
        Failure(vec![message.into()])
    }

    /// Something was wrong for sure.
    pub(super) fn all(messages: Vec<String>) -> Failure {
        Failure(messages)
    }

    /// `good` if there are no messages.
    pub(super) fn unless_empty<T>(messages: Vec<String>, good: T) -> Result<T, Failure> {
        if messages.is_empty() { Ok(good) } else { Err(Failure(messages)) }
    }

    /// Prints the messages; the exit code is that of wrong arguments.
    pub(super) fn report(self) -> ExitCode {
        let Styles { error, .. } = Styles::of_errors();
        let lines = self.0.iter().map(|message| format!("{error}error{error:#}: {}\n", clean(message)));
        print(&lines.collect::<String>());
        ExitCode::from(2)
    }
}

/// Both values, or the messages of both failures.
pub(super) fn both<A, B>(a: Result<A, Failure>, b: Result<B, Failure>) -> Result<(A, B), Failure> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => {
            Err(Failure([a.err(), b.err()].into_iter().flatten().flat_map(|failure| failure.0).collect()))
        }
    }
}

/// Prints the findings, notes only if `with_notes`; fails if something is refused.
pub(super) fn outcome(outcome: &Outcome<'_>, with_notes: bool) -> Result<(), Failure> {
    let styles = Styles::of_errors();
    print(&told(&outcome.findings, with_notes, styles));
    if outcome.is_refused() { Err(Failure::default()) } else { Ok(()) }
}

/// How many notes of one name are told each for itself.
const MOST_NOTES: usize = 3;

/// Notes first, of which many are summed up, and errors last, where the eye is.
fn told(findings: &[Finding], with_notes: bool, styles: Styles) -> String {
    let of = |level: Level| findings.iter().filter(move |finding| finding.level == level);
    let mut out = String::new();
    let mut slugs: Vec<(&str, usize)> = Vec::new();
    for finding in of(Level::Note).filter(|_| with_notes) {
        let place = slugs.iter().position(|(slug, _)| *slug == finding.slug);
        let place = place.unwrap_or_else(|| {
            slugs.push((finding.slug, 0));
            slugs.len() - 1
        });
        slugs[place].1 += 1;
        if slugs[place].1 <= MOST_NOTES {
            out.push_str(&rendered(finding, styles));
        }
    }
    for (slug, count) in slugs.into_iter().filter(|(_, count)| *count > MOST_NOTES) {
        let Styles { note, .. } = styles;
        let _ = writeln!(out, "{note}note{note:#}: {} more like these ({slug})", count - MOST_NOTES);
    }
    for finding in of(Level::Warning).chain(of(Level::Error)) {
        out.push_str(&rendered(finding, styles));
    }
    out
}

pub(super) fn note(message: &str) {
    let Styles { note, .. } = Styles::of_errors();
    print(&format!("{note}note{note:#}: {}\n", clean(message)));
}

/// A closed standard error is ignored: there is nowhere to report it.
fn print(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn rendered(finding: &Finding, styles: Styles) -> String {
    let Finding { level, slug, file, line, column, subject, .. } = finding;
    let (title, file, subject) = (clean(finding.title()), clean(file), clean(subject));
    let Styles { error, warning, note, strong, frame, .. } = styles;
    let head = match level {
        Level::Note => return format!("{note}note{note:#}: {file}:{line}: {title} ({slug})\n"),
        Level::Warning => format!("{warning}warning{warning:#}"),
        Level::Error => format!("{error}error[{slug}]{error:#}"),
    };
    let mut out = format!("{head}{strong}: {title}{strong:#}\n");
    let _ = writeln!(out, "  {frame}-->{frame:#} {file}:{line}:{column} ({subject})");
    let mut details = finding.details().peekable();
    if details.peek().is_some() {
        let _ = writeln!(out, "   {frame}|{frame:#}");
    }
    for detail in details {
        let _ = writeln!(out, "   {frame}|{frame:#} {}", clean(detail));
    }
    out
}

/// Names and values of manifests must not control the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { visible(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(level: Level, message: &str) -> Finding {
        Finding {
            level,
            slug: "bad_value",
            message: message.into(),
            file: "a.yaml".into(),
            line: 12,
            column: 9,
            subject: "document 2, Deployment \u{1b}[31mweb".into(),
        }
    }

    #[test]
    fn findings_are_printed_in_the_manner_of_compilers() {
        let error = finding(Level::Error, "no port: x\n  x:1\n  ^ here");
        let expected = "error[bad_value]: no port: x\n  --> a.yaml:12:9 (document 2, Deployment \u{FFFD}[31mweb)\n   \
                        |\n   |   x:1\n   |   ^ here\n";
        assert_eq!(rendered(&error, Styles::default()), expected);
        let note = rendered(&finding(Level::Note, "left as it is"), Styles::default());
        assert_eq!(note, "note: a.yaml:12: left as it is (bad_value)\n");
        let warning = rendered(&finding(Level::Warning, "odd"), Styles::default());
        assert!(warning.starts_with("warning: odd\n  --> a.yaml:12:9 "), "{warning}");
    }
}
