//! What people should know, on the standard error, in the manner of compilers.

use std::io::{self, Write};

use crate::annotation::diagnostic::visible;
use crate::manifest::{Finding, Level};

use super::color::Styles;

/// Prints findings in their order; notes only where they are wanted.
pub(super) fn findings(findings: &[Finding], with_notes: bool) {
    let styles = Styles::of_errors();
    let shown = findings.iter().filter(|finding| with_notes || finding.level != Level::Note);
    let text = shown.map(|finding| rendered(finding, styles)).collect::<String>();
    // Who closes the standard error wants to know nothing.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints why the command could not do its work.
pub(super) fn failure(message: &str) {
    let Styles { error, .. } = Styles::of_errors();
    let _ = writeln!(io::stderr(), "{error}error{error:#}: {}", clean(message));
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
    out.push_str(&format!("  {frame}-->{frame:#} {file}:{line}:{column} ({subject})\n"));
    let mut details = finding.details().peekable();
    if details.peek().is_some() {
        out.push_str(&format!("   {frame}|{frame:#}\n"));
    }
    for detail in details {
        out.push_str(&format!("   {frame}|{frame:#} {}\n", clean(detail)));
    }
    out
}

/// Names and values of manifests reach the terminal as signs only, never as commands to it.
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
    fn findings_are_told_in_the_manner_of_compilers() {
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
