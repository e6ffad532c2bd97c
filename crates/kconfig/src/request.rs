//! A user's request: a symbol with a value.

use kiln_diag::Span;

use crate::model::{Model, SymbolId, Type};
use crate::value::unquote;

/// The strength of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// It must hold as it is.
    Fixed,
    /// It must hold, or be raised from `m` to `y`.
    Required,
    /// It is applied but need not hold, and may be changed.
    Optional,
}

/// A symbol with a requested value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// The value as it was written: `y`, `m`, `n`, a number, a bare or quoted string.
    pub value: String,
    /// Whether it must hold.
    pub strength: Strength,
    /// The place where it was written; `None` for one of the command line or of kiln's own.
    pub origin: Option<Span>,
}

impl Request {
    /// Returns a request without an origin that must hold as it is.
    pub fn fixed(symbol: impl Into<String>, value: impl Into<String>) -> Request {
        Request { symbol: symbol.into(), value: value.into(), strength: Strength::Fixed, origin: None }
    }

    /// Returns the symbol, and the value as the symbol's type takes it, without the quotes of a string; `None` where
    /// `model` does not declare the symbol or its type does not take the value: a bare `n` unsets a string, which no
    /// value of it can do.
    pub fn resolve(&self, model: &Model) -> Option<(SymbolId, String)> {
        let symbol = model.find(&self.symbol).filter(|symbol| model.definitions(*symbol).next().is_some())?;
        let value = match model.type_of(symbol) {
            Type::String if self.value == "n" => return None,
            Type::String => unquote(&self.value),
            _ => self.value.clone(),
        };
        model.takes(symbol, &value).then_some((symbol, value))
    }

    /// Whether it may stay unmet, which is then only reported.
    pub fn is_optional(&self) -> bool {
        self.strength == Strength::Optional
    }
}
