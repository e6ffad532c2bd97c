//! How long to search.
//!
//! Work is counted in steps, which are the same on every machine and under any load: a gate, a conflict of the solver, a
//! symbol that a trial recomputes. A deadline may end the search too, for callers that a user waits for. Where only steps
//! limit the search, the same problem has the same answer everywhere.

use std::cell::Cell;
use std::time::Instant;

/// Limits of a search; the default is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// The time at which the search stops.
    pub deadline: Option<Instant>,
    /// The number of steps after which the search stops; a million take about a second.
    pub steps: Option<u64>,
}

/// The part of a [`Budget`] that has been spent.
#[derive(Debug)]
pub(crate) struct Spent {
    budget: Budget,
    steps: Cell<u64>,
}

impl Spent {
    pub(crate) fn new(budget: Budget) -> Spent {
        Spent { budget, steps: Cell::new(0) }
    }

    pub(crate) fn add(&self, steps: u64) {
        self.steps.set(self.steps.get().saturating_add(steps));
    }

    /// Returns the steps so far.
    pub(crate) fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// Whether the budget is used up.
    pub(crate) fn is_all(&self) -> bool {
        self.budget.steps.is_some_and(|steps| self.steps.get() >= steps)
            || self.budget.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
