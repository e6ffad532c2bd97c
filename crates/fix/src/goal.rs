//! Requests in the terms of the model.

use kiln_kconfig::{Evaluation, Model, Request, Strength, SymbolId, Type};

/// A request that the model can meet: its symbol is declared, and the symbol's type takes the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goal {
    /// The index of the request in [`Problem::requests`](crate::Problem::requests).
    pub(crate) index: usize,
    pub(crate) symbol: SymbolId,
    /// `y`, `m` or `n`, a number, or the content of a string.
    pub(crate) value: String,
    pub(crate) strength: Strength,
}

impl Goal {
    /// Returns the goals of `requests`; other requests are left out.
    pub(crate) fn all(model: &Model, requests: &[Request]) -> Vec<Goal> {
        let goal = |(index, request): (usize, &Request)| {
            let (symbol, value) = request.resolve(model)?;
            Some(Goal { index, symbol, value, strength: request.strength })
        };
        requests.iter().enumerate().filter_map(goal).collect()
    }

    /// Whether it must hold, as it is or raised.
    pub(crate) fn is_binding(&self) -> bool {
        self.strength != Strength::Optional
    }

    /// Whether it holds.
    pub(crate) fn holds(&self, values: &Evaluation<'_>) -> bool {
        has_value(values, self.symbol, &self.value)
    }
}

/// Whether a symbol has a value; a number or a string that is not in the `.config` has none.
pub(crate) fn has_value(values: &Evaluation<'_>, symbol: SymbolId, value: &str) -> bool {
    let type_ = values.model().type_of(symbol);
    (type_.is_logic() || values.is_written(symbol))
        && is_same(type_, values.value_of(symbol).as_bytes(), value.as_bytes())
}

/// Whether two texts are the same value of a symbol of this type.
pub(crate) fn is_same(type_: Type, left: &[u8], right: &[u8]) -> bool {
    let number = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok()?;
        match type_ {
            Type::Int => text.parse::<i128>().ok(),
            Type::Hex => {
                let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
                i128::from_str_radix(digits, 16).ok()
            }
            _ => None,
        }
    };
    left == right || number(left).is_some_and(|left| Some(left) == number(right))
}
