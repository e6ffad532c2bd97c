//! The inputs that decide values, for callers with their own evaluation: prompts, choices, comparisons, ranges.

use std::borrow::Cow;

use super::{Model, NodeId, Range, SymbolId, SymbolKind, Type};
use crate::dialect::Dialect;
use crate::expression::{Comparison, ExprId};
use crate::message::Place;
use crate::{evaluation, number};

/// A prompt of a symbol or a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The condition of its visibility, that of the blocks around it included; `None` is always.
    pub condition: Option<ExprId>,
    /// The position of its line.
    pub place: Place,
}

impl Model {
    /// Returns the rules that the model is evaluated by.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the prompts of a symbol in order.
    pub fn prompts(&self, symbol: SymbolId) -> impl Iterator<Item = Prompt> {
        let ids = self.properties_of(symbol).filter(|id| self.property(*id).kind.text().is_some());
        ids.map(|id| Prompt { condition: self.conditions.of(id), place: self.property_place(id) })
    }

    /// Returns the choice that a symbol is a member of, by its first node.
    pub fn choice_of(&self, symbol: SymbolId) -> Option<NodeId> {
        self.symbol(symbol).listed_in.or(self.symbol(symbol).member_of)
    }

    /// Returns the symbol of a choice's node.
    pub fn choice_symbol(&self, choice: NodeId) -> Option<SymbolId> {
        self.node(choice).symbol
    }

    /// Returns the members of a choice in the order of their definitions.
    pub fn members_of(&self, choice: NodeId) -> Vec<SymbolId> {
        self.members(choice)
    }

    /// Returns the text of a constant or of a name without a type: their value in a comparison.
    pub fn fixed_text(&self, symbol: SymbolId) -> Option<Cow<'_, str>> {
        (symbol <= SymbolId::NO || self.symbol(symbol).type_ == Type::Unknown).then(|| self.name(symbol))
    }

    /// Returns the value of a constant as expressions see it; `None` for a symbol that has a type and is no constant.
    pub fn fixed_value(&self, symbol: SymbolId) -> Option<crate::Tristate> {
        match symbol {
            SymbolId::YES => Some(crate::Tristate::Yes),
            SymbolId::MOD => Some(crate::Tristate::Mod),
            SymbolId::NO => Some(crate::Tristate::No),
            _ => (self.symbol(symbol).type_ == Type::Unknown).then_some(crate::Tristate::No),
        }
    }

    /// Whether an old value of the symbol counts although it is not visible.
    pub fn is_transitional(&self, symbol: SymbolId) -> bool {
        self.symbol(symbol).transitional
    }

    /// Whether a symbol represents a choice.
    pub fn stands_for_choice(&self, symbol: SymbolId) -> bool {
        self.symbol(symbol).kind == SymbolKind::Choice
    }

    /// Whether a comparison holds when its sides have these texts.
    pub fn holds(&self, op: Comparison, left: (SymbolId, &[u8]), right: (SymbolId, &[u8])) -> bool {
        let types = (self.symbol(left.0).type_, self.symbol(right.0).type_);
        op.holds(evaluation::compare_texts(types, left.1, right.1))
    }

    /// Returns every comparison of the text: operator, left and right side.
    pub fn comparisons(&self) -> impl Iterator<Item = (Comparison, SymbolId, SymbolId)> {
        self.conditions.expressions.comparisons()
    }

    /// Returns the end that a number is moved to by a range whose ends have these texts; `None` when it stays.
    pub fn moved<'t>(
        &self,
        symbol: SymbolId,
        text: &[u8],
        low: &'t [u8],
        high: &'t [u8],
        range: &Range,
    ) -> Option<&'t [u8]> {
        let base = match self.symbol(symbol).type_ {
            Type::Int => 10,
            Type::Hex => 16,
            _ => return None,
        };
        let base_of = |end: SymbolId| match self.symbol(end).type_ {
            Type::Int => 10,
            Type::Hex => 16,
            _ => base,
        };
        let value = number::signed(text, base);
        if value < number::signed(low, base_of(range.low)) {
            Some(low)
        } else if value > number::signed(high, base_of(range.high)) {
            Some(high)
        } else {
            None
        }
    }

    /// Whether a text may be given to a symbol of this type.
    pub fn takes(&self, symbol: SymbolId, text: &str) -> bool {
        match self.symbol(symbol).type_ {
            Type::Bool => matches!(text, "y" | "n"),
            Type::Tristate => matches!(text, "y" | "m" | "n"),
            Type::Unknown => false,
            type_ => crate::checks::is_valid(type_, text.as_bytes()),
        }
    }
}
