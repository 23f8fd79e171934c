//! How far one file has been printed, and which of its bytes are whole lines. Pure: the bytes are handed in.
//!
//! A cursor keeps an offset and a few bytes around it, never a file's unfinished line as a whole: that is read again when
//! the file grows. So the memory does not depend on how many files end in the middle of a long line.

/// Bytes before the offset that must still be there; otherwise the file was cut and written anew.
const LEAD: usize = 32;
/// Bytes of an unfinished line that are kept, so that they can be printed when the file is cut or gone.
const KEPT: usize = 4096;

/// A line, or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) bytes: &'a [u8],
    /// No newline stood behind it: the line may go on in the next piece.
    pub(super) partial: bool,
}

/// What to do with a line that has no newline yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    Wait,
    Print,
}

/// What `advance` made of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// The file is what it was, and so many bytes longer than at the last look.
    Grown(u64),
    /// The file was cut: read it again from `read_from`.
    Restarted,
}

#[derive(Debug, Default)]
pub(super) struct Cursor {
    printed: u64,
    /// The bytes from `printed - lead` on.
    known: Vec<u8>,
    lead: usize,
    /// Bytes behind `printed` that have no newline yet.
    pending: usize,
    skip_zeros: bool,
}

impl Cursor {
    /// Where the next read has to start.
    pub(super) fn read_from(&self) -> u64 {
        self.printed - self.lead as u64
    }

    /// How much of a file must be read to make progress: `data` has no whole line if this says more than its length.
    pub(super) fn needed(&self, data: &[u8], max_line: usize) -> usize {
        let fresh = data.get(self.lead..).unwrap_or_default();
        if fresh.len() > max_line || fresh.contains(&b'\n') { data.len() } else { self.lead + max_line + 1 }
    }

    /// The offset up to which the file has been seen.
    pub(super) fn seen(&self) -> u64 {
        self.printed + self.pending as u64
    }

    pub(super) fn has_pending(&self) -> bool {
        self.pending > 0
    }

    /// Prints what is whole in `data`, which was read at `read_from`.
    pub(super) fn advance(
        &mut self,
        data: &[u8],
        max_line: usize,
        unfinished: Unfinished,
        mut print: impl FnMut(Piece),
    ) -> Advance {
        if !data.starts_with(&self.known) {
            self.print_kept(print);
            *self = Self { skip_zeros: true, ..Self::default() };
            return Advance::Restarted;
        }
        let seen = self.seen();
        let from = self.lead + self.zeros(&data[self.lead..]);
        let mut at = from;
        while let Some((piece, taken)) = next_piece(&data[at..], max_line, unfinished) {
            print(piece);
            at += taken;
        }
        self.remember(data, at);
        Advance::Grown(self.seen().saturating_sub(seen))
    }

    /// Prints what is kept of the unfinished line, for a file that cannot be read any more.
    pub(super) fn print_kept(&mut self, mut print: impl FnMut(Piece)) {
        let rest = &self.known[self.lead..];
        if !rest.is_empty() {
            print(Piece { bytes: rest, partial: true });
        }
        let known = std::mem::take(&mut self.known);
        self.remember(&known, known.len());
    }

    /// A writer that does not append goes on where it was in a file that was cut: the hole in front reads as zeros.
    fn zeros(&mut self, fresh: &[u8]) -> usize {
        if !self.skip_zeros {
            return 0;
        }
        let zeros = fresh.iter().take_while(|&&byte| byte == 0).count();
        self.skip_zeros = zeros == fresh.len();
        zeros
    }

    /// `data` starts at `read_from`; everything before its index `at` has been printed.
    fn remember(&mut self, data: &[u8], at: usize) {
        self.printed += (at - self.lead) as u64;
        self.pending = data.len() - at;
        self.lead = at.min(LEAD);
        self.known.clear();
        self.known.extend_from_slice(&data[at - self.lead..data.len().min(at + KEPT)]);
        self.known.shrink_to(LEAD + 2 * self.pending.min(KEPT));
    }
}

/// The first piece of `data` and the bytes that it takes up, newline included.
fn next_piece(data: &[u8], max_line: usize, unfinished: Unfinished) -> Option<(Piece<'_>, usize)> {
    let reach = data.len().min(max_line + 1);
    if let Some(end) = data[..reach].iter().position(|&byte| byte == b'\n') {
        return Some((Piece { bytes: &data[..end], partial: false }, end + 1));
    }
    let end = match unfinished {
        _ if data.len() > max_line => character_end(data, max_line),
        Unfinished::Print if !data.is_empty() => data.len(),
        _ => return None,
    };
    Some((Piece { bytes: &data[..end], partial: true }, end))
}

