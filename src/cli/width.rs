//! How wide what is told may be. On a terminal, prose breaks at words; elsewhere every line stays whole, because programs read
//! it, and those that show it to people (pagers, the logs of a CI) break lines themselves. `COLUMNS` asks for it there too.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use super::line::{Line, Tone};

/// The width of a stream, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width(Option<usize>);

/// Narrower than this, words stand one below the other.
const LEAST: usize = 40;

impl Width {
    /// Nothing is broken.
    pub(super) const WHOLE: Width = Width(None);

    pub(super) fn of(stream: &(impl AsFd + IsTerminal)) -> Width {
        let terminal = stream.is_terminal().then(|| terminal_size::terminal_size_of(stream)).flatten();
        let said = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        Width(terminal.map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0).or_else(said))
    }

    pub(super) fn columns(columns: usize) -> Width {
        Width(Some(columns))
    }

    /// What is left behind a margin.
    pub(super) fn without(self, margin: usize) -> Width {
        Width(self.0.map(|columns| columns.saturating_sub(margin)))
    }

    /// A sentence; what does not fit goes on below, so many columns to the right.
    pub(super) fn prose(self, line: Line, indent: usize) -> Vec<Line> {
        match self.0 {
            Some(columns) => line.folded(columns.max(LEAST), &Line::plain(" ".repeat(indent))),
            None => vec![line],
        }
    }

    /// A line of a message behind `margin`, which each of its lines begins with. What is to be copied stays whole.
    pub(super) fn detail(self, margin: &Line, text: &str) -> Vec<Line> {
        let line = margin.clone().and(Tone::Plain, text);
        match self.0 {
            Some(columns) if !is_source(text) => line.folded(columns.max(LEAST), margin),
            _ => vec![line],
        }
    }

    /// What stands behind carets: below where it begins, if there is room for that, else below the carets.
    pub(super) fn label(self, margin: &Line, (tone, carets): (Tone, &str), label: &str) -> Vec<Line> {
        let marked = margin.clone().and(tone, carets);
        let whole = || marked.clone().and(tone, format!(" {label}"));
        let Some(columns) = self.0.map(|columns| columns.max(LEAST)).filter(|_| !label.is_empty()) else {
            return vec![if label.is_empty() { marked } else { whole() }];
        };
        let begin = marked.width() + 1;
        if begin + LEAST <= columns || whole().width() <= columns {
            let below = margin.clone().and(tone, " ".repeat(begin - margin.width()));
            return whole().folded(columns, &below);
        }
        let lines = margin.clone().and(tone, label).folded(columns, margin);
        std::iter::once(marked).chain(lines).collect()
    }
}

/// Whether a line of a message is to be copied as it is: an example, or a value with its carets.
fn is_source(text: &str) -> bool {
    text.starts_with("Example: ") || text.starts_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line.clone().trimmed().text()).collect()
    }

    #[test]
    fn prose_breaks_where_there_is_a_width_and_examples_never_do() {
        let margin = Line::plain("   | ");
        let prose = "Put it under spec.template.metadata.annotations of the workload";
        let example = "Example: multipod/ambassador: \"80:8775, 5432:db.prod, 6379:cache.prod\"";
        let at = |width: Width, text: &str| texts(&width.detail(&margin, text));
        assert_eq!(at(Width::WHOLE, prose), [format!("   | {prose}")]);
        let broken = ["   | Put it under", "   | spec.template.metadata.annotations", "   | of the workload"];
        assert_eq!(at(Width::columns(40), prose), broken);
        assert_eq!(at(Width::columns(8), prose), broken);
        assert_eq!(at(Width::columns(40), example), [format!("   | {example}")]);
        let lines = Width::columns(40).prose(Line::plain("error: what is said in many words goes on"), 4);
        assert_eq!(texts(&lines), ["error: what is said in many words goes", "    on"]);
    }

    #[test]
    fn a_label_goes_on_where_it_begins_or_stands_below_its_carets() {
        let margin = Line::plain("   | ");
        let label = |width: Width, carets: &str| {
            texts(&width.label(&margin, (Tone::Bad, carets), "expected a port between 1 and 65535 or a name"))
        };
        assert_eq!(
            label(Width::columns(50), "^^"),
            ["   | ^^ expected a port between 1 and 65535 or a", "   |    name"]
        );
        let far = format!("{:>30}", "^^");
        assert_eq!(
            label(Width::columns(50), &far),
            [format!("   | {far}"), "   | expected a port between 1 and 65535 or a name".into()]
        );
        assert_eq!(label(Width::WHOLE, "^^").len(), 1);
        assert_eq!(texts(&Width::columns(50).label(&margin, (Tone::Bad, "^^"), "")), ["   | ^^"]);
    }
}
