//! Boxes of lines: a frame around lines, and boxes side by side.

use crate::cli::line::{Line, Tone, width};

/// The signs that a drawing is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Signs {
    /// Corners, clockwise from the top left.
    corners: [&'static str; 4],
    across: &'static str,
    down: &'static str,
    /// From one thing to the next.
    pub arrow: &'static str,
    /// To this from the next.
    pub back: &'static str,
    /// To one of several.
    pub branch: &'static str,
    /// To the last of several.
    pub last_branch: &'static str,
    /// Between parts of a line.
    pub dot: &'static str,
    /// Where something was cut off.
    pub ellipsis: &'static str,
}

impl Signs {
    /// For terminals that show UTF-8.
    pub(super) const UNICODE: Signs = Signs {
        corners: ["┌", "┐", "┘", "└"],
        across: "─",
        down: "│",
        arrow: "→",
        back: "←",
        branch: "├",
        last_branch: "└",
        dot: "·",
        ellipsis: "…",
    };
    /// For all others.
    pub(super) const ASCII: Signs = Signs {
        corners: [".", ".", "'", "'"],
        across: "-",
        down: "|",
        arrow: "->",
        back: "<-",
        branch: "|-",
        last_branch: "`-",
        dot: "-",
        ellipsis: "...",
    };
}

/// A frame of this width around lines, with a title in its upper edge.
pub(super) fn framed(title: &Line, lines: &[Line], columns: usize, signs: &Signs) -> Vec<Line> {
    let quiet = |text: &str| Line::of(Tone::Quiet, text);
    let inner = columns.saturating_sub(4);
    let [top_left, top_right, bottom_right, bottom_left] = signs.corners;
    let room = inner.saturating_sub(1);
    let title = if title.width() > room { title.clone().fit(room, signs.ellipsis) } else { title.clone() };
    let rest = inner.saturating_sub(title.width());
    let mut framed = Vec::with_capacity(lines.len() + 2);
    framed.push(
        quiet(top_left)
            .and(Tone::Quiet, " ")
            .join(title)
            .and(Tone::Quiet, format!(" {}", signs.across.repeat(rest)))
            .and(Tone::Quiet, top_right),
    );
    for line in lines.iter().flat_map(|line| line.clone().wrapped(inner)) {
        let line = line.fit(inner, signs.ellipsis);
        framed.push(
            quiet(signs.down).and(Tone::Plain, " ").join(line).and(Tone::Quiet, format!(" {}", signs.down)),
        );
    }
    framed.push(
        quiet(bottom_left).and(Tone::Quiet, signs.across.repeat(inner + 2)).and(Tone::Quiet, bottom_right),
    );
    framed
}

/// Lines that get a frame once it is known what stands beside them.
#[derive(Clone, Debug)]
pub(super) struct Boxed {
    title: Line,
    lines: Vec<Line>,
    /// The most columns, frame included.
    most: usize,
}

impl Boxed {
    /// Lines that are too wide go on below.
    pub(super) fn new(title: Line, lines: Vec<Line>, most: usize) -> Boxed {
        let inner = most.saturating_sub(4);
        Boxed { title, lines: lines.into_iter().flat_map(|line| line.wrapped(inner)).collect(), most }
    }

    fn columns(&self) -> usize {
        let widest = self.lines.iter().map(Line::width).chain([self.title.width() + 1]).max();
        (widest.unwrap_or_default() + 4).min(self.most)
    }

    fn framed(&self, height: usize, signs: &Signs) -> Vec<Line> {
        let blanks = std::iter::repeat_n(Line::default(), height.saturating_sub(self.lines.len()));
        let lines: Vec<Line> = self.lines.iter().cloned().chain(blanks).collect();
        framed(&self.title, &lines, self.columns(), signs)
    }
}

/// Boxes side by side, as many in a row as fit; `between` joins the boxes of a row at their second line.
pub(super) fn beside(boxes: &[Boxed], columns: usize, between: &str, signs: &Signs) -> Vec<Line> {
    let gap = width(between);
    let mut lines = Vec::new();
    let mut rest = boxes;
    while !rest.is_empty() {
        let mut used = 0;
        let fitting = rest.iter().take_while(|one| {
            used += one.columns() + if used == 0 { 0 } else { gap };
            used <= columns
        });
        let (row, more) = rest.split_at(fitting.count().max(1));
        lines.extend(row_of(row, between, signs));
        rest = more;
    }
    lines
}

fn row_of(row: &[Boxed], between: &str, signs: &Signs) -> Vec<Line> {
    let height = row.iter().map(|one| one.lines.len()).max().unwrap_or_default();
    let framed: Vec<Vec<Line>> = row.iter().map(|one| one.framed(height, signs)).collect();
    let line = |at: usize| {
        let joint = if at == 1 { between.to_owned() } else { " ".repeat(width(between)) };
        let parts = framed.iter().filter_map(|lines| lines.get(at)).cloned();
        parts.reduce(|left, right| left.and(Tone::Quiet, &joint).join(right)).unwrap_or_default()
    };
    (0..height + 2).map(line).collect()
}

/// Two frames with an arrow between them: side by side where there is room, else one below the other.
pub(in crate::cli) fn side_by_side(
    left: Vec<Line>,
    right: Vec<Line>,
    columns: usize,
    signs: &Signs,
) -> Vec<Line> {
    let width_of = |lines: &[Line]| lines.first().map(Line::width).unwrap_or_default();
    let (wide, arrow) = (width_of(&left), format!("  {}  ", signs.arrow));
    if wide + width(&arrow) + width_of(&right) > columns {
        return left.into_iter().chain(right).collect();
    }
    let height = left.len().max(right.len());
    let mut right = right.into_iter();
    let mut left = left.into_iter();
    let line = |at: usize| {
        let joint = if at == 1 { arrow.clone() } else { " ".repeat(width(&arrow)) };
        let left = left.next().unwrap_or_else(|| Line::plain(" ".repeat(wide)));
        left.and(Tone::Quiet, joint).join(right.next().unwrap_or_default())
    };
    (0..height).map(line).collect()
}
