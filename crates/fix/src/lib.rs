//! Finds the smallest set of further requests that makes all requests hold, or explains why there is none.
//!
//! [`fix`] takes a [`Problem`]: values with all requests applied, and the requests that must hold. It translates the rules
//! of Kconfig into clauses (`encoding`), asks a SAT solver for ever larger sets of further requests until there is one
//! (`search`), and applies each proposal of the solver to the engine (`trial`): every [`Fix`] was applied to the
//! [`Evaluation`] and verified. When there is no such set, `contradiction` finds a smallest set of requests that cannot
//! hold together.
//!
//! # Smallest
//!
//! Fixes are compared by [`Cost`], field by field in the order of declaration. The first field is the *size*: the number of
//! symbols that get a request that is not among the given ones, or another value in one that is. A request that must hold
//! keeps its value, with one exception: `m` may be raised to `y` where the request is [`Strength::Required`]. An added
//! request is a request like any other, and must hold itself. For a number or a string, only values that comparisons in the
//! tree distinguish are tried.
//! Of the fixes of one size, each set of symbols is tried with all values. When there are more sets than the budget allows
//! to try, the size is still the smallest, and only the order among the fixes is not proved.
//!
//! # Requests that are left out
//!
//! A request is left out when the model does not declare its symbol or the symbol's type does not take its value: no
//! further request can help it.
//!
//! Nothing here reads files or depends on recipes.
//!
//! [`Strength::Required`]: kiln_kconfig::Strength::Required

mod budget;
mod circuit;
mod contradiction;
mod encoding;
mod goal;
mod kinds;
mod search;
mod trial;

use kiln_kconfig::{Evaluation, Request, SymbolId};

pub use budget::Budget;
pub use search::fix;
pub use trial::needed_for;

/// The requests to fix.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a, 'm> {
    /// The values with all requests applied over the base.
    pub now: &'a Evaluation<'m>,
    /// The requests, each symbol at most once.
    pub requests: &'a [Request],
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
    /// Symbols whose request is added or changed.
    pub size: usize,
    /// Whether `COMPILE_TEST` is requested, which compiles drivers for hardware that the machine cannot have.
    pub asks_compile_test: bool,
    /// Requests whose value is changed.
    pub n_altered: usize,
    /// Symbols whose value differs from their value with the given requests alone.
    pub n_moved: usize,
    /// Optional requests that held and no longer do.
    pub n_lost: usize,
    /// Symbols that are requested to be `n`: these keep others, or their own default, from being on.
    pub n_off: usize,
    /// Tristate symbols that are requested to be `y`.
    pub n_built_in: usize,
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
    /// Whether there is no fix of a smaller size.
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
pub enum Outcome {
    /// All requests hold as they are.
    Holds,
    /// Alternative fixes, the best first; none has all the settings of one before it.
    Fixes(Vec<Fix>),
    /// No further requests help: some of the requests cannot hold together.
    Contradiction {
        /// These requests, as indices into [`Problem::requests`]; each is needed for the contradiction.
        requests: Vec<usize>,
        /// Whether no smaller set of requests contradicts itself.
        is_smallest: bool,
    },
    /// The budget is used up; the best fix so far, if there is one.
    OutOfTime(Option<Fix>),
    /// The host refuses the memory that the search needs, in bytes.
    NoMemory(usize),
}
