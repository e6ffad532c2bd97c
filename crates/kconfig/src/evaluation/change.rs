//! Setting and unsetting single values, and recomputing only what depends on them.
//!
//! A public [`Evaluation`] is always settled: every value is known. A change recomputes the unit of its symbol, then in
//! order the units that read something that became different, so that the cost follows the size of the change. The
//! result is that of a fresh evaluation with the same values given in the same order; where the order of evaluation
//! could decide a value (see [`Dependents`]), everything is recomputed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Evaluation, State, Text, Wanted};
use crate::checks;
use crate::config::Read;
use crate::expression::Tristate;
use crate::message::Place;
use crate::model::{Dependents, Model, NodeId, SymbolId, Type, Unit};

/// The effect of a change of one user value; [`Evaluation::undo`] reverts it.
#[derive(Debug, Clone)]
#[must_use = "says what else changed"]
pub struct Change {
    symbol: SymbolId,
    user: Option<Wanted>,
    since: u32,
    changed: Vec<SymbolId>,
    n_visited: usize,
}

/// The reason why a symbol cannot be given a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is a constant, a choice, or has no type.
    #[error("a constant, a choice or an undefined symbol has no value of its own")]
    NoSymbol,
    /// Its type does not take the value.
    #[error("the symbol is of type {} and does not take this value", .0.shown())]
    Type(Type),
}

/// The externally visible state of a symbol.
#[derive(Clone, Copy)]
struct Seen {
    value: Tristate,
    text: Text,
    visible: Tristate,
    write: bool,
}

impl Change {
    /// The symbol that was given a value.
    pub fn symbol(&self) -> SymbolId {
        self.symbol
    }

    /// Returns the number of symbols and choices that were recomputed.
    pub fn n_visited(&self) -> usize {
        self.n_visited
    }

    /// Returns the symbols whose value, visibility or place in the `.config` changed, causes before effects.
    pub fn changed(&self) -> &[SymbolId] {
        &self.changed
    }
}

