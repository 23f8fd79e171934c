//! Says whether a reader, and the code that uses its result, has time left.

use std::cell::Cell;
use std::fmt;

/// Counts what somebody has sent and is looked at: a step for each thing. Now and then it asks whether time is over, and from
/// then on loops end where they are; whoever began throws away what came of it.
pub struct Meter<'m> {
    steps: Cell<usize>,
    is_over: Cell<bool>,
    most: usize,
    asks: &'m dyn Fn() -> bool,
}

/// So many steps from one question to the next, which is more than what most pods take.
const OFTEN: usize = 1024;
/// What is stepped over costs little.
const BYTES_OF_A_STEP: usize = 64;

impl<'m> Meter<'m> {
    /// With a question for whether time is over.
    pub fn new(asks: &'m dyn Fn() -> bool) -> Self {
        Meter { steps: Cell::new(0), is_over: Cell::new(false), most: usize::MAX, asks }
    }

    /// The same, and over after so many steps, however much time there is.
    #[must_use]
    pub fn most(self, steps: usize) -> Self {
        Meter { most: steps, ..self }
    }

    /// So many steps further, and whether to go on.
    pub fn go(&self, steps: usize) -> bool {
        let before = self.steps.get();
        let after = before.saturating_add(steps);
        self.steps.set(after);
        if !self.is_over.get() {
            let asks = before / OFTEN != after / OFTEN;
            self.is_over.set(after > self.most || asks && (self.asks)());
        }
        !self.is_over.get()
    }

    pub(super) fn go_over(&self, bytes: usize) -> bool {
        self.go(bytes / BYTES_OF_A_STEP)
    }

    /// How many there have been.
    pub fn steps(&self) -> usize {
        self.steps.get()
    }

    /// Whether something has ended before its end.
    pub fn is_over(&self) -> bool {
        self.is_over.get()
    }
}

impl fmt::Debug for Meter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("steps", &self.steps)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
