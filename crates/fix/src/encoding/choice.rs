//! Choices, and which of their members is `y`.

use kiln_kconfig::{Expr, NodeId, SymbolId, Type};
use rustsat::types::Lit;

use super::{Encoding, User};
use crate::circuit::{Pair, TRUE};

/// A member of a choice.
#[derive(Debug, Clone, Copy)]
struct Member {
    symbol: SymbolId,
    visible: Lit,
    user: User,
    /// Whether the value is that of a request: always, or when a fix makes one.
    requested: Lit,
}

impl Encoding<'_, '_> {
    /// Computes all members of a choice.
    pub(super) fn choice(&mut self, choice: NodeId) {
        if self.model.dialect().choice_values {
            self.choice_by_value(choice);
            return;
        }
        let mut members = Vec::new();
        for symbol in self.model.members_of(choice) {
            self.open.insert(symbol);
            let visible = self.visible(symbol).on;
            members.push(self.member(symbol, visible));
        }
        let chosen = self.chosen(choice, &members);
        for (member, chosen) in members.iter().zip(chosen) {
            self.open.remove(&member.symbol);
            let value = self.circuit.and(&[member.visible, chosen]);
            self.values.insert(member.symbol, Pair::whole(value));
        }
    }

    fn member(&mut self, symbol: SymbolId, visible: Lit) -> Member {
        let user = self.user(symbol, visible);
        let requested = match self.setters.get(&symbol) {
            _ if self.goals.contains_key(&symbol) => TRUE,
            Some(setter) => setter.changed,
            None => !TRUE,
        };
        Member { symbol, visible, user, requested }
    }

    /// Returns, by member, whether the choice selects it (`choose` of the engine).
    fn chosen(&mut self, choice: NodeId, members: &[Member]) -> Vec<Lit> {
        let mut chosen: Vec<Vec<Lit>> = vec![Vec::new(); members.len()];
        // First, the member that was set last.
        let order = self.order(choice, members);
        let mut open = TRUE;
        for (index, guard) in &order {
            let member = members[*index];
            let fits = self.circuit.and(&[*guard, member.visible, member.user.has, member.user.value.on]);
            chosen[*index].push(self.circuit.and(&[open, fits]));
            open = self.circuit.and(&[open, !fits]);
        }
        // Then the one that the choice prefers, unless the user sets it to `n`.
        let mut fell_through = Vec::new();
        let mut undecided = open;
        for (index, fits) in self.preferred(choice, members) {
            let member = members[index];
            let picked = self.circuit.and(&[undecided, fits]);
            undecided = self.circuit.and(&[undecided, !fits]);
            let is_off = self.circuit.and(&[member.user.has, !member.user.value.on]);
            chosen[index].push(self.circuit.and(&[picked, !is_off]));
            fell_through.push(self.circuit.and(&[picked, is_off]));
        }
        fell_through.push(undecided);
        let mut open = self.circuit.or(&fell_through);
        // Then the first without a user's value.
        for (index, member) in members.iter().enumerate() {
            let fits = self.circuit.and(&[member.visible, !member.user.has]);
            chosen[index].push(self.circuit.and(&[open, fits]));
            open = self.circuit.and(&[open, !fits]);
        }
        // Then the one that was turned off first.
        for (index, guard) in order.iter().rev() {
            let fits = self.circuit.and(&[*guard, members[*index].visible]);
            chosen[*index].push(self.circuit.and(&[open, fits]));
            open = self.circuit.and(&[open, !fits]);
        }
        chosen.into_iter().map(|cases| self.circuit.or(&cases)).collect()
    }

    /// Returns the members in the order in which their values count, the last set first; with each, whether it has this
    /// place.
    ///
    /// Requests are applied after the base, in the order of their names.
    fn order(&mut self, choice: NodeId, members: &[Member]) -> Vec<(usize, Lit)> {
        let mut order: Vec<(usize, Lit)> =
            members.iter().enumerate().map(|(index, member)| (index, member.requested)).collect();
        order.sort_by_key(|(index, _)| std::cmp::Reverse(self.model.name(members[*index].symbol)));
        for symbol in self.now.preferred_members(choice) {
            if let Some(index) = members.iter().position(|member| member.symbol == symbol) {
                order.push((index, !members[index].requested));
            }
        }
        order.retain(|(_, guard)| *guard != !TRUE);
        order
    }