impl<'m> Evaluation<'m> {
    /// Returns an evaluation without user values: everything has its default.
    pub fn new(model: &'m Model) -> Evaluation<'m> {
        let mut evaluation = Evaluation::with(model, &model.conditions);
        evaluation.clear();
        evaluation.settle();
        evaluation
    }

    /// Sets the user's value of a symbol, like a line at the end of a `.config`, and recomputes what depends on it.
    ///
    /// `value` is `y`, `m` or `n`, a number, or the unquoted content of a string. The value may have no effect: see
    /// [`Evaluation::value_of`] and [`Evaluation::limits`]. Of the members of a choice, the one that was last set to
    /// `y` counts.
    /// # Errors
    /// [`Refused`] when the symbol's type does not take the value; nothing changes then.
    pub fn set(&mut self, symbol: SymbolId, value: &str) -> Result<Change, Refused> {
        let type_ = self.model.symbol(symbol).type_;
        if symbol <= SymbolId::NO || type_ == Type::Unknown || self.model.is_choice(symbol) {
            return Err(Refused::NoSymbol);
        }
        let wanted = match (type_, value) {
            (Type::Bool | Type::Tristate, "n") => Wanted::Logic(Tristate::No),
            (Type::Bool | Type::Tristate, "y") => Wanted::Logic(Tristate::Yes),
            (Type::Tristate, "m") => Wanted::Logic(Tristate::Mod),
            (Type::Bool | Type::Tristate, _) => return Err(Refused::Type(type_)),
            _ if checks::is_valid(type_, value.as_bytes()) => Wanted::Text(value.as_bytes().into()),
            _ => return Err(Refused::Type(type_)),
        };
        self.clock += 1;
        let since = if self.is_listed(symbol) { self.clock } else { 0 };
        Ok(self.give(symbol, Some(wanted), since))
    }

    /// Removes a symbol's user value, and recomputes what depends on it.
    pub fn unset(&mut self, symbol: SymbolId) -> Change {
        if symbol <= SymbolId::NO || self.model.is_choice(symbol) {
            return Change { symbol, user: None, since: 0, changed: Vec::new(), n_visited: 0 };
        }
        self.give(symbol, None, 0)
    }

    /// Restores the state before `change`, which must be the latest one that was not undone; returns the symbols that
    /// changed by that.
    pub fn undo(&mut self, change: Change) -> Vec<SymbolId> {
        self.give(change.symbol, change.user, change.since).changed
    }

    /// Computes everything from scratch.
    pub(crate) fn settle(&mut self) {
        let model = self.model;
        self.memo.resize(self.conditions.expressions.len(), None);
        self.modules = Tristate::No;
        for state in &mut self.states[3..] {
            state.reset();
        }
        for choice in model.choices().map(|(node, _)| node) {
            self.order_members(choice);
        }
        self.set_new(None);
        for symbol in model.nodes.iter().filter_map(|node| node.symbol) {
            self.compute(symbol);
        }
        self.complete();
    }

    /// Makes sure that every value is known, and caches none of those of expressions: these would become stale.
    pub(crate) fn complete(&mut self) {
        for symbol in self.model.hash_order.iter().copied() {
            self.compute(symbol);
        }
        self.memo = Vec::new();
    }

    /// Records that a member of a choice was given a value now.
    pub(crate) fn stamp(&mut self, symbol: SymbolId) {
        if self.is_listed(symbol) && self.states[symbol.at()].user.is_some() {
            self.clock += 1;
            self.states[symbol.at()].since = self.clock;
        }
    }

    fn give(&mut self, symbol: SymbolId, user: Option<Wanted>, since: u32) -> Change {
        let state = &mut self.states[symbol.at()];
        let user = std::mem::replace(&mut state.user, user);
        let change = Change { symbol, user, since: state.since, changed: Vec::new(), n_visited: 0 };
        state.since = since;
        if let Some(choice) = self.model.symbol(symbol).listed_in {
            self.order_members(choice);
        }
        let (changed, n_visited) = match self.model.dependents() {
            Some(dependents) => self.spread(dependents, &change),
            None => (self.settle_again(&change), self.model.symbols.len()),
        };
        Change { changed, n_visited, ..change }
    }

    /// Recomputes what depends on a change.
    fn spread(&mut self, dependents: &Dependents, change: &Change) -> (Vec<SymbolId>, usize) {
        let (mut changed, mut n_visited) = (Vec::new(), 0);
        let mut waiting = BinaryHeap::from([Reverse(dependents.unit_of(change.symbol))]);
        let mut last = None;
        while let Some(Reverse(unit)) = waiting.pop() {
            if last.replace(unit) == Some(unit) {
                continue;
            }
            n_visited += 1;
            let unit = dependents.unit(unit);
            match unit {
                Unit::Symbol(symbol) => {
                    let before = self.seen(symbol);
                    self.states[symbol.at()].valid = false;
                    self.lean = true;
                    self.compute(symbol);
                    self.lean = false;
                    self.compare_seen(symbol, before, change, dependents, &mut waiting, &mut changed);
                }
                Unit::Choice(node) => {
                    let symbols = self.model.unit_symbols(unit);
                    let before: Vec<Seen> = symbols.iter().map(|symbol| self.seen(*symbol)).collect();
                    self.settle_unit(node, &symbols);
                    for (symbol, before) in symbols.into_iter().zip(before) {
                        self.compare_seen(symbol, before, change, dependents, &mut waiting, &mut changed);
                    }
                }
            }
        }
        (changed, n_visited)
    }

    /// Queues the readers of a symbol to be recomputed, if there is something new to read.
    fn compare_seen(
        &self,
        symbol: SymbolId,
        before: Seen,
        change: &Change,
        dependents: &Dependents,
        waiting: &mut BinaryHeap<Reverse<u32>>,
        changed: &mut Vec<SymbolId>,
    ) {
        let now = self.seen(symbol);
        let same_value = before.value == now.value && self.text_before(before.text, change) == self.resolve(now.text);
        // Readers that took a text over hold its old location; an equal text at another location does not help them.
        if !same_value || before.text != now.text {
            waiting.extend(dependents.readers(symbol).iter().map(|unit| Reverse(*unit)));
        }
        if !same_value || before.visible != now.visible || before.write != now.write {
            changed.push(symbol);
        }
    }

    fn seen(&self, symbol: SymbolId) -> Seen {
        let state = self.state(symbol);
        Seen { value: state.value, text: state.text, visible: state.visible, write: state.write }
    }

    /// The content of a text before the change.
    fn text_before<'a>(&'a self, text: Text, change: &'a Change) -> &'a [u8] {
        match text {
            Text::User(symbol) if symbol == change.symbol => match &change.user {
                Some(Wanted::Text(text)) => text,
                _ => b"",
            },
            other => self.resolve(other),
        }
    }

    /// Recomputes everything and compares.
    fn settle_again(&mut self, change: &Change) -> Vec<SymbolId> {
        let all = || (3..self.model.symbols.len() as u32).map(SymbolId);
        let before: Vec<(Seen, Vec<u8>)> = all()
            .map(|symbol| (self.seen(symbol), self.text_before(self.state(symbol).text, change).to_vec()))
            .collect();
        self.settle();
        let differs = |(symbol, (before, text)): &(SymbolId, (Seen, Vec<u8>))| {
            let now = self.seen(*symbol);
            (before.value, before.visible, before.write) != (now.value, now.visible, now.write)
                || text.as_slice() != self.resolve(now.text)
        };
        (3..self.model.symbols.len() as u32)
            .map(SymbolId)
            .zip(before)
            .filter(differs)
            .map(|(symbol, _)| symbol)
            .collect()
    }

    /// Recomputes a choice and its members.
    fn settle_unit(&mut self, node: NodeId, symbols: &[SymbolId]) {
        for symbol in symbols {
            self.states[symbol.at()].reset();
        }
        if self.model.dialect.choice_values {
            self.order_members(node);
            self.settle_new_choice(symbols);
        }
        for symbol in symbols {
            self.compute(*symbol);
        }
    }

    /// Orders the members of a choice by the times of their values: the latest first, then those without a value in
    /// definition order.
    fn order_members(&mut self, choice: NodeId) {
        let mut members = self.model.members(choice);
        if self.model.dialect.choice_values {
            members.retain(|member| self.states[member.at()].since > 0);
            members.sort_by_key(|member| self.states[member.at()].since);
            self.renew_wishes(choice, &members);
            return;
        }
        members.sort_by_key(|member| Reverse(self.states[member.at()].since));
        self.members.insert(choice, members);
    }

    /// Recomputes what a choice before 6.11 takes from its members' values, in the order in which these were given.
    fn renew_wishes(&mut self, choice: NodeId, members: &[SymbolId]) {
        let Some(symbol) = self.model.node(choice).symbol else { return };
        let state = &mut self.states[symbol.at()];
        state.user = Some(Wanted::Logic(Tristate::No));
        state.wanted_member = None;
        state.wanted_value = Tristate::No;
        let n_messages = self.messages.len();
        let place = Place { file: "".into(), line: 0, column: 1 };
        for member in members {
            self.note_member(*member, &place, &mut Read::default());
        }
        self.messages.truncate(n_messages);
    }
}

impl State {
    /// Forgets computed values.
    fn reset(&mut self) {
        *self = State {
            user: self.user.take(),
            since: self.since,
            wanted_member: self.wanted_member,
            wanted_value: self.wanted_value,
            ..State::default()
        };
    }
}
