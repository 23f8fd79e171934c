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
    /// `-a`
    Negate(Box<Expr>),
    /// `a + b - c`, and `a * b / c`: from left to right, so that a long one is not deep.
    Calculate(Box<Expr>, Vec<(Operator, Expr)>),
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
    Collect(Box<Collect>),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A loop that makes a list: `filter(x, only)`, `map(x, as)` and `map(x, only, as)`.
#[derive(Clone, Debug)]
pub(crate) struct Collect {
    pub(crate) over: Expr,
    /// Which items; all where there is nothing.
    pub(crate) only: Option<Expr>,
    /// What each becomes; itself where there is nothing.
    pub(crate) into: Option<Expr>,
}

impl Operator {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
        }
    }
}