    /// Returns the members in the order in which the choice prefers them without a user's value; with each, whether it
    /// fits.
    fn preferred(&mut self, choice: NodeId, members: &[Member]) -> Vec<(usize, Lit)> {
        let mut preferred = Vec::new();
        let symbol = self.model.choice_symbol(choice);
        for default in symbol.into_iter().flat_map(|symbol| self.model.defaults(symbol)) {
            let Expr::Symbol(target) = self.model.expression(default.value) else { continue };
            let Some(index) = members.iter().position(|member| member.symbol == target) else { continue };
            let condition = self.expression(default.condition).on;
            preferred.push((index, self.circuit.and(&[condition, members[index].visible])));
        }
        preferred.extend(members.iter().enumerate().map(|(index, member)| (index, member.visible)));
        preferred
    }

    /// Computes all members of a choice that has a value of its own (before Linux 6.11).
    fn choice_by_value(&mut self, choice: NodeId) {
        let Some(choice_symbol) = self.model.choice_symbol(choice) else { return };
        let symbols = self.model.members_of(choice);
        self.open.extend(symbols.iter().copied());
        self.open.insert(choice_symbol);
        let mut users = Vec::new();
        for symbol in &symbols {
            users.push(self.member(*symbol, TRUE));
        }
        let value = self.value_of_choice(choice_symbol, &users);
        self.values.insert(choice_symbol, value);
        let mut members = Vec::new();
        let mut visibilities = Vec::new();
        for user in users {
            let visible = self.visible_member(user.symbol, value);
            visibilities.push(visible);
            members.push(Member { visible: visible.on, ..user });
        }
        let chosen = self.chosen_by_value(choice, &members);
        for ((member, visible), chosen) in members.iter().zip(visibilities).zip(chosen) {
            let picked = self.circuit.and(&[chosen, value.yes]);
            let own = self.own_value(member, visible);
            let result = self.circuit.choose(visible.yes, Pair::whole(picked), own);
            self.open.remove(&member.symbol);
            self.values.insert(member.symbol, result);
        }
        self.open.remove(&choice_symbol);
    }

    fn value_of_choice(&mut self, choice: SymbolId, members: &[Member]) -> Pair {
        let visible = self.visible(choice);
        let mut wanted = Vec::new();
        for member in members {
            let guard = Pair::whole(member.user.has);
            wanted.push(self.circuit.least(&[member.user.value, guard]));
        }
        let wanted = self.circuit.greatest(&wanted);
        let given = self.circuit.least(&[wanted, visible]);
        let reverse = match self.model.reverse_dependency(choice) {
            Some(reverse) => self.expression(Some(reverse)),
            None => Pair::NO,
        };
        let reverse = self.widened(choice, reverse);
        let value = self.circuit.greatest(&[given, reverse]);
        self.widened(choice, value)
    }

    /// Returns the visibility of a member. Quirk: a tristate member that could only be `m` is not visible where the choice
    /// is `y`.
    fn visible_member(&mut self, symbol: SymbolId, choice: Pair) -> Pair {
        let is_tristate = self.model.type_of(symbol) == Type::Tristate;
        let mut parts = Vec::new();
        for prompt in self.model.prompts(symbol) {
            let mut part = self.expression(prompt.condition);
            if is_tristate {
                part.on = self.circuit.either(choice.yes, part.yes, part.on);
            }
            parts.push(part);
        }
        let visible = self.circuit.greatest(&parts);
        self.widened(symbol, visible)
    }

    /// Returns the value of a member of a choice that is not `y`.
    fn own_value(&mut self, member: &Member, visible: Pair) -> Pair {
        let counts = self.circuit.and(&[visible.on, member.user.has]);
        let given = self.circuit.least(&[member.user.value, visible]);
        let otherwise = self.defaults(member.symbol);
        let value = self.circuit.choose(counts, given, otherwise);
        self.widened(member.symbol, value)
    }

    fn chosen_by_value(&mut self, choice: NodeId, members: &[Member]) -> Vec<Lit> {
        let mut chosen: Vec<Vec<Lit>> = vec![Vec::new(); members.len()];
        let mut open = TRUE;
        let mut undecided = Vec::new();
        for (index, guard) in self.order(choice, members) {
            let member = members[index];
            let wanted = self.circuit.and(&[guard, open, member.user.has, member.user.value.yes]);
            chosen[index].push(self.circuit.and(&[wanted, member.visible]));
            undecided.push(self.circuit.and(&[wanted, !member.visible]));
            open = self.circuit.and(&[open, !wanted]);
        }
        undecided.push(open);
        let mut open = self.circuit.or(&undecided);
        for (index, fits) in self.preferred(choice, members) {
            chosen[index].push(self.circuit.and(&[open, fits]));
            open = self.circuit.and(&[open, !fits]);
        }
        chosen.into_iter().map(|cases| self.circuit.or(&cases)).collect()
    }
}
