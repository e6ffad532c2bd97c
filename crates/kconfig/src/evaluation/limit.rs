//! Limits: the conditions that keep a symbol from a value.

use super::{Evaluation, Tristate};
use crate::expression::{Expr, ExprId};
use crate::message::Place;
use crate::model::{NodeId, PropertyKind, Selection, SymbolId, Type};

/// A condition that keeps a symbol from a value, whatever the user sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// It has no prompt: only defaults and other symbols decide its value.
    NoPrompt,
    /// A prompt of it is not visible, or limits it to `m`.
    Prompt {
        /// The position of the prompt.
        place: Place,
        /// The parts of its condition, those of the blocks around it included, that are too low; all must rise.
        terms: Vec<Term>,
    },
    /// Lines select it to a higher value; all must go down.
    Selected(Vec<Selection>),
    /// It cannot be `m`: it is a `bool`, or modules are not enabled.
    NoModules,
    /// It is the only visible member of its choice.
    Choice(NodeId),
}

/// A part of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// The part; [`Evaluation::show`] prints it with the values of its symbols.
    pub expression: ExprId,
    /// Its value.
    pub value: Tristate,
}

impl Evaluation<'_> {
    /// Returns the limits that keep a symbol from the value `wanted`, even if the user sets it; empty when there are
    /// none.
    ///
    /// For a number or a string `wanted` only says whether the user's value is to count: pass [`Tristate::Yes`]. It is
    /// enough to remove one of several [`Limit::Prompt`]; every other limit must be removed.
    pub fn limits(&self, symbol: SymbolId, wanted: Tristate) -> Vec<Limit> {
        let state = self.state(symbol);
        let type_ = self.model.type_of(symbol);
        let mut limits = Vec::new();
        if type_.is_logic() && state.value == wanted {
            return limits;
        }
        if type_.is_logic() && wanted == Tristate::Mod && self.effective_type(symbol) == Type::Bool {
            limits.push(Limit::NoModules);
        }
        let choice = self.decided_by(symbol).filter(|_| wanted == Tristate::No);
        if let Some(choice) = choice {
            let others = self.model.members(choice).into_iter().filter(|member| *member != symbol);
            if others.filter(|member| self.visibility(*member) != Tristate::No).count() == 0 {
                limits.push(Limit::Choice(choice));
            }
        }
        if !self.is_listed(symbol) && state.reverse > wanted && type_.is_logic() {
            limits.push(Limit::Selected(self.lines(symbol, false, wanted)));
        }
        // A `bool` counts as `y` from `m` on, and any visible prompt allows a lower value.
        let needed = match wanted {
            Tristate::Yes if self.model.type_of(symbol) == Type::Tristate => Tristate::Yes,
            _ => Tristate::Mod,
        };
        limits.extend(self.prompts_below(symbol, needed));
        limits
    }

    /// Returns the parts of an expression that keep it below `wanted`: operands of `&&` one by one, everything else
    /// whole.
    pub fn too_low(&self, expression: ExprId, wanted: Tristate) -> Vec<Term> {
        let mut terms = Vec::new();
        self.gather_low(expression, wanted, &mut terms);
        terms
    }

    fn prompts_below(&self, symbol: SymbolId, needed: Tristate) -> Vec<Limit> {
        if self.visibility(symbol) >= needed {
            return Vec::new();
        }
        let is_prompt = |kind: PropertyKind| matches!(kind, PropertyKind::Prompt(_) | PropertyKind::Menu(_));
        let prompts = self.model.properties_of(symbol).filter(|id| is_prompt(self.model.property(*id).kind));
        let limits: Vec<Limit> = prompts
            .map(|id| {
                let condition = self.conditions.of(id);
                let terms = condition.map(|condition| self.too_low(condition, needed)).unwrap_or_default();
                Limit::Prompt { place: self.model.property_place(id), terms }
            })
            .collect();
        if limits.is_empty() { vec![Limit::NoPrompt] } else { limits }
    }

    fn gather_low(&self, id: ExprId, wanted: Tristate, terms: &mut Vec<Term>) {
        let value = self.look(id);
        if value >= wanted || terms.iter().any(|term| term.expression == id) {
            return;
        }
        match self.conditions.expressions.get(id) {
            Expr::And(operands) => operands.iter().for_each(|operand| self.gather_low(*operand, wanted, terms)),
            _ => terms.push(Term { expression: id, value }),
        }
    }
}
