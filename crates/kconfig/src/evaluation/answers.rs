//! What values can be asked.

use std::borrow::Cow;

use super::{Evaluation, Tristate, Wanted};
use crate::expression::ExprId;
use crate::model::{Model, NodeId, Selection, SymbolId, Type};

impl<'m> Evaluation<'m> {
    /// The model that the values are of.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// A symbol's value: `y`, `m`, `n`, a number, or the plain content of a string. `None` for a name that no Kconfig
    /// file mentions.
    pub fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.model.find(name).map(|symbol| self.value_of(symbol))
    }

    /// The same for a symbol by id; an undefined symbol's value is `n`.
    pub fn value_of(&self, symbol: SymbolId) -> Cow<'_, str> {
        match self.model.type_of(symbol) {
            Type::Unknown => Cow::Borrowed("n"),
            _ => String::from_utf8_lossy(self.shown(symbol)),
        }
    }

    /// The value as expressions see it: `n` for numbers and strings.
    pub fn tristate(&self, symbol: SymbolId) -> Tristate {
        self.state(symbol).value
    }

    /// What the user gave a symbol, whether or not it has that value; [`Evaluation::set`] says in which form.
    pub fn user_value(&self, symbol: SymbolId) -> Option<Cow<'_, str>> {
        match self.state(symbol).user.as_ref().filter(|_| !self.model.is_choice(symbol))? {
            Wanted::Logic(value) => Some(Cow::Borrowed(value.as_str())),
            Wanted::Text(text) => Some(String::from_utf8_lossy(text)),
        }
    }

    /// The members of a choice, those first whose value was given last, then those without one as they are defined.
    pub fn preferred_members(&self, choice: NodeId) -> Vec<SymbolId> {
        let mut members = self.model.members(choice);
        members.sort_by_key(|member| std::cmp::Reverse(self.state(*member).since));
        members
    }

    /// Whether the symbol is in the `.config`.
    pub fn is_written(&self, symbol: SymbolId) -> bool {
        self.state(symbol).write
    }

    /// How far a user's value counts: `n` when no prompt is visible.
    pub fn visibility(&self, symbol: SymbolId) -> Tristate {
        self.state(symbol).visible
    }

    /// The value of what the symbol depends on.
    pub fn direct_dependency(&self, symbol: SymbolId) -> Tristate {
        self.state(symbol).direct
    }

    /// The value below which the symbol cannot go, because others select it.
    pub fn reverse_dependency(&self, symbol: SymbolId) -> Tristate {
        self.state(symbol).reverse
    }

    /// The value of an expression of the model.
    pub fn evaluate(&self, expression: ExprId) -> Tristate {
        self.look(expression)
    }

    /// How strongly a `select` or `imply` line asks for its target.
    pub fn strength(&self, line: &Selection) -> Tristate {
        self.tristate(line.by).min(line.condition.map_or(Tristate::Yes, |condition| self.look(condition)))
    }

    /// The symbols that are selected although what they depend on says otherwise, in the order of first mention.
    pub fn unmet(&self) -> impl Iterator<Item = SymbolId> {
        self.model.declared().filter(|symbol| {
            let state = self.state(*symbol);
            self.model.type_of(*symbol).is_logic() && state.direct < state.reverse
        })
    }

    /// An expression as Kconfig writes it, each symbol with its value: `NET [=y] && !(PCI [=n] || USB [=m])`.
    pub fn show(&self, expression: ExprId) -> String {
        let mut out = Vec::new();
        self.print(expression, 0, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// The whole `.config`.
    pub fn config_text(&mut self) -> Vec<u8> {
        self.write("CONFIG_")
    }
}
