//! Choices made from bytes, so that one generator serves proptest, which shrinks the bytes, and a fuzzer, which mutates
//! them. Zeros, and the end of the bytes, make the plainest choice.

/// What is left of the bytes.
#[derive(Clone, Debug)]
pub struct Dice<'b> {
    bytes: &'b [u8],
}

/// Text that other programs would take for more than text.
const HOSTILE: [&str; 22] = [
    "$(VAR)",
    "$$(VAR)",
    "$",
    "\"",
    "\\",
    "'",
    "\n",
    "\n  server evil 1.2.3.4:80",
    "\r",
    "\t",
    "\0",
    "\u{1b}[31m",
    "\u{7f}",
    "{{ .Values }}",
    "${env:HOME}",
    "`id`",
    "../..",
    "é\u{2028}ß",
    "\u{202e}",
    ",",
    "=",
    "#",
];

impl<'b> Dice<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Dice { bytes }
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    /// Below `most`, which is at most 256.
    pub fn below(&mut self, most: usize) -> usize {
        usize::from(self.byte()) % most
    }

    /// True in about so many of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        usize::from(self.byte()) * 100 / 256 >= 100 - percent
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// One of `good`, and in about four of a hundred one of `bad`.
    pub fn mostly<T: Clone>(&mut self, good: &[T], bad: &[T]) -> T {
        if self.chance(4) { self.pick(bad) } else { self.pick(good) }
    }

    /// A few of these, in their order.
    pub fn some<T: Clone>(&mut self, of: &[T], percent: usize) -> Vec<T> {
        of.iter().filter(|_| self.chance(percent)).cloned().collect()
    }

    pub fn hostile(&mut self) -> &'static str {
        self.pick(&HOSTILE)
    }

    /// Does to a text what nobody should: puts something in, cuts it, repeats it, or makes it very long.
    pub fn spoil(&mut self, text: &str) -> String {
        let mut at = if text.is_empty() { 0 } else { self.below(256) * text.len() / 256 };
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let (head, tail) = text.split_at(at);
        match self.below(6) {
            0..=2 => format!("{head}{}{tail}", self.hostile()),
            3 => head.to_owned(),
            4 => format!("{text}{}{text}", self.pick(&[" ", ",", "\n", ""])),
            _ => format!("{head}{}{tail}", self.pick(&["x", "9", "/a", "é"]).repeat(self.below(256) * 20)),
        }
    }
}
