//! A condition as a tree.

use std::ops::Range;

use regex::Regex;

/// One part of a condition.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: Kind,
    /// Where it stands, in bytes.
    pub(crate) at: Range<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    /// Of constants.
    List(Vec<Expr>),
    EmptyMap,
    /// The pod.
    Object,
    /// Its namespace.
    Namespace,
    /// What a loop is at; there is one at most.
    Item,
    /// `a.b` and `a["b"]`.
    Get(Box<Get>),
    /// `has(a.b)`
    Has(Box<Get>),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Compare(Comparison, Box<[Expr; 2]>),
    In(Box<[Expr; 2]>),
    If(Box<[Expr; 3]>),
    Size(Box<Expr>),
    /// `a.startsWith(b)` and the like.
    Test(Test, Box<[Expr; 2]>),
    Matches(Box<Expr>, Regex),
    OrValue(Box<[Expr; 2]>),
    HasValue(Box<Expr>),
    Loop(Loop, Box<[Expr; 2]>),
}

/// Something that is looked up in something.
#[derive(Clone, Debug)]
pub(crate) struct Get {
    pub(crate) of: Expr,
    pub(crate) key: Expr,
    /// Whether it is written as a field.
    pub(crate) is_field: bool,
    /// `.?` and `[?]`
    pub(crate) is_optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    StartsWith,
    EndsWith,
    Contains,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loop {
    Exists,
    All,
    ExistsOne,
}
