//! Boxes and lines at their places, as SVG. Everything is counted before it is drawn: a row is as high as any other, every
//! arrow has a row or a lane of its own, and what does not fit is cut, with the whole of it as a title.

use std::collections::BTreeMap;

use crate::explain::picture::{Mount, Node, Picture, Role, Volume};
use crate::explain::report::{Report, Standing, Verdict};
use unicode_width::UnicodeWidthChar;

use super::rows::{Peer, Row, Toward, facts, heading, role, rows, tag};
use super::words::{sentences, title};
use super::xml::escaped;

/// Around everything, and between things.
const MARGIN: usize = 14;
const BEFORE: usize = 208;
const GAP: usize = 30;
const AFTER: usize = 420;
/// Where arrows of the pod run, left of its boxes.
const LANE: usize = 10;
const MOST_LANES: usize = 9;
/// From the pod to those outside.
const REACH: usize = 26;
const CHIP: usize = 252;
const ROW: usize = 21;
/// How many arrows of one box are drawn; more would hide everything.
const MOST_ARROWS: usize = 24;

/// What colours and fonts a drawing has, in light, in the dark and on paper.
pub(crate) const STYLE: &str = include_str!("style.css");

/// Where the colours come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// In the picture itself, which is a file of its own.
    Inside,
    /// In the page around it.
    Around,
}

/// A drawing of every report, one below the other.
pub(crate) fn svg(reports: &[&Report], style: Style) -> String {
    let mut sheet = Sheet::default();
    let mut height = MARGIN;
    for report in reports {
        height = sheet.report(report, height) + MARGIN;
    }
    let width = sheet.width + MARGIN;
    let titles: Vec<String> = reports.iter().map(|report| title(report)).collect();
    let told: Vec<String> = reports.iter().flat_map(|report| sentences(report)).collect();
    let (title, told) = (escaped(&titles.join("; ")), escaped(&told.join(" ")));
    let style = if style == Style::Inside { format!("<style>\n{STYLE}</style>\n") } else { String::new() };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mp\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" aria-label=\"{title}\">\n<title>{title}</title>\n<desc>{told}</desc>\n{style}\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>\n{}</svg>\n",
        sheet.out
    )
}

/// What is drawn so far.
#[derive(Default)]
struct Sheet {
    out: String,
    width: usize,
}

/// How a text looks.
#[derive(Clone, Copy)]
struct Face {
    class: &'static str,
    /// How wide a letter is, in hundredths.
    letter: usize,
}

const TITLE: Face = Face { class: "title", letter: 950 };
const CAPTION: Face = Face { class: "caption", letter: 730 };
const QUIET: Face = Face { class: "quiet", letter: 630 };
const NAME: Face = Face { class: "name", letter: 785 };
const IMAGE: Face = Face { class: "image", letter: 665 };
const TEXT: Face = Face { class: "row", letter: 725 };
const SMALL: Face = Face { class: "small", letter: 665 };

/// The box of a container, once it has its place.
struct Placed<'p> {
    name: &'p str,
    /// The middle of its first line.
    head: usize,
    rows: Vec<(Row, usize)>,
}

/// A frame with boxes in it.
struct Frame {
    x: usize,
    top: usize,
    width: usize,
    /// Whether arrows are drawn, and those outside.
    arrows: bool,
}

