//! How long to look.
//!
//! What is spent is counted in steps, which are the same on every machine and however busy it is: a gate, a
//! conflict of the solver, a symbol that a trial works out. A clock may end the work too, for whoever waits; where only steps do, the
//! same problem has the same answer everywhere.

use std::cell::Cell;
use std::time::Instant;

/// When to stop looking for something better; never, when it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Patience {
    /// A time.
    pub deadline: Option<Instant>,
    /// A number of steps; a million take about a second.
    pub steps: Option<u64>,
}

/// What has been spent of a [`Patience`].
#[derive(Debug)]
pub(crate) struct Effort {
    patience: Patience,
    spent: Cell<u64>,
}

impl Effort {
    pub(crate) fn new(patience: Patience) -> Effort {
        Effort { patience, spent: Cell::new(0) }
    }

    pub(crate) fn spend(&self, steps: u64) {
        self.spent.set(self.spent.get().saturating_add(steps));
    }

    /// Steps so far.
    pub(crate) fn spent(&self) -> u64 {
        self.spent.get()
    }

    /// Whether it is time to stop.
    pub(crate) fn is_over(&self) -> bool {
        self.patience.steps.is_some_and(|steps| self.spent.get() >= steps)
            || self.patience.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
