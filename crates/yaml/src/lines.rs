//! The lines of a text, found once, so that no question about a place reads the text before it again.

/// How many bytes are counted as characters together.
const BLOCK: usize = 1024;

/// Where the lines of a text begin, and how many characters stand before each block of it.
#[derive(Debug)]
pub(super) struct Index {
    starts: Vec<usize>,
    characters: Vec<usize>,
}

/// A text and its index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'t> {
    text: &'t str,
    index: &'t Index,
}

impl Index {
    pub(super) fn of(text: &str) -> Self {
        scanned(text.len());
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let mut characters = vec![0];
        for block in text.as_bytes().chunks(BLOCK) {
            characters.push(characters.last().copied().unwrap_or_default() + in_characters(block));
        }
        Self { starts, characters }
    }
}

impl<'t> Lines<'t> {
    /// The text must be the one that the index was made of.
    pub(super) fn new(text: &'t str, index: &'t Index) -> Self {
        Self { text, index }
    }

    /// Line breaks before a place, and its column in characters, from 1.
    pub(super) fn place(self, offset: usize) -> (usize, usize) {
        let index = self.number(offset);
        let start = self.index.starts.get(index).copied().unwrap_or_default();
        let is_marked = self.text.get(start..offset).is_some_and(|before| before.starts_with('\u{feff}'));
        (index, self.before(offset) - self.before(start) + 1 - usize::from(is_marked))
    }

    /// Where the line of a place begins.
    pub(super) fn start(self, offset: usize) -> usize {
        self.index.starts.get(self.number(offset)).copied().unwrap_or_default()
    }

    /// Where the line after the one of `offset` begins; `offset` itself, where that is just behind a line.
    pub(super) fn after(self, offset: usize) -> usize {
        let is_behind_a_line = offset > 0 && self.start(offset) == offset;
        if is_behind_a_line {
            return offset;
        }
        self.index.starts.get(self.number(offset) + 1).copied().unwrap_or(self.text.len())
    }

    /// Bytes before `offset` in its line; what stands before block collections is blanks and dashes.
    pub(super) fn column(self, offset: usize) -> usize {
        let start = self.start(offset);
        let is_marked = self.text.get(start..offset).is_some_and(|before| before.starts_with('\u{feff}'));
        offset - start - if is_marked { '\u{feff}'.len_utf8() } else { 0 }
    }

    pub(super) fn is_first(self, offset: usize) -> bool {
        let before = self.text.get(self.start(offset)..offset).unwrap_or_default();
        let before = before.strip_prefix('\u{feff}').unwrap_or(before);
        let blanks = before.bytes().take_while(|byte| *byte == b' ').count();
        scanned(blanks + 1);
        blanks == before.len()
    }

    /// How far to the right the line of `offset` begins.
    pub(super) fn indent(self, offset: usize) -> usize {
        let line = self.text.get(self.start(offset)..).unwrap_or_default();
        let blanks = line.bytes().take_while(|byte| *byte == b' ').count();
        scanned(blanks + 1);
        blanks
    }

    /// Where a line begins, by its number from 0.
    pub(super) fn nth(self, number: usize) -> Option<usize> {
        self.index.starts.get(number).copied()
    }

    /// The line after an entry that ends at `end` in a collection `indent` to the right; comments that stand
    /// further to the right still belong to the entry.
    pub(super) fn after_entry(self, end: usize, indent: usize) -> usize {
        let mut after = self.after(end);
        let mut at = after;
        while let Some(line) = self.line(at) {
            let content = line.trim_start();
            let is_deeper = line.len() - content.len() > indent;
            scanned(line.len() - content.len() + 1);
            at += line.len();
            match content.chars().next() {
                None => {}
                Some('#') if is_deeper => after = at,
                Some(_) => break,
            }
        }
        after
    }

    /// The line that begins there.
    fn line(self, start: usize) -> Option<&'t str> {
        let end = self.index.starts.get(self.number(start) + 1).copied().unwrap_or(self.text.len());
        self.text.get(start..end).filter(|line| !line.is_empty())
    }

    /// Counted from 0.
    fn number(self, offset: usize) -> usize {
        self.index.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// How many characters stand before a place.
    fn before(self, offset: usize) -> usize {
        let block = offset / BLOCK;
        let rest = self.text.as_bytes().get(block * BLOCK..offset).unwrap_or_default();
        scanned(rest.len());
        self.index.characters.get(block).copied().unwrap_or_default() + in_characters(rest)
    }
}

fn in_characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// Tells a test how many bytes were looked at.
fn scanned(bytes: usize) {
    #[cfg(test)]
    tests::SCANNED.with(|sum| sum.set(sum.get() + bytes));
    #[cfg(not(test))]
    let _ = bytes;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fmt::Write as _;

    use serde_json::json;

    use super::{Index, Lines};
    use crate::{Edit, documents};

    thread_local! {
        pub(super) static SCANNED: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn places_are_counted_in_characters() {
        let long = "é".repeat(1500);
        let text = format!("\u{feff}a: 1\n{long}: x\r\nb: 😀 c");
        let index = Index::of(&text);
        let lines = Lines::new(&text, &index);
        for (what, place) in [("a", (0, 1)), ("1", (0, 4)), ("x", (1, 1503)), ("b", (2, 1)), ("c", (2, 6))] {
            let at = text.find(what).unwrap();
            assert_eq!(lines.place(at), place, "{what}");
        }
        assert_eq!(lines.place(text.len()), (2, 7));
        assert_eq!((lines.after(0), lines.after(text.len())), (8, text.len()));
    }

    /// A `List` of so many pods, in lines or all on one.
    fn list(pods: usize, is_json: bool) -> String {
        let mut text = String::from("kind: List\nitems:\n");
        for pod in 0..pods {
            let _ = write!(
                text,
                "- kind: Pod\n  metadata:\n    name: é{pod}\n    annotations: {{a: \"b\"}}\n  spec:\n    containers:\n    \
                 - name: a\n      ports: []\n    # none\n"
            );
        }
        if is_json { documents(&text).unwrap()[0].json() } else { text }
    }

    fn edits(pods: usize) -> Vec<Edit> {
        let of_pod = |pod: usize| {
            let at = |place: &str| format!("/items/{pod}{place}");
            [
                Edit::Add { pointer: at("/metadata/annotations/c"), value: json!("d") },
                Edit::Add { pointer: at("/spec/containers/0/env"), value: json!([{"name": "A"}]) },
                Edit::Add { pointer: at("/spec/volumes"), value: json!([{"name": "v"}]) },
                Edit::Remove { pointer: at("/metadata/name") },
            ]
        };
        (0..pods).flat_map(of_pod).collect()
    }

    /// How many bytes are looked at for questions about places, while every pod is edited and its places are told.
    fn work(pods: usize, is_json: bool) -> usize {
        let text = list(pods, is_json);
        let edits = edits(pods);
        SCANNED.set(0);
        let documents = documents(&text).unwrap();
        for edit in &edits {
            documents[0].position(edit.pointer());
        }
        assert_eq!(documents[0].edit(&edits).unwrap().rewritten, None);
        SCANNED.get()
    }

    #[test]
    fn ten_times_the_pods_are_ten_times_the_work() {
        for is_json in [false, true] {
            let (few, many) = (work(30, is_json), work(300, is_json));
            assert!(many <= few * 12, "{few} bytes for 30 pods, {many} for 300, JSON: {is_json}");
        }
    }
}
