//! The reason why a symbol has its value.

use super::{Evaluation, Tristate};
use crate::expression::Expr;
use crate::model::{DefaultValue, NodeId, Range, Selection, SymbolId, Type};
use crate::number;

/// The source of a symbol's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is a constant or undefined.
    Fixed,
    /// Nothing: no visible prompt has a user's value, and no `default` applies.
    Nothing,
    /// The user, within the limit of the prompt's visibility.
    User,
    /// A `default` line.
    Default(DefaultValue),
    /// `imply` lines that raised it above its default.
    Implied(Vec<Selection>),
    /// `select` lines that raised it above all else.
    Selected(Vec<Selection>),
    /// The choice that it is a member of.
    Choice {
        /// The choice's node.
        choice: NodeId,
        /// The member that is `y`.
        chosen: Option<SymbolId>,
    },
    /// A `range` line that moved it to one of its ends.
    Range(Range),
}

impl Evaluation<'_> {
    /// Returns the source of a symbol's value.
    pub fn reason(&self, symbol: SymbolId) -> Reason {
        let type_ = self.model.type_of(symbol);
        if symbol <= SymbolId::NO || type_ == Type::Unknown {
            return Reason::Fixed;
        }
        if !type_.is_logic() {
            return self.reason_of_text(symbol, type_);
        }
        if let Some(choice) = self.decided_by(symbol) {
            let members = self.model.members(choice);
            let chosen = members.into_iter().find(|member| self.tristate(*member) == Tristate::Yes);
            return Reason::Choice { choice, chosen };
        }
        let state = self.state(symbol);
        let (mut value, mut reason) = (Tristate::No, Reason::Nothing);
        match state.user.as_ref().filter(|_| state.visible != Tristate::No) {
            Some(user) => (value, reason) = (user.logic().min(state.visible), Reason::User),
            None => {
                if let Some(default) = self.active_default(symbol).filter(|_| !self.model.is_choice(symbol)) {
                    let condition = default.condition.map_or(Tristate::Yes, |condition| self.look(condition));
                    value = self.look(default.value).min(condition);
                    reason = Reason::Default(default);
                }
                let raised = value.max(state.implied).min(state.direct);
                if state.implied != Tristate::No && raised > value {
                    reason = Reason::Implied(self.lines(symbol, true, value));
                    value = raised;
                }
            }
        }
        if state.reverse > value { Reason::Selected(self.lines(symbol, false, value)) } else { reason }
    }

    /// Returns the `default` line that applies when neither the user nor another symbol decides: the first with a true
    /// condition.
    pub fn active_default(&self, symbol: SymbolId) -> Option<DefaultValue> {
        let holds = |default: &DefaultValue| default.condition.is_none_or(|id| self.look(id) != Tristate::No);
        self.model.defaults(symbol).find(holds)
    }

    /// Returns the `range` line that applies: the first with a true condition.
    pub fn active_range(&self, symbol: SymbolId) -> Option<Range> {
        let holds = |range: &Range| range.condition.is_none_or(|id| self.look(id) != Tristate::No);
        self.model.ranges(symbol).find(holds)
    }

    /// The choice that decides a symbol's value.
    pub(super) fn decided_by(&self, symbol: SymbolId) -> Option<NodeId> {
        let choice = self.model.symbol(symbol).member_of?;
        // Before 6.11 a member that is not fully visible is independent of its choice.
        let decides = !self.model.dialect.choice_values || self.state(symbol).visible == Tristate::Yes;
        decides.then_some(choice)
    }

    /// The lines that request more than `value`.
    pub(super) fn lines(&self, target: SymbolId, weak: bool, value: Tristate) -> Vec<Selection> {
        self.model.selectors(target).filter(|line| line.weak == weak && self.strength(line) > value).collect()
    }

    fn reason_of_text(&self, symbol: SymbolId, type_: Type) -> Reason {
        let state = self.state(symbol);
        let is_user = state.visible != Tristate::No && state.user.is_some();
        let default = if is_user { None } else { self.active_default(symbol) };
        let (text, reason) = match default {
            _ if is_user => (super::Text::User(symbol), Reason::User),
            Some(default) => match self.model.expression(default.value) {
                Expr::Symbol(source) => (self.text_of(source), Reason::Default(default)),
                _ => return Reason::Nothing,
            },
            None => (self.zero(type_), Reason::Nothing),
        };
        let base = match type_ {
            Type::Int => 10,
            Type::Hex => 16,
            _ => return reason,
        };
        let moved = number::signed(self.resolve(text), base) != number::signed(self.shown(symbol), base);
        match self.active_range(symbol).filter(|_| moved) {
            Some(range) => Reason::Range(range),
            None => reason,
        }
    }
}
