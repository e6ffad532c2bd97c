//! What a user asks for: a symbol with a value.

use kiln_diag::Span;

/// How strongly a request is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// It must hold as it is.
    Fixed,
    /// It must hold, or be raised from `m` to `y`.
    Required,
    /// It is applied but need not hold, and may be changed.
    Optional,
}

/// A symbol that shall have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// The value as it was written: `y`, `m`, `n`, a number, a bare or quoted string.
    pub value: String,
    /// Whether it must hold.
    pub strength: Strength,
    /// Where it was written; `None` for one of the command line or of kiln's own.
    pub origin: Option<Span>,
}

impl Request {
    /// Makes a request that was written nowhere and must hold as it is.
    pub fn fixed(symbol: impl Into<String>, value: impl Into<String>) -> Request {
        Request { symbol: symbol.into(), value: value.into(), strength: Strength::Fixed, origin: None }
    }

    /// Whether it may stay unmet, and is then only reported.
    pub fn is_optional(&self) -> bool {
        self.strength == Strength::Optional
    }
}
