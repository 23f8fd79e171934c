//! Two texts as a unified diff.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use crate::cli::color::Styles;

pub(in crate::cli) fn unified(name: &str, before: &str, after: &str, styles: Styles) -> String {
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
