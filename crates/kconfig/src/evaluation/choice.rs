//! Choices: which of the visible members is `y`.

use super::{Evaluation, Tristate, Wanted};
use crate::expression::Expr;
use crate::model::{Model, NodeId, PropertyKind, SymbolId};

impl Model {
    /// The members of the choice whose first node is `choice`, in the order of their definitions, each once.
    pub(crate) fn members(&self, choice: NodeId) -> Vec<SymbolId> {
        let mut seen = std::collections::BTreeSet::new();
        let nodes = std::iter::successors(Some(choice), |node| self.node(*node).next_of_symbol);
        let symbols = nodes.flat_map(|node| self.below(node)).filter_map(|node| self.node(node).symbol);
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
    /// Quirk: members after the first wanted one are not evaluated, and keep the visibility that they had.
    pub(crate) fn choose(&mut self, choice: NodeId) -> Option<SymbolId> {
        let model = self.model;
        let is_wanted = |state: &super::State, value| state.user.as_ref().map(Wanted::logic) == Some(value);
        let mut chosen = None;
        for index in 0..self.members.get(&choice).map_or(0, Vec::len) {
            let member = self.members[&choice][index];
            self.see(member);
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

    /// The member that is `y` when the user selected none.
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
        let is_visible = |member: &SymbolId| self.states[member.at()].visible != Tristate::No;
        if model.dialect.choice_values {
            return self.members.get(&choice)?.iter().copied().find(is_visible);
        }
        model.below(choice).filter_map(|node| model.node(node).symbol).find(is_visible)
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