impl Sheet {
    /// Draws one report and returns where it ends.
    fn report(&mut self, report: &Report, top: usize) -> usize {
        let whole = BEFORE + GAP + AFTER + REACH + CHIP;
        let mut y = top + 18;
        self.text(TITLE, MARGIN, y, whole, &report.origin.to_string());
        for asked in report.asked.iter().filter(|asked| counts(asked.standing)) {
            y += 19;
            self.text(TEXT, MARGIN, y, whole, &format!("{}: {:?}", asked.key, asked.value));
        }
        let refusals = match &report.verdict {
            Verdict::Deny { refusals } => &refusals[..],
            Verdict::Skip { because, .. } => {
                y += 19;
                self.text(QUIET, MARGIN, y, whole, &format!("left as it is: {because}"));
                &[]
            }
            Verdict::Inject => &[],
        };
        for refused in refusals {
            y += 19;
            let bad = Face { class: "row bad", ..TEXT };
            self.text(bad, MARGIN, y, whole, &format!("\u{2715} refused: {}", refused.reason));
            for line in refused.message.lines() {
                y += 17;
                self.text(TEXT, MARGIN + 18, y, whole - 18, line);
            }
        }
        y += 14;
        let Some(pod) = &report.pod else { return y };
        let Some(before) = &report.before else {
            return self.frame(
                pod,
                "the pod as it is",
                &Frame { x: MARGIN, top: y, width: AFTER, arrows: true },
            );
        };
        let left = Frame { x: MARGIN, top: y, width: BEFORE, arrows: false };
        let right = Frame { x: MARGIN + BEFORE + GAP, top: y, width: AFTER, arrows: true };
        let first = self.frame(before, "before", &left);
        let second = self.frame(pod, "after, + is new", &right);
        let (from, to) = (left.x + BEFORE + 5, right.x - 5);
        self.arrow(&format!("M{from} {0}H{to}", y + 48), (to, y + 48), 1);
        first.max(second)
    }

    /// Draws a pod in a frame and returns where it ends.
    fn frame(&mut self, picture: &Picture, caption: &str, frame: &Frame) -> usize {
        let Frame { x, top, width, arrows } = *frame;
        self.text(CAPTION, x + 2, top + 14, width, caption);
        let top = top + 22;
        let all: Vec<Vec<Row>> = picture.containers.iter().map(|node| rows(node, picture)).collect();
        let lanes = if arrows { all.iter().flatten().map(inside).sum::<usize>().min(MOST_LANES) } else { 0 };
        let gutter = 12 + if lanes == 0 { 0 } else { 10 + lanes * LANE };
        let (left, room) = (x + gutter, width - gutter - 12);
        let mut y = top + 10;
        let mut placed = Vec::new();
        let mut number = 0;
        let nodes = || picture.containers.iter().zip(&all);
        let one_by_one: Vec<_> = nodes().filter(|(node, _)| node.role != Role::Container).collect();
        let together: Vec<_> = nodes().filter(|(node, _)| node.role == Role::Container).collect();
        if !one_by_one.is_empty() {
            self.text(QUIET, left, y + 11, room, "start one after the other");
            y += 19;
        }
        for (node, rows) in one_by_one {
            number += 1;
            y = self.container(node, rows, Some(number), picture, (left, y, room), &mut placed);
        }
        if !together.is_empty() {
            self.text(QUIET, left, y + 11, room, &heading(picture));
            y += 19;
        }
        for (node, rows) in together {
            y = self.container(node, rows, None, picture, (left, y, room), &mut placed);
        }
        if !picture.volumes.is_empty() {
            self.text(QUIET, left, y + 11, room, "volumes, and who mounts them");
            y += 19;
        }
        for (at, volume) in picture.volumes.iter().enumerate() {
            y = self.volume(volume, at, (left, y, room));
        }
        for fact in facts(picture) {
            self.text(QUIET, left, y + 11, room, fact);
            y += 19;
        }
        let bottom = y + 2;
        self.add(&format!(
            "<rect class=\"pod\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{}\" rx=\"10\"/>\n",
            bottom - top
        ));
        self.reach(x + width);
        if arrows {
            self.outside(&placed, left + room, x + width);
            self.inside(&placed, left, lanes);
        }
        bottom
    }

