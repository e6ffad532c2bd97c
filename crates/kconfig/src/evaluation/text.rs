//! Numbers and strings: defaults, ranges, comparisons.

use super::{Evaluation, Text};
use crate::expression::{Expr, Tristate};
use crate::model::{PropertyId, PropertyKind, SymbolId, Type};
use crate::number;

impl Evaluation<'_> {
    /// Compares as numbers when both sides are numbers, else as bytes (`expr_calc_value`, scripts/kconfig/expr.c).
    pub(super) fn compare(&self, left: SymbolId, right: SymbolId) -> std::cmp::Ordering {
        let types = (self.model.symbol(left).type_, self.model.symbol(right).type_);
        compare_texts(types, self.shown(left), self.shown(right))
    }

    /// The initial value.
    pub(super) fn zero(&self, type_: Type) -> Text {
        match type_ {
            Type::Int if self.model.dialect.zero_numbers => Text::Fixed(b"0"),
            Type::Hex if self.model.dialect.zero_numbers => Text::Fixed(b"0x0"),
            _ => Text::Fixed(b""),
        }
    }

    pub(super) fn text_value(&mut self, symbol: SymbolId, zero: Text) -> Text {
        let state = &self.states[symbol.at()];
        if state.visible != Tristate::No && state.user.is_some() {
            return Text::User(symbol);
        }
        let Some((default, _)) = self.default_of(symbol) else { return zero };
        let conditions = self.conditions;
        let Expr::Symbol(source) = conditions.expressions.get(default) else { return zero };
        self.states[symbol.at()].write = true;
        self.compute(source);
        self.text_of(source)
    }

    /// The text that another symbol takes over from a symbol.
    ///
    /// Quirk: a `bool` or `tristate` has none of its own (`sym_calc_value`, scripts/kconfig/symbol.c).
    pub(crate) fn text_of(&self, symbol: SymbolId) -> Text {
        match (symbol, self.model.symbol(symbol).type_) {
            (SymbolId::YES | SymbolId::MOD | SymbolId::NO, _) => Text::Name(symbol),
            (_, Type::Bool | Type::Tristate) => Text::Fixed(b"n"),
            _ => self.states[symbol.at()].text,
        }
    }

    pub(crate) fn range_of(&mut self, symbol: SymbolId) -> Option<(SymbolId, SymbolId)> {
        let model = self.model;
        model.properties_of(symbol).find_map(|property: PropertyId| {
            let PropertyKind::Range(low, high) = model.property(property).kind else { return None };
            (self.expression(self.conditions.of(property)) != Tristate::No).then_some((low, high))
        })
    }

    /// Moves a number to the nearest end of its range.
    pub(super) fn clamp(&mut self, symbol: SymbolId, type_: Type) {
        let base = match type_ {
            Type::Int => 10,
            Type::Hex => 16,
            _ => return,
        };
        let Some((low, high)) = self.range_of(symbol) else { return };
        let value = number::signed(self.resolve(self.states[symbol.at()].text), base);
        let end = if value < self.range_end(low, base) {
            low
        } else if value > self.range_end(high, base) {
            high
        } else {
            return;
        };
        let text = if self.model.dialect.prints_range_ends {
            let number = self.range_end(end, base);
            let printed = if base == 10 { number.to_string() } else { format!("{number:#x}") };
            self.printed(printed.as_bytes())
        } else {
            self.text_of(end)
        };
        self.states[symbol.at()].text = text;
    }

    /// The text of a number that is written nowhere.
    fn printed(&mut self, number: &[u8]) -> Text {
        let known = self.printed.iter().position(|known| **known == *number);
        let index = known.unwrap_or_else(|| {
            self.printed.push(number.into());
            self.printed.len() - 1
        });
        Text::Printed(index as u32)
    }

    pub(crate) fn range_end(&mut self, symbol: SymbolId, base: u32) -> i64 {
        self.compute(symbol);
        let base = match self.model.symbol(symbol).type_ {
            Type::Int => 10,
            Type::Hex => 16,
            _ => base,
        };
        number::signed(self.resolve(self.text_of(symbol)), base)
    }
}

/// Compares two texts whose symbols have these types.
pub(crate) fn compare_texts(types: (Type, Type), left: &[u8], right: &[u8]) -> std::cmp::Ordering {
    if types != (Type::String, Type::String)
        && let (Some(a), Some(b)) = (operand(types.0, left), operand(types.1, right))
    {
        let unsigned = types.0 == Type::Hex || types.1 == Type::Hex;
        return if unsigned { (a as u64).cmp(&(b as u64)) } else { a.cmp(&b) };
    }
    left.cmp(right)
}

/// The number that one side of a comparison stands for (`expr_parse_string`, scripts/kconfig/expr.c).
fn operand(type_: Type, text: &[u8]) -> Option<i64> {
    let base = match type_ {
        Type::Bool | Type::Tristate => {
            return Some(match text {
                b"n" => 0,
                b"m" => 1,
                b"y" => 2,
                _ => -1,
            });
        }
        Type::Int => 10,
        Type::Hex => 16,
        Type::String | Type::Unknown => 0,
    };
    let scanned = number::scan(text, base);
    let whole = scanned.length == text.len() && text.last().is_some_and(u8::is_ascii_hexdigit);
    if !whole {
        return None;
    }
    match type_ {
        // `strtoull` takes a sign and negates in 64 bits.
        Type::Hex if scanned.value.unsigned_abs() <= u128::from(u64::MAX) => Some(scanned.value as i64),
        Type::Hex => None,
        _ => i64::try_from(scanned.value).ok(),
    }
}
