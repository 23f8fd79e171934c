//! The budget of an evaluation, in steps.

use std::cell::Cell;
use std::fmt;

use multipod_json::Meter;

/// So many steps all conditions of a policy may take for one pod: one for each part that is evaluated, and one for each 64
/// bytes that are looked through.
pub const STEPS: usize = 100_000;

/// Why a condition has no answer for a pod. That never means no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

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
            return Err(Fault(format!("this pod is too large for it: it takes more than {STEPS} steps")));
        }
        if self.meter.is_some_and(|meter| !meter.go(steps)) {
            return Err(Fault("there is no time to go on".to_owned()));
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
        f.write_str(&self.0)
    }
}