    fn container<'p>(
        &mut self,
        node: &'p Node,
        rows: &[Row],
        number: Option<usize>,
        picture: &Picture,
        (x, y, width): (usize, usize, usize),
        placed: &mut Vec<Placed<'p>>,
    ) -> usize {
        let mounted = picture.volumes.iter().enumerate();
        let has = |volume: &Volume| volume.mounts.iter().any(|mount| mount.container == node.name);
        let tags: Vec<String> = mounted.filter(|(_, volume)| has(volume)).map(|(at, _)| tag(at)).collect();
        let height = 60 + rows.len() * ROW + if tags.is_empty() { 0 } else { ROW } + 2;
        self.boxed(node.added, (x, y, width, height));
        let mut left = x + 12;
        if let Some(number) = number {
            self.add(&format!("<circle class=\"badge\" cx=\"{}\" cy=\"{}\" r=\"10\"/>\n", x + 21, y + 16));
            self.text(Face { class: "small mid", ..SMALL }, x + 21, y + 20, 30, &number.to_string());
            left = x + 38;
        }
        let plus = self.plus(node.added, x + width, y + 20);
        self.text(NAME, left, y + 20, x + width - plus - left, &node.name);
        self.text(QUIET, x + 12, y + 37, width - 20, role(node.role));
        self.text(IMAGE, x + 12, y + 53, width - 20, &node.image);
        let mut line = y + 53;
        let mut at = Vec::new();
        for row in rows {
            line += ROW;
            self.text(TEXT, x + 12, line, width - 20, &row.text);
            at.push((row.clone(), line - 4));
        }
        if !tags.is_empty() {
            self.text(QUIET, x + 12, line + ROW, width - 20, &format!("mounts {}", tags.join(" ")));
        }
        placed.push(Placed { name: &node.name, head: y + 16, rows: at });
        y + height + 10
    }

    fn volume(&mut self, volume: &Volume, at: usize, (x, y, width): (usize, usize, usize)) -> usize {
        let height = 28 + volume.mounts.len().max(1) * 17 + 5;
        self.boxed(volume.added, (x, y, width, height));
        let kind = volume.kind.chars().count() * QUIET.letter / 100 + 12;
        let plus = self.plus(volume.added, x + width, y + 19);
        let name = format!("{} {}", tag(at), volume.name);
        let end = x + width - plus;
        self.text(NAME, x + 12, y + 19, (end - x - 12).saturating_sub(kind), &name);
        self.text(Face { class: "quiet end", ..QUIET }, end - 6, y + 19, kind, &volume.kind);
        let longest = volume.mounts.iter().map(|mount| columns(&mount.container)).max().unwrap_or_default();
        let first = (longest * SMALL.letter / 100 + 12).min((width - 24) / 2);
        for (index, mount) in volume.mounts.iter().enumerate() {
            let line = y + 36 + index * 17;
            self.text(SMALL, x + 12, line, first - 8, &mount.container);
            self.text(SMALL, x + 12 + first, line, width - 20 - first, &mounted(mount));
        }
        if volume.mounts.is_empty() {
            self.text(QUIET, x + 12, y + 36, width - 20, "nobody mounts it");
        }
        y + height + 8
    }

    /// Those outside the pod, each beside the row that it has to do with.
    fn outside(&mut self, placed: &[Placed<'_>], edge: usize, pod: usize) {
        let chip = pod + REACH;
        for (row, y) in placed.iter().flat_map(|placed| &placed.rows) {
            let Some(arrow) = row.arrows.iter().find(|arrow| !is_container(&arrow.peer)) else { continue };
            let words = arrow.peer.words();
            let width = (columns(&words) * SMALL.letter / 100 + 20).min(CHIP);
            self.add(&format!(
                "<rect class=\"chip\" x=\"{chip}\" y=\"{}\" width=\"{width}\" height=\"18\" rx=\"9\"/>\n",
                y - 9
            ));
            self.text(SMALL, chip + 9, y + 4, CHIP - 14, &words);
            self.reach(chip + width);
            match arrow.toward {
                Toward::Peer => self.arrow(&format!("M{edge} {y}H{}", chip - 2), (chip - 2, *y), 1),
                Toward::Here => self.arrow(&format!("M{chip} {y}H{}", edge + 2), (edge + 2, *y), -1),
            }
        }
    }

    /// Arrows from box to box, each in a lane where no other runs.
    fn inside(&mut self, placed: &[Placed<'_>], left: usize, lanes: usize) {
        let mut edges = Vec::new();
        // Arrows that end at one box and no row of it end one below the other, so that each has a head.
        let mut ends: BTreeMap<usize, usize> = BTreeMap::new();
        for (row, y) in placed.iter().flat_map(|placed| &placed.rows) {
            for arrow in row.arrows.iter().take(MOST_ARROWS) {
                let Peer::Container { name, port } = &arrow.peer else { continue };
                let Some(peer) = placed.iter().find(|placed| placed.name == name) else { continue };
                let opens = |row: &Row| port.is_some_and(|port| opens(row, port));
                let there = peer.rows.iter().find(|(row, _)| opens(row)).map(|(_, y)| *y);
                let there = there.unwrap_or_else(|| {
                    let others = ends.entry(peer.head).or_default();
                    *others += 1;
                    peer.head - 4 + (*others - 1).min(4) * 9
                });
                let (from, to) = if arrow.toward == Toward::Peer { (*y, there) } else { (there, *y) };
                edges.push((from, to));
            }
        }
        edges.sort_by_key(|(from, to)| from.abs_diff(*to));
        let mut taken: Vec<Vec<(usize, usize)>> = vec![Vec::new(); lanes.max(1)];
        for (from, to) in edges {
            let (low, high) = (from.min(to), from.max(to));
            let free = |lane: &Vec<(usize, usize)>| lane.iter().all(|(l, h)| high + 6 < *l || h + 6 < low);
            let lane = taken.iter().position(free).unwrap_or(lanes.saturating_sub(1));
            taken[lane].push((low, high));
            let x = left - 14 - lane * LANE;
            // A corner turns by 6, upwards or downwards.
            let turn = if to > from { 6 } else { -6 };
            let (first, last) = (from.saturating_add_signed(turn), to.saturating_add_signed(-turn));
            let path = format!(
                "M{left} {from}H{0}Q{x} {from} {x} {first}V{last}Q{x} {to} {0} {to}H{1}",
                x + 6,
                left - 2
            );
            self.arrow(&path, (left - 2, to), 1);
        }
    }

    /// A line with a head at its end, which points right (1) or left (-1).
    fn arrow(&mut self, path: &str, (x, y): (usize, usize), way: isize) {
        let back = x.saturating_add_signed(-8 * way);
        self.add(&format!(
            "<path class=\"edge\" d=\"{path}\"/><path class=\"head\" d=\"M{x} {y}L{back} {}V{}Z\"/>\n",
            y - 4,
            y + 4
        ));
    }

    fn boxed(&mut self, added: bool, (x, y, width, height): (usize, usize, usize, usize)) {
        let class = if added { "box new" } else { "box" };
        self.add(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"7\"/>\n"
        ));
    }

    /// What colour says is also written; how much room it takes at the end of a line.
    fn plus(&mut self, added: bool, end: usize, y: usize) -> usize {
        if !added {
            return 8;
        }
        self.text(Face { class: "small plus end", ..SMALL }, end - 11, y, 60, "+ new");
        52
    }

    fn text(&mut self, face: Face, x: usize, y: usize, room: usize, text: &str) {
        let (shown, cut) = fitting(text, room * 100 / face.letter);
        let title = if cut { format!("<title>{}</title>", escaped(text)) } else { String::new() };
        let Face { class, .. } = face;
        if !class.contains("mid") && !class.contains("end") {
            self.reach(x + columns(&shown) * face.letter / 100);
        }
        self.add(&format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}{title}</text>\n", escaped(&shown)));
    }

    fn add(&mut self, svg: &str) {
        self.out.push_str(svg);
    }

    fn reach(&mut self, x: usize) {
        self.width = self.width.max(x);
    }
}

fn counts(standing: Standing) -> bool {
    !matches!(standing, Standing::Overridden | Standing::OptedOut | Standing::Audited)
}

fn mounted(mount: &Mount) -> String {
    let part = mount.sub_path.as_ref().map(|part| format!(", only {part}")).unwrap_or_default();
    // As `kubectl describe` has it.
    format!("{}{part}{}", mount.path, if mount.read_only { " (ro)" } else { "" })
}

fn is_container(peer: &Peer) -> bool {
    matches!(peer, Peer::Container { .. })
}

/// How many arrows of a row stay in the pod.
fn inside(row: &Row) -> usize {
    row.arrows.iter().filter(|arrow| is_container(&arrow.peer)).count()
}

/// Whether a row is where a container listens on a port.
fn opens(row: &Row, port: u16) -> bool {
    row.text.split_once(':').is_some_and(|(_, behind)| {
        behind.split(|c: char| !c.is_ascii_digit()).next() == Some(port.to_string().as_str())
    })
}

fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// As much of a text as fits, and whether something is missing.
fn fitting(text: &str, most: usize) -> (String, bool) {
    if columns(text) <= most {
        return (text.to_owned(), false);
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= most
    });
    (kept.chain(['\u{2026}']).collect(), true)
}
