//! Giving and taking back single values, and working out again only what that reaches.
//!
//! An [`Evaluation`] that others see is always settled: every value is known. A change works out the unit of its symbol
//! again, then in order the units that read something that became different, so that it costs what it changes. What comes
//! out is what a fresh evaluation would give to which the same values are given in the same order; where the order of
//! evaluation could decide a value ([`Dependents`] says so), everything is worked out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Evaluation, State, Text, Wanted};
use crate::checks;
use crate::config::Read;
use crate::expression::Tristate;
use crate::message::Place;
use crate::model::{Dependents, Model, NodeId, SymbolId, Type, Unit};

/// What a change of one user value did; [`Evaluation::undo`] takes it back.
#[derive(Debug, Clone)]
#[must_use = "says what else changed"]
pub struct Change {
    symbol: SymbolId,
    user: Option<Wanted>,
    since: u32,
    changed: Vec<SymbolId>,
    n_visited: usize,
}

/// Why a symbol cannot be given a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is a constant, a choice, or has no type.
    #[error("a constant, a choice or an undefined symbol has no value of its own")]
    NoSymbol,
    /// Its type does not take the value.
    #[error("the symbol is of type {} and does not take this value", .0.shown())]
    Type(Type),
}

/// What of a symbol can be seen from outside.
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

    /// How many symbols and choices were worked out for it.
    pub fn n_visited(&self) -> usize {
        self.n_visited
    }

    /// The symbols whose value, visibility or place in the `.config` is another one now, causes before effects.
    pub fn changed(&self) -> &[SymbolId] {
        &self.changed
    }
}

impl<'m> Evaluation<'m> {
    /// Starts with no user values: everything has its default.
    pub fn new(model: &'m Model) -> Evaluation<'m> {
        let mut evaluation = Evaluation::with(model, &model.conditions);
        evaluation.clear();
        evaluation.settle();
        evaluation
    }

    /// Gives a symbol a value, as a line at the end of a `.config` would, and works out what follows.
    ///
    /// `value` is `y`, `m` or `n`, a number, or the plain content of a string. That a value was given does not say that
    /// the symbol has it: see [`Evaluation::value_of`] and [`Evaluation::limits`]. Of the members of a choice, the one
    /// that was last given `y` counts.
    /// # Errors
    /// [`Refused`] when the symbol's type does not take the value; nothing is changed then.
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

    /// Takes a symbol's user value back, and works out what follows.
    pub fn unset(&mut self, symbol: SymbolId) -> Change {
        if symbol <= SymbolId::NO || self.model.is_choice(symbol) {
            return Change { symbol, user: None, since: 0, changed: Vec::new(), n_visited: 0 };
        }
        self.give(symbol, None, 0)
    }

    /// Puts things back to how they were before `change`, which must be the last one that was not undone; gives the
    /// symbols that changed by that.
    pub fn undo(&mut self, change: Change) -> Vec<SymbolId> {
        self.give(change.symbol, change.user, change.since).changed
    }

    /// Works out everything, as if nothing had been known.
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

    /// Makes sure that every value is known, and remembers none of those of expressions: these would go stale.
    pub(crate) fn complete(&mut self) {
        for symbol in self.model.hash_order.iter().copied() {
            self.compute(symbol);
        }
        self.memo = Vec::new();
    }

    /// Notes that a member of a choice was given a value now.
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
            None => (self.settle_anew(&change), self.model.symbols.len()),
        };
        Change { changed, n_visited, ..change }
    }

    /// Works out what a change reaches.
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

    /// Has those who read a symbol wait to be worked out, if there is something new to read.
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
        // Those who took a text over know where it stood; that it reads the same elsewhere does not help them.
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

    /// What a text was before the change.
    fn text_before<'a>(&'a self, text: Text, change: &'a Change) -> &'a [u8] {
        match text {
            Text::User(symbol) if symbol == change.symbol => match &change.user {
                Some(Wanted::Text(text)) => text,
                _ => b"",
            },
            other => self.resolve(other),
        }
    }

    /// Works everything out and compares.
    fn settle_anew(&mut self, change: &Change) -> Vec<SymbolId> {
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

    /// Works out a choice and its members.
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

    /// Puts the members of a choice into the order that the times of their values make: those set last first, then those
    /// without a value as they are defined.
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

    /// What a choice before 6.11 gathers from its members' values, in the order in which these were given.
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
    /// Forgets what was worked out.
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