/// The last index up to `max` that does not cut a UTF-8 character; `max` itself where the bytes are not UTF-8.
fn character_end(data: &[u8], max: usize) -> usize {
    let continues = |index: &usize| data[*index] & 0b1100_0000 == 0b1000_0000;
    (max.saturating_sub(3).max(1)..=max).rev().find(|index| !continues(index)).unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file and a reader that sees at most `step` bytes more each time.
    fn follow(
        cursor: &mut Cursor,
        file: &[u8],
        max_line: usize,
        unfinished: Unfinished,
    ) -> Vec<(String, bool)> {
        let mut printed = Vec::new();
        let mut look = |cursor: &mut Cursor, unfinished| {
            let from = usize::try_from(cursor.read_from()).unwrap().min(file.len());
            cursor.advance(&file[from..], max_line, unfinished, |piece| {
                printed.push((String::from_utf8_lossy(piece.bytes).into_owned(), piece.partial));
            })
        };
        if look(cursor, unfinished) == Advance::Restarted {
            assert_ne!(look(cursor, unfinished), Advance::Restarted);
        }
        printed
    }

    fn lines(cursor: &mut Cursor, file: &str) -> Vec<String> {
        follow(cursor, file.as_bytes(), 100, Unfinished::Wait).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_line_is_printed_once_and_only_when_its_newline_is_there() {
        let mut cursor = Cursor::default();
        assert_eq!(lines(&mut cursor, "one\ntwo\nthr"), ["one", "two"]);
        assert!(cursor.has_pending());
        assert!(lines(&mut cursor, "one\ntwo\nthree").is_empty());
        assert_eq!(lines(&mut cursor, "one\ntwo\nthree\n\n"), ["three", ""]);
        assert!(!cursor.has_pending());
    }

    #[test]
    fn an_unfinished_line_is_printed_when_asked_and_its_rest_later() {
        let mut cursor = Cursor::default();
        assert_eq!(follow(&mut cursor, b"half", 100, Unfinished::Print), [("half".to_owned(), true)]);
        assert_eq!(
            follow(&mut cursor, b"half done\n", 100, Unfinished::Print),
            [(" done".to_owned(), false)]
        );
    }

    #[test]
    fn a_cut_file_is_read_again_and_its_unfinished_line_is_kept() {
        let mut cursor = Cursor::default();
        assert_eq!(lines(&mut cursor, "one\ntw"), ["one"]);
        assert_eq!(lines(&mut cursor, ""), ["tw"]);
        assert_eq!(lines(&mut cursor, "new\n"), ["new"]);
    }

    #[test]
    fn a_file_that_was_cut_and_has_grown_beyond_the_old_end_is_noticed() {
        let mut cursor = Cursor::default();
        assert_eq!(lines(&mut cursor, "10:00 one\n"), ["10:00 one"]);
        assert_eq!(lines(&mut cursor, "10:01 two\n10:01 three\n"), ["10:01 two", "10:01 three"]);
    }

    #[test]
    fn the_hole_that_a_cut_leaves_in_front_of_a_writer_is_skipped() {
        let mut cursor = Cursor::default();
        assert_eq!(lines(&mut cursor, "first\n"), ["first"]);
        assert!(lines(&mut cursor, "\0\0\0").is_empty());
        assert_eq!(lines(&mut cursor, "\0\0\0\0\0\0next\n\0\n"), ["next", "\0"]);
    }

    #[test]
    fn a_long_line_comes_in_pieces_and_the_last_one_is_not_partial() {
        for (file, expected) in [
            ("abcd\n", vec![("abcd", false)]),
            ("abcde\n", vec![("abcd", true), ("e", false)]),
            ("abcdefgh\n", vec![("abcd", true), ("efgh", false)]),
            ("abcd", vec![]),
            ("abcde", vec![("abcd", true)]),
            ("abcé\n", vec![("abc", true), ("é", false)]),
        ] {
            let printed = follow(&mut Cursor::default(), file.as_bytes(), 4, Unfinished::Wait);
            let printed: Vec<_> = printed.iter().map(|(line, partial)| (line.as_str(), *partial)).collect();
            assert_eq!(printed, expected, "{file}");
        }
    }

    #[test]
    fn of_a_file_that_is_gone_the_kept_bytes_are_printed_once() {
        let mut cursor = Cursor::default();
        assert_eq!(lines(&mut cursor, "one\nrest"), ["one"]);
        let mut printed = Vec::new();
        for _ in 0..2 {
            cursor.print_kept(|piece| printed.push((piece.bytes.to_vec(), piece.partial)));
        }
        assert_eq!(printed, [(b"rest".to_vec(), true)]);
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_or_doubled_however_the_file_grows(
            file in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()], 0..400),
            looks in prop::collection::vec(0_usize..400, 0..12),
            max_line in 4_usize..40,
        ) {
            let mut looks: Vec<_> = looks.into_iter().map(|look| look.min(file.len())).collect();
            looks.sort_unstable();
            looks.push(file.len());
            let mut cursor = Cursor::default();
            let mut printed = Vec::new();
            for (index, &length) in looks.iter().enumerate() {
                let from = usize::try_from(cursor.read_from()).unwrap();
                let last = index + 1 == looks.len();
                let unfinished = if last { Unfinished::Print } else { Unfinished::Wait };
                let advance = cursor.advance(&file[from..length], max_line, unfinished, |piece| {
                    assert!(piece.bytes.len() <= max_line);
                    printed.extend_from_slice(piece.bytes);
                    if !piece.partial {
                        printed.push(b'\n');
                    }
                });
                prop_assert!(matches!(advance, Advance::Grown(_)));
            }
            prop_assert_eq!(printed, file);
        }
    }
}
