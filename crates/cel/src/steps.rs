//! The budget of an evaluation, in steps.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use multipod_json::Meter;

/// So many steps all conditions of a policy may take for one pod: one for each part that is evaluated, and one for each 64
/// bytes that are looked through.
pub const STEPS: usize = 100_000;

/// Why a condition has no answer for a pod. That never means no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    why: Cow<'static, str>,
    passes: bool,
}

impl Fault {
    pub const fn new(why: &'static str) -> Fault {
        Fault { why: Cow::Borrowed(why), passes: false }
    }

    /// Something that decides is still being read: whoever asks again in a moment gets an answer, or another fault.
    pub const fn not_yet(why: &'static str) -> Fault {
        Fault { why: Cow::Borrowed(why), passes: true }
    }

    pub const fn is_not_yet(&self) -> bool {
        self.passes
    }

    pub(crate) fn at(self, place: &str) -> Fault {
        Fault { why: format!("{place}: {}", self.why).into(), ..self }
    }

    /// Of two faults, the one to tell: while one of them passes, nobody knows whether the other counts.
    #[must_use]
    pub fn or(self, other: Fault) -> Fault {
        if other.passes && !self.passes { other } else { self }
    }
}

impl From<String> for Fault {
    fn from(why: String) -> Fault {
        Fault { why: why.into(), passes: false }
    }
}

/// The steps that are left.
#[derive(Debug)]
pub(crate) struct Steps<'a> {
    left: Cell<usize>,
    meter: Option<&'a Meter<'a>>,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(meter: Option<&'a Meter<'a>>) -> Self {
        Steps { left: Cell::new(STEPS), meter }
    }

    pub(crate) fn taken(&self) -> usize {
        STEPS - self.left.get()
    }

    pub(crate) fn go(&self, steps: usize) -> Result<(), Fault> {
        let left = self.left.get().checked_sub(steps);
        self.left.set(left.unwrap_or(0));
        if left.is_none() {
            return Err(Fault::from(format!(
                "this pod is too large for it: it takes more than {STEPS} steps"
            )));
        }
        if self.meter.is_some_and(|meter| !meter.go(steps)) {
            return Err(Fault::new("there is no time to go on"));
        }
        Ok(())
    }

    /// So many bytes are looked through.
    pub(crate) fn go_over(&self, bytes: usize) -> Result<(), Fault> {
        self.go(1 + bytes / 64)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
