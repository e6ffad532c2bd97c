//! Choices before 6.11: a choice is a symbol with a value of its own, and its members depend on that value.
//!
//! `n`: no member is on. `m`: members are `n` or `m` each. `y`: one member is `y`.

use super::{Evaluation, Tristate, Wanted};
use crate::config::Read;
use crate::message::Place;
use crate::model::{SymbolId, Type};
use crate::random::Random;

impl Evaluation<'_> {
    /// The symbol of the choice that a member is listed in.
    fn choice_of(&self, member: SymbolId) -> Option<SymbolId> {
        self.model.symbol(member).listed_in.and_then(|node| self.model.node(node).symbol)
    }

    fn members_of(&self, choice: SymbolId) -> Vec<SymbolId> {
        let node = self.model.symbol(choice).first_node;
        node.and_then(|node| self.members.get(&node)).cloned().unwrap_or_default()
    }

    /// Whether a tristate member with visibility `m` is not visible, because its choice is `y`.
    pub(crate) fn hides_modular(&self, symbol: SymbolId) -> bool {
        self.model.dialect.choice_values
            && self.model.symbol(symbol).type_ == Type::Tristate
            && self.choice_of(symbol).is_some_and(|choice| self.states[choice.at()].value == Tristate::Yes)
    }

    pub(super) fn member_by_value(&mut self, symbol: SymbolId) -> Option<Tristate> {
        let choice = self.choice_of(symbol)?;
        if self.states[symbol.at()].visible != Tristate::Yes {
            return None;
        }
        let is_chosen = self.states[choice.at()].chosen == Some(symbol);
        Some(if is_chosen { Tristate::Yes } else { Tristate::No })
    }

    /// Computes a choice before its member, when new values were given to all.
    pub(super) fn settle_choice_first(&mut self, symbol: SymbolId) {
        if let Some(choice) = self.choice_of(symbol)
            && std::mem::take(&mut self.states[symbol.at()].pending)
        {
            self.compute(choice);
        }
    }

    /// Applies the value of a choice to its members (`sym_calc_value`, scripts/kconfig/symbol.c).
    pub(super) fn settle_choice(&mut self, choice: SymbolId) {
        if self.states[choice.at()].value == Tristate::Yes {
            let chosen = self.choose_by_value(choice);
            self.states[choice.at()].chosen = chosen;
        }
        if self.states[choice.at()].write {
            for member in self.members_of(choice) {
                let state = &mut self.states[member.at()];
                state.write |= state.visible != Tristate::No;
            }
        }
        if self.states[choice.at()].pending {
            self.set_all_members(choice);
        }
    }

    fn choose_by_value(&mut self, choice: SymbolId) -> Option<SymbolId> {
        let mut all_set = true;
        for member in self.members_of(choice) {
            self.see(member);
            let state = &self.states[member.at()];
            all_set &= state.visible == Tristate::No || state.user.is_some();
        }
        let state = &mut self.states[choice.at()];
        if !all_set {
            state.user = None;
        }
        if let Some(wanted) = state.wanted_member
            && self.states[wanted.at()].visible != Tristate::No
        {
            return Some(wanted);
        }
        let node = self.model.symbol(choice).first_node?;
        let default = self.choice_default(node);
        if default.is_none() {
            self.states[choice.at()].value = Tristate::No;
        }
        default
    }

    /// Quirk: marks the choice as set by the user and has it computed again (`set_all_choice_values`,
    /// scripts/kconfig/confdata.c).
    fn set_all_members(&mut self, choice: SymbolId) {
        let state = &mut self.states[choice.at()];
        state.user = Some(Wanted::Logic(state.wanted_value));
        state.valid = false;
        state.pending = false;
    }

    /// Updates the choice of a member with the user's value of that member.
    pub(crate) fn note_member(&mut self, symbol: SymbolId, place: &Place, read: &mut Read) {
        let Some(choice) = self.choice_of(symbol) else { return };
        let wanted = self.states[symbol.at()].user.as_ref().map_or(Tristate::No, Wanted::logic);
        let known = self.states[choice.at()].wanted_value;
        let name = self.model.name_bytes(symbol);
        match wanted {
            Tristate::Mod if known == Tristate::Yes => {
                self.warn("choice-state", &[name, b" creates inconsistent choice state"].concat(), place, read);
                self.states[choice.at()].user = None;
            }
            Tristate::Yes => {
                if known != Tristate::No {
                    let text = [b"override: ", name, b" changes choice state"].concat();
                    self.warn("choice-state", &text, place, read);
                }
                self.states[choice.at()].wanted_member = Some(symbol);
            }
            _ => {}
        }
        self.want(choice, known.max(wanted));
    }

    /// The member of a choice that is on.
    pub(crate) fn chosen(&self, choice: SymbolId) -> Option<SymbolId> {
        self.states[choice.at()].chosen
    }

    /// Makes a member the one that the user selected; the choice and its visible members then count as set.
    pub(crate) fn want_member(&mut self, member: SymbolId) {
        let Some(choice) = self.choice_of(member) else { return };
        let state = &mut self.states[choice.at()];
        state.wanted_member = Some(member);
        state.user = Some(Wanted::Logic(state.wanted_value));
        for other in self.members_of(choice) {
            let state = &mut self.states[other.at()];
            if state.visible != Tristate::No && state.user.is_none() {
                state.user = Some(Wanted::Logic(Tristate::No));
            }
        }
    }

    /// Sets the requested value of a choice, without saying whether the user gave it.
    fn want(&mut self, choice: SymbolId, value: Tristate) {
        let state = &mut self.states[choice.at()];
        state.wanted_value = value;
        if state.user.is_some() {
            state.user = Some(Wanted::Logic(value));
        }
    }

    /// Sets every symbol without a value to the same value.
    pub(crate) fn set_new_by_value(&mut self, value: Option<Tristate>) {
        let model = self.model;
        for symbol in model.hash_order.iter().copied() {
            let is_open = self.states[symbol.at()].user.is_none() && !self.states[symbol.at()].valid;
            if let Some(value) = value
                && is_open
                && model.symbol(symbol).type_.is_logic()
            {
                let stays_on = value == Tristate::No && model.symbol(symbol).stays_on;
                let value = if stays_on { Tristate::Yes } else { value };
                self.states[symbol.at()].user = Some(Wanted::Logic(value));
                self.states[symbol.at()].wanted_value = value;
            }
        }
        self.invalidate();
        self.settle_new_choice(&model.hash_order);
    }

    /// Computes choices before their members, and treats those without a value as set, among symbols that all have new
    /// values.
    pub(super) fn settle_new_choice(&mut self, symbols: &[SymbolId]) {
        let model = self.model;
        for symbol in symbols.iter().copied() {
            let open_choice = model.is_choice(symbol) && self.states[symbol.at()].user.is_none();
            if open_choice || self.is_listed(symbol) {
                self.states[symbol.at()].pending = true;
            }
        }
        for choice in symbols.iter().copied().filter(|symbol| model.is_choice(*symbol)) {
            if self.states[choice.at()].user.is_none() {
                self.compute(choice);
                self.set_all_members(choice);
            }
        }
    }

    /// Sets symbols without a value at random; `chances` are those of a bool's `y`, a tristate's `y` and `m`.
    ///
    /// Returns whether that may have added new ones.
    pub(crate) fn set_by_chance_by_value(&mut self, random: &mut Random, chances: [i64; 3]) -> bool {
        let model = self.model;
        let [bool_yes, tristate_yes, tristate_mod] = chances;
        let mut changed = false;
        for symbol in model.hash_order.iter().copied() {
            let type_ = model.symbol(symbol).type_;
            let state = &mut self.states[symbol.at()];
            if state.user.is_some() || state.valid || !type_.is_logic() {
                continue;
            }
            changed = true;
            let drawn = i64::from(random.next() % 100);
            let value = match type_ {
                Type::Tristate if drawn < tristate_yes => Tristate::Yes,
                Type::Tristate if drawn < tristate_yes + tristate_mod => Tristate::Mod,
                Type::Bool if drawn < bool_yes => Tristate::Yes,
                _ => Tristate::No,
            };
            state.wanted_value = value;
            if !model.is_choice(symbol) {
                state.user = Some(Wanted::Logic(value));
            }
        }
        self.invalidate();
        for choice in model.hash_order.iter().copied().filter(|symbol| model.is_choice(*symbol)) {
            if self.states[choice.at()].user.is_none() {
                self.compute(choice);
                let drew = self.choose_member_by_chance(choice, random);
                // Quirk: an older program forgets what it has changed before.
                changed = drew || (changed && !model.dialect.last_choice_decides);
            }
        }
        changed
    }

    fn choose_member_by_chance(&mut self, choice: SymbolId, random: &mut Random) -> bool {
        let members = self.members_of(choice);
        if self.states[choice.at()].value != Tristate::Yes || members.is_empty() {
            return false;
        }
        let drawn = random.next() as usize % members.len();
        for (index, member) in members.into_iter().enumerate() {
            let value = if index == drawn { Tristate::Yes } else { Tristate::No };
            if index == drawn {
                self.states[choice.at()].wanted_member = Some(member);
            }
            self.states[member.at()].user = Some(Wanted::Logic(value));
            self.states[member.at()].valid = false;
        }
        let state = &mut self.states[choice.at()];
        state.user = Some(Wanted::Logic(state.wanted_value));
        state.valid = false;
        true
    }
}
