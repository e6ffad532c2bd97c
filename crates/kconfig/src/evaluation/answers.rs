//! Queries on values.

use std::borrow::Cow;

use super::{Evaluation, Tristate, Wanted};
use crate::expression::ExprId;
use crate::model::{Model, NodeId, Selection, SymbolId, Type};

impl<'m> Evaluation<'m> {
    /// The model of these values.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// Returns a symbol's value: `y`, `m`, `n`, a number, or the unquoted content of a string. `None` for a name that
    /// no Kconfig file mentions.
    pub fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.model.find(name).map(|symbol| self.value_of(symbol))
    }

    /// Returns the same for a symbol by id; an undefined symbol's value is `n`.
    pub fn value_of(&self, symbol: SymbolId) -> Cow<'_, str> {
        match self.model.type_of(symbol) {
            Type::Unknown => Cow::Borrowed("n"),
            _ => String::from_utf8_lossy(self.shown(symbol)),
        }
    }

    /// Returns the value as expressions see it: `n` for numbers and strings.
    pub fn tristate(&self, symbol: SymbolId) -> Tristate {
        self.state(symbol).value
    }

    /// Returns the user's value of a symbol, whether or not it is in effect; see [`Evaluation::set`] for its form.
    pub fn user_value(&self, symbol: SymbolId) -> Option<Cow<'_, str>> {
        match self.state(symbol).user.as_ref().filter(|_| !self.model.is_choice(symbol))? {
            Wanted::Logic(value) => Some(Cow::Borrowed(value.as_str())),
            Wanted::Text(text) => Some(String::from_utf8_lossy(text)),
        }
    }

    /// Returns the members of a choice: first those with a value, the latest first, then those without, in definition
    /// order.
    pub fn preferred_members(&self, choice: NodeId) -> Vec<SymbolId> {
        let mut members = self.model.members(choice);
        members.sort_by_key(|member| std::cmp::Reverse(self.state(*member).since));
        members
    }

    /// Whether the symbol is written to the `.config`.
    pub fn is_written(&self, symbol: SymbolId) -> bool {
        self.state(symbol).write
    }

    /// Returns the visibility, which limits a user's value: `n` when no prompt is visible.
    pub fn visibility(&self, symbol: SymbolId) -> Tristate {
        self.state(symbol).visible
    }

    /// Returns the value of the symbol's direct dependency.
    pub fn direct_dependency(&self, symbol: SymbolId) -> Tristate {
        self.state(symbol).direct
    }

    /// Returns the lower limit of the symbol's value, because others select it.
    pub fn reverse_dependency(&self, symbol: SymbolId) -> Tristate {
        self.state(symbol).reverse
    }

    /// Returns the value of an expression of the model.
    pub fn evaluate(&self, expression: ExprId) -> Tristate {
        self.look(expression)
    }

    /// Returns the value that a `select` or `imply` line requests for its target.
    pub fn strength(&self, line: &Selection) -> Tristate {
        self.tristate(line.by).min(line.condition.map_or(Tristate::Yes, |condition| self.look(condition)))
    }

    /// Returns the symbols that are selected although their direct dependency is not met, in the order of first
    /// mention.
    pub fn unmet(&self) -> impl Iterator<Item = SymbolId> {
        self.model.declared().filter(|symbol| {
            let state = self.state(*symbol);
            self.model.type_of(*symbol).is_logic() && state.direct < state.reverse
        })
    }

    /// Returns an expression as Kconfig writes it, each symbol with its value: `NET [=y] && !(PCI [=n] || USB [=m])`.
    pub fn show(&self, expression: ExprId) -> String {
        let mut out = Vec::new();
        self.print(expression, 0, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Returns the whole `.config`.
    pub fn config_text(&mut self) -> Vec<u8> {
        self.write("CONFIG_")
    }
}
