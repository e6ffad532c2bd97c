//! The smallest set of further requests that makes all requests hold, or why there is none.
//!
//! [`fix`] takes a [`Problem`]: values with all requests applied, and the requests that must hold. It turns the rules of
//! Kconfig into clauses (`encoding`), asks a SAT solver for ever larger sets of further requests until there is one
//! (`search`), and has the engine try what the solver proposes (`trial`): every [`Fix`] was applied to the
//! [`Evaluation`] and seen to work. When no set does, `contradiction` finds a smallest set of
//! requests that cannot hold together.
//!
//! # What is smallest
//!
//! Fixes are compared by [`Cost`], whose fields count in the order of their declaration. The first is the *size*: how many
//! symbols get a request that is not among the given ones, or another value in one that is. A request that must hold is
//! left as it is, but for one thing: `m` may be raised to `y` where the request is [`Firmness::Written`]. What is added is a
//! request like any other, and holds itself. For a number or a string only such values are tried that comparisons in the
//! tree tell apart.
//! Of fixes of one size, each set of symbols is tried with all values; when there are more sets than time allows to try, the
//! size is still the smallest, and only the order among them is not proved.
//!
//! Nothing here reads files or knows recipes.

mod circuit;
mod contradiction;
mod effort;
mod encoding;
mod kinds;
mod search;
mod trial;

use kiln_kconfig::{Evaluation, SymbolId};

pub use effort::Patience;
pub use search::fix;
pub use trial::{holds, is_same, needed_for};

/// How firmly a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Firmness {
    /// It must hold as it is.
    Asked,
    /// It must hold, or be raised from `m` to `y`.
    Written,
    /// It is applied but need not hold, and may be changed.
    Optional,
}

/// Something that the user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// A declared symbol.
    pub symbol: SymbolId,
    /// `y`, `m` or `n`, a number, or the plain content of a string; the symbol's type takes it.
    pub value: String,
    /// Whether it must hold.
    pub firmness: Firmness,
}

/// What is to be fixed.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a, 'm> {
    /// The values with all requests applied over the base.
    pub now: &'a Evaluation<'m>,
    /// Each symbol at most once.
    pub requests: &'a [Request],
    /// When to stop looking for something better.
    pub patience: Patience,
    /// How many alternatives are wanted.
    pub n_wanted: usize,
}

/// A request that is added or changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// The symbol.
    pub symbol: SymbolId,
    /// The value, in the form of [`Request::value`].
    pub value: String,
}

/// How much a fix costs; less is better, field by field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost {
    /// Symbols whose request is added or changed.
    pub size: usize,
    /// Whether `COMPILE_TEST` is asked for, with which drivers are compiled for hardware that is not there.
    pub asks_compile_test: bool,
    /// Requests that have another value than they were given.
    pub n_altered: usize,
    /// Symbols whose value is another one than with the given requests alone.
    pub n_moved: usize,
    /// Optional requests that held and do not any more.
    pub n_lost: usize,
    /// Symbols that are asked to be `n`: these keep others, or their own default, from being on.
    pub n_off: usize,
    /// Tristate symbols that are asked to be `y`.
    pub n_built_in: usize,
}

/// Settings with which every request that must hold does hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What to ask for, by name.
    pub settings: Vec<Setting>,
    /// What it costs.
    pub cost: Cost,
    /// Symbols that are further on than before, causes before effects; those of `settings` and of the requests left out.
    pub raised: Vec<SymbolId>,
    /// Symbols that are less on than before, likewise.
    pub lowered: Vec<SymbolId>,
    /// Settings that would do in the place of another: each is a fix that differs in just that, the best first.
    pub instead: Vec<Instead>,
    /// Whether there is no fix of a smaller size.
    pub is_smallest: bool,
}

/// A setting that would do as well as another one of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// The symbol that is not needed then.
    pub of: SymbolId,
    /// What takes its place.
    pub setting: Setting,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All requests hold as they are.
    Holds,
    /// Ways to get there, the best first; none has all the settings of one before it.
    Fixes(Vec<Fix>),
    /// No further requests help: these, indices into [`Problem::requests`], cannot hold together, and each is needed for
    /// that.
    Contradiction {
        /// The requests.
        requests: Vec<usize>,
        /// Whether no smaller set of requests contradicts itself.
        is_smallest: bool,
    },
    /// Patience was at its end; the best that was seen so far, if anything was.
    OutOfTime(Option<Fix>),
    /// The host has not the memory that looking takes: so many bytes.
    NoMemory(usize),
}
