//! `multipod diff`.

use std::fmt::Write as _;
use std::process::ExitCode;

use similar::{ChangeTag, TextDiff};

use super::color::Styles;
use super::inject::Injection;
use super::output;
use super::report::Failure;

/// Show what `inject` would change
///
/// Takes the same arguments as inject, and prints a unified diff for each file that would change.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    injection: Injection,
}

const EXAMPLES: &str = "\
EXAMPLES
  multipod diff -f app.yaml
  multipod diff -f manifests/ --policy-dir policies/ --quiet
  multipod diff -f app.yaml | patch -p0

EXIT CODES
  0  nothing would change
  1  something would change
  2  something was refused or could not be read";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        self.injection.run(|sources, outcome| {
            let styles = Styles::of_output();
            let mut out = String::new();
            for (source, documents) in sources.iter().zip(&outcome.texts) {
                let after = documents.concat();
                if after != source.text {
                    out.push_str(&unified(&source.name, &source.text, &after, styles));
                }
            }
            let code = if out.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) };
            output::print(&out, code)
        })
    }
}

pub(super) fn unified(name: &str, before: &str, after: &str, styles: Styles) -> String {
    let Styles { strong, frame, added, removed, .. } = styles;
    let diff = TextDiff::from_lines(before, after);
    let mut out = format!("{strong}--- {name}{strong:#}\n{strong}+++ {name}{strong:#}\n");
    for hunk in diff.unified_diff().iter_hunks() {
        let _ = writeln!(out, "{frame}{}{frame:#}", hunk.header());
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', removed),
                ChangeTag::Insert => ('+', added),
                ChangeTag::Equal => (' ', anstyle::Style::new()),
            };
            let line = change.value();
            let content = line.trim_end_matches(['\n', '\r']);
            let _ = write!(out, "{style}{sign}{content}{style:#}");
            out.push_str(&line[content.len()..]);
            if !line.ends_with('\n') {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    out
}
