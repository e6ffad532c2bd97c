//! Finds the least harmful set of further requests that makes all requests hold.
//!
//! [`fix`] takes a [`Problem`]: values with all requests applied, and the requests that must hold. It translates the rules
//! of Kconfig into clauses (`encoding`), sets aside the requests that cannot hold, each with its reason (`aside`), asks a
//! SAT solver for sets of further requests (`search`), and applies each proposal of the solver to the engine (`trial`):
//! every [`Fix`] was applied to the [`Evaluation`] and verified.
//!
//! # The order
//!
//! A fix is a set of symbols, each with a value, of which none can be left out: with no part of these symbols, whatever
//! their values, all requests hold. Fixes are compared by [`Cost`], field by field in the order of declaration: what they
//! harm (`harm`), whether they make a detour (`plain`), and then how many requests they add. A request that must hold
//! keeps its value, with one exception: `m` may be raised to `y` where the request is [`Strength::Required`]. An added
//! request is a request like any other, and must hold itself. What the caller keeps ([`Problem::kept`]) stays on. For a
//! number or a string, only values that comparisons in the tree distinguish are tried.
//!
//! The solver counts requests, and the engine measures harm. So the search first looks among plain requests that move
//! little alone, and admits larger ones step by step where that is not enough (`level`). When there are more sets than
//! the budget allows to try, [`Fix::is_smallest`] is false.
//!
//! # Requests that are left out
//!
//! A request is left out when the model does not declare its symbol or the symbol's type does not take its value: no
//! further request can help it.
//!
//! Nothing here reads files or depends on recipes.
//!
//! [`Strength::Required`]: kiln_kconfig::Strength::Required

mod aside;
mod budget;
mod circuit;
mod encoding;
mod goal;
mod harm;
mod kinds;
mod level;
mod pins;
mod plain;
mod search;
mod trial;

use kiln_kconfig::{Evaluation, Request, SymbolId};

pub use budget::Budget;
pub use pins::{Pins, pins};
pub use search::fix;
pub use trial::{cost_of, needed_for};

/// The requests to fix.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a, 'm> {
    /// The values with all requests applied over the base.
    pub now: &'a Evaluation<'m>,
    /// The requests, each symbol at most once.
    pub requests: &'a [Request],
    /// Symbols that are on, and that no fix turns off.
    pub kept: &'a [SymbolId],
    /// The limits of the search.
    pub budget: Budget,
    /// The number of alternatives to return at most.
    pub n_wanted: usize,
}

/// A request that is added or changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// The symbol.
    pub symbol: SymbolId,
    /// `y`, `m` or `n`, a number, or the content of a string; the symbol's type takes it.
    pub value: String,
}

/// The cost of a fix; less is better, field by field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost {
    /// Optional requests that held and no longer do.
    pub n_lost: usize,
    /// Whether a switch for tests is requested, as `COMPILE_TEST`, which compiles drivers for hardware that the machine
    /// cannot have.
    pub asks_tests: bool,
    /// Whether the harm is of a drastic grade.
    pub is_drastic: bool,
    /// Symbols that are turned on only because they select another one that has a prompt.
    pub n_foreign: usize,
    /// The grade of the harm.
    pub grade: u32,
    /// Symbols whose request is added or changed.
    pub size: usize,
    /// Requests whose value is changed.
    pub n_altered: usize,
    /// The harm.
    pub harm: usize,
    /// Symbols that are requested to be `n`: these keep others, or their own default, from being on.
    pub n_off: usize,
    /// Tristate symbols that are requested to be `y`.
    pub n_built_in: usize,
}

impl Cost {
    /// Whether `other` harms as little, and makes no more of a detour.
    pub fn is_of_class(&self, other: &Cost) -> bool {
        let class = |cost: &Cost| (cost.n_lost, cost.asks_tests, cost.is_drastic, cost.n_foreign, cost.grade);
        class(self) == class(other)
    }
}

/// Settings with which every request that must hold does hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The settings, sorted by name.
    pub settings: Vec<Setting>,
    /// Their cost.
    pub cost: Cost,
    /// Symbols that this turns on, or from `m` to `y`, causes before effects; without those of `settings` and of the
    /// requests.
    pub raised: Vec<SymbolId>,
    /// Symbols that this turns off, or from `y` to `m`, likewise.
    pub lowered: Vec<SymbolId>,
    /// Settings that can replace one of `settings`: each is a fix that differs in that setting only. The best is first.
    pub substitutes: Vec<Substitute>,
    /// Whether no fix that harms as little or less has a smaller size, and none harms less.
    pub is_smallest: bool,
}

/// A setting that can replace another one of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substitute {
    /// The symbol whose setting it replaces.
    pub of: SymbolId,
    /// The setting.
    pub setting: Setting,
}

/// The result of [`fix`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// The requests that cannot hold, sorted by index; [`outcome`](Solution::outcome) is about the others.
    pub set_aside: Vec<SetAside>,
    /// The fixes with which all other requests hold.
    pub outcome: Outcome,
}

/// A request that cannot hold, and why.
///
/// Without rivals, no further requests make it hold, whatever else is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The request, as an index into [`Problem::requests`].
    pub request: usize,
    /// Requests that contradict it, likewise; each is needed for the contradiction.
    pub requests: Vec<usize>,
    /// Symbols of [`Problem::kept`] that are needed for the contradiction.
    pub kept: Vec<SymbolId>,
    /// Whether no smaller set contradicts it.
    pub is_smallest: bool,
}

/// The result of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// They hold as they are.
    Holds,
    /// Alternative fixes, the best first; none has all the settings of one before it.
    Fixes(Vec<Fix>),
    /// The budget is used up; the best fix so far, if there is one.
    OutOfTime(Option<Fix>),
    /// The host refuses the memory that the search needs, in bytes.
    NoMemory(usize),
}
