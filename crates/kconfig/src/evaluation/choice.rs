//! Choices: which of the visible members is `y`.

use super::{Evaluation, Tristate, Wanted};
use crate::expression::Expr;
use crate::model::{Model, NodeId, PropertyKind, SymbolId};

impl Model {
    /// The members of a choice in the order of their definitions, each once.
    pub(crate) fn members(&self, choice: NodeId) -> Vec<SymbolId> {
        let mut seen = std::collections::BTreeSet::new();
        let symbols = self.below(choice).filter_map(|node| self.node(node).symbol);
        symbols.filter(|symbol| self.symbol(*symbol).listed_in == Some(choice) && seen.insert(*symbol)).collect()
    }
}

impl Evaluation<'_> {
    /// The value of a member of a choice; `None` when the symbol's value does not follow from a choice.
    pub(super) fn member(&mut self, symbol: SymbolId) -> Option<Tristate> {
        if self.model.dialect.choice_values {
            return self.member_by_value(symbol);
        }
        let choice = self.model.symbol(symbol).member_of?;
        self.choose(choice);
        Some(self.states[symbol.at()].value)
    }

    /// Gives the members of a choice their values (`sym_calc_choice`, scripts/kconfig/symbol.c).
    ///
    /// Quirk: members behind the first wanted one are not looked at, and keep the visibility that they had.
    pub(crate) fn choose(&mut self, choice: NodeId) -> Option<SymbolId> {
        let model = self.model;
        let is_wanted = |state: &super::State, value| state.user.as_ref().map(Wanted::logic) == Some(value);
        let mut chosen = None;
        for index in 0..self.members.get(&choice).map_or(0, Vec::len) {
            let member = self.members[&choice][index];
            self.visibility(member);
            let state = &self.states[member.at()];
            if state.visible != Tristate::No && is_wanted(state, Tristate::Yes) {
                chosen = Some(member);
                break;
            }
        }
        if chosen.is_none() {
            chosen = self.choice_default(choice);
            chosen = chosen.filter(|member| !is_wanted(&self.states[member.at()], Tristate::No));
        }
        let visible = |this: &Self, member: &SymbolId| this.states[member.at()].visible != Tristate::No;
        let in_order: Vec<SymbolId> = model.below(choice).filter_map(|node| model.node(node).symbol).collect();
        if chosen.is_none() {
            let is_open = |member: &SymbolId| visible(self, member) && self.states[member.at()].user.is_none();
            chosen = in_order.iter().copied().find(is_open);
        }
        if chosen.is_none() {
            chosen = self.members.get(&choice)?.iter().rev().copied().find(|member| visible(self, member));
        }
        for member in in_order {
            if visible(self, &member) {
                let state = &mut self.states[member.at()];
                state.value = if chosen == Some(member) { Tristate::Yes } else { Tristate::No };
                state.valid = true;
                state.write = true;
            }
        }
        chosen
    }

    /// The member that is `y` when the user wants none.
    pub(crate) fn choice_default(&mut self, choice: NodeId) -> Option<SymbolId> {
        let model = self.model;
        let symbol = model.node(choice).symbol?;
        for property in model.properties_of(symbol) {
            let PropertyKind::Default(value) = model.property(property).kind else { continue };
            if self.expression(self.conditions.of(property)) == Tristate::No {
                continue;
            }
            let conditions = self.conditions;
            if let Expr::Symbol(target) = conditions.expressions.get(value)
                && self.states[target.at()].visible != Tristate::No
            {
                return Some(target);
            }
        }
        let mut members = model.below(choice).filter_map(|node| model.node(node).symbol);
        members.find(|member| self.states[member.at()].visible != Tristate::No)
    }

    /// Prefers a member over the others, or the others over it.
    pub(crate) fn move_member(&mut self, symbol: SymbolId, to_front: bool) {
        let Some(choice) = self.model.symbol(symbol).listed_in else { return };
        let Some(members) = self.members.get_mut(&choice) else { return };
        let Some(at) = members.iter().position(|member| *member == symbol) else { return };
        members.remove(at);
        members.insert(if to_front { 0 } else { members.len() }, symbol);
    }
}

/// What a choice was before 6.11: a symbol with a value of its own.
impl Evaluation<'_> {
    /// A member with visibility `m` is not to be seen while its choice is `y`.
    pub(super) fn hides_modular(&self, _symbol: SymbolId) -> bool {
        false
    }

    /// What a choice that is not optional asks of itself.
    pub(super) fn own_reverse(&self, _symbol: SymbolId, _visible: Tristate) -> Tristate {
        Tristate::No
    }

    pub(super) fn member_by_value(&mut self, _symbol: SymbolId) -> Option<Tristate> {
        None
    }

    pub(super) fn settle_choice_first(&mut self, _symbol: SymbolId) {}

    pub(super) fn settle_choice(&mut self, _symbol: SymbolId) {}
}

impl Evaluation<'_> {
    /// Tells the choice of a member what the user wants of it.
    pub(crate) fn note_member(&mut self, _symbol: SymbolId, _place: &crate::Place, _read: &mut crate::config::Read) {}

    /// Gives every symbol without a value the same one.
    pub(crate) fn set_new_by_value(&mut self, _value: Option<Tristate>) {}

    /// Gives symbols without a value one by chance; gives whether that may have shown new ones.
    pub(crate) fn set_by_chance_by_value(&mut self, _random: &mut crate::random::Random, _chances: [i64; 3]) -> bool {
        false
    }
}
