//! The limits of what is kept of a text: items, entries and bytes.

/// What a reader gives to a type, at most. What is stepped over costs nothing and is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Items in one list.
    pub in_one: usize,
    /// Items in all lists together.
    pub in_all: usize,
    /// Bytes of one text, as it stands there.
    pub text: usize,
    /// Whether members of maps are items too: types have fields of their own, but a tree of anything keeps them all.
    pub members: bool,
}

impl Budget {
    /// For texts that are bounded already.
    pub const NONE: Budget =
        Budget { in_one: usize::MAX, in_all: usize::MAX, text: usize::MAX, members: false };
}
