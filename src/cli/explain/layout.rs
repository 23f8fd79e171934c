//! Helpers for the layout of a report.

use super::boxes::Signs;
use crate::cli::line::Line;

/// How reports are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The width of the terminal.
    pub columns: usize,
    /// The signs that the drawing is made of.
    pub signs: Signs,
    /// Whether rendered configuration is shown in full.
    pub show_config: bool,
}

pub(super) fn indented(by: usize, line: Line) -> Line {
    Line::plain(" ".repeat(by)).join(line)
}

pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
