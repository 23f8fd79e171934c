//! Conditions about pods in CEL, the language of the API server's own `matchConditions`.
//!
//! Only a part of CEL is here: all that it accepts, an API server accepts as well and answers alike, and the rest is refused
//! when a condition is read. Nothing in it can take long: the length, the depth and the number of parts are bounded, loops
//! never stand in each other, and every evaluation counts its steps: what it puts together costs them by its size.
//!
//! `lex` and `parse` read a condition, `check` says what it is of and what it may look at, `eval` answers it over a pod that
//! stays text but for what is asked for.

mod calculate;
mod check;
mod eval;
mod given;
mod lex;
mod mistake;
mod parse;
mod pattern;
mod steps;
mod syntax;
mod value;

pub use given::Given;
pub use mistake::Mistake;
pub use steps::{Fault, STEPS};
use syntax::Expr;
pub use value::Value;

/// The longest condition, in bytes.
pub const LONGEST: usize = 2048;
/// A condition that was read and checked.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    expr: Expr,
    annotations: Vec<String>,
}

impl Condition {
    pub fn parse(text: &str) -> Result<Condition, Mistake> {
        if text.len() > LONGEST {
            return Err(Mistake::at(0..0, format!("expected at most {LONGEST} letters")));
        }
        let expr = parse::parse(text)?;
        let annotations = check::check(&expr)?;
        Ok(Condition { text: text.to_owned(), expr, annotations })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The annotations of the pod's namespace that it reads, in order.
    pub fn namespace_annotations(&self) -> &[String] {
        &self.annotations
    }

    /// Whether it holds.
    pub fn holds<'a>(&'a self, given: &Given<'a>) -> Result<bool, Fault> {
        eval::holds(&self.expr, &self.text, given)
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        self.text == other.text
    }
}

#[cfg(test)]
mod tests;
