//! The rules of Kconfig as gates: every symbol's value as a function of the possible requests.
//!
//! A symbol's value is computed as [`Evaluation`] computes it, but over literals. The inputs are [`Setter`]s: for each
//! symbol with a prompt, whether a request for it is added or changed, and to which value. Values that cannot change fold
//! into constants, so that only the symbols on which the requests depend become clauses, and of these only those that can
//! change. A number or a string takes one of the values that comparisons distinguish.
//!
//! Where symbols depend on each other in a circle, or a number depends on another one, the present value is used as a
//! constant, and [`Encoding::is_approximate`] is set. The engine verifies every assignment before it is used.

mod choice;
mod expression;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use kiln_kconfig::{Evaluation, ExprId, Model, Strength, SymbolId, Tristate, Type};
use rustsat::types::Lit;

use crate::circuit::{Circuit, Pair, TRUE};
use crate::goal::{Goal, is_same};

/// The request that a fix may make for one symbol.
#[derive(Debug, Clone)]
pub(crate) struct Setter {
    /// Whether the symbol's request is added or changed.
    pub(crate) changed: Lit,
    /// The new value.
    pub(crate) to: To,
}

/// The value of a request that a fix may make.
#[derive(Debug, Clone)]
pub(crate) enum To {
    /// `y`, `m` or `n`.
    Logic(Pair),
    /// One of these texts, exactly one of whose literals holds when the request is changed.
    Text(Vec<(Vec<u8>, Lit)>),
}

/// The user's value of a symbol, with the change that a fix may make.
#[derive(Debug, Clone, Copy)]
struct User {
    /// Whether there is a value.
    has: Lit,
    value: Pair,
}

/// The symbols of a model as gates.
pub(crate) struct Encoding<'a, 'm> {
    pub(crate) circuit: Circuit,
    model: &'m Model,
    /// The values with the requests as they are.
    now: &'a Evaluation<'m>,
    goals: BTreeMap<SymbolId, &'a Goal>,
    pub(crate) setters: BTreeMap<SymbolId, Setter>,
    /// By symbol whose request must hold: whether the request is given up.
    pub(crate) given_up: BTreeMap<SymbolId, Lit>,
    values: BTreeMap<SymbolId, Pair>,
    texts: BTreeMap<SymbolId, Vec<(Vec<u8>, Lit)>>,
    expressions: BTreeMap<ExprId, Pair>,
    /// The symbols that are being computed.
    open: BTreeSet<SymbolId>,
    /// By number or string: the texts that comparisons distinguish.
    distinct_texts: BTreeMap<SymbolId, BTreeSet<Vec<u8>>>,
    pub(crate) is_approximate: bool,
}

impl<'a, 'm> Encoding<'a, 'm> {
    pub(crate) fn new(circuit: Circuit, now: &'a Evaluation<'m>, goals: &'a [Goal]) -> Encoding<'a, 'm> {
        let model = now.model();
        let mut encoding = Encoding {
            circuit,
            model,
            now,
            goals: goals.iter().map(|goal| (goal.symbol, goal)).collect(),
            setters: BTreeMap::new(),
            given_up: BTreeMap::new(),
            values: BTreeMap::new(),
            texts: BTreeMap::new(),
            expressions: BTreeMap::new(),
            open: BTreeSet::new(),
            distinct_texts: BTreeMap::new(),
            is_approximate: false,
        };
        encoding.collect_texts();
        encoding.propagate_texts();
        encoding
    }

    /// Returns whether a request holds, as it is or as it may be changed.
    pub(crate) fn holds(&mut self, goal: &Goal) -> Lit {
        let symbol = goal.symbol;
        if !self.model.type_of(symbol).is_logic() {
            let wanted = goal.value.as_bytes();
            let texts = self.text(symbol);
            let same: Vec<Lit> = texts
                .iter()
                .filter(|(text, _)| is_same(self.model.type_of(symbol), text, wanted))
                .map(|(_, guard)| *guard)
                .collect();
            let (same, written) = (self.circuit.or(&same), self.written(symbol));
            return self.circuit.and(&[same, written]);
        }
        let value = self.symbol(symbol);
        let as_it_is = self.has(goal);
        match self.setters.get(&symbol).map(|setter| setter.changed) {
            Some(changed) => self.circuit.either(changed, value.yes, as_it_is),
            None => as_it_is,
        }
    }

    /// Returns whether a logic symbol has the requested value.
    pub(crate) fn has(&mut self, goal: &Goal) -> Lit {
        let value = self.symbol(goal.symbol);
        match goal.value.as_str() {
            "y" => value.yes,
            "m" => self.circuit.and(&[value.on, !value.yes]),
            _ => !value.on,
        }
    }

    /// Adds the clauses by which every setting must hold itself: it is a request like any other.
    pub(crate) fn require_settings(&mut self) {
        let setters: Vec<(SymbolId, Setter)> =
            self.setters.iter().map(|(symbol, setter)| (*symbol, setter.clone())).collect();
        for (symbol, setter) in setters {
            match setter.to {
                To::Logic(to) => {
                    let value = self.symbol(symbol);
                    for (is, shall) in [(value.yes, to.yes), (value.on, to.on)] {
                        self.circuit.clause(&[!setter.changed, !is, shall]);
                        self.circuit.clause(&[!setter.changed, is, !shall]);
                    }
                }
                To::Text(choices) => {
                    let type_ = self.model.type_of(symbol);
                    let written = self.written(symbol);
                    self.circuit.clause(&[!setter.changed, written]);
                    for (text, literal) in choices {
                        let same = self.text(symbol).into_iter().filter(|(is, _)| is_same(type_, is, &text));
                        let mut clause: Vec<Lit> = same.map(|(_, guard)| guard).collect();
                        clause.push(!literal);
                        self.circuit.clause(&clause);
                    }
                }
            }
        }
    }

    /// Returns the value of a symbol as expressions read it.
    pub(crate) fn symbol(&mut self, symbol: SymbolId) -> Pair {
        if let Some(value) = self.model.fixed_value(symbol) {
            return constant(value);
        }
        if !self.model.type_of(symbol).is_logic() {
            return Pair::NO;
        }
        if let Some(value) = self.values.get(&symbol) {
            return *value;
        }
        if !self.open.insert(symbol) {
            self.is_approximate = true;
            return constant(self.now.tristate(symbol));
        }
        let choice = match self.model.stands_for_choice(symbol) && self.model.dialect().choice_values {
            true => self.model.definitions(symbol).next().map(|definition| definition.node),
            false => self.model.choice_of(symbol),
        };
        let value = match choice {
            Some(choice) => {
                self.choice(choice);
                self.values.get(&symbol).copied()
            }
            None => None,
        };
        let value = match value {
            Some(value) => value,
            None => self.logic(symbol),
        };
        self.open.remove(&symbol);
        self.values.insert(symbol, value);
        value
    }

    /// Returns the value of a symbol that no choice decides (`logic` of the engine).
    fn logic(&mut self, symbol: SymbolId) -> Pair {
        let visible = self.visible(symbol);
        let reverse = match self.model.reverse_dependency(symbol) {
            Some(reverse) => self.expression(Some(reverse)),
            None => Pair::NO,
        };
        let reverse = self.widened(symbol, reverse);
        let user = self.user(symbol, visible.on);
        let counts = self.circuit.and(&[visible.on, user.has]);
        let given = self.circuit.least(&[user.value, visible]);
        let value = if counts == TRUE {
            given
        } else {
            let otherwise = self.without_user(symbol);
            self.circuit.choose(counts, given, otherwise)
        };
        let mut value = self.circuit.greatest(&[value, reverse]);
        if self.model.dialect().promotes_implied
            && let Some(implied) = self.model.implied_by(symbol)
        {
            let implied = self.expression(Some(implied));
            let implied = self.widened(symbol, implied);
            let promoted = self.circuit.and(&[value.on, implied.yes]);
            value.yes = self.circuit.or(&[value.yes, promoted]);
        }
        self.widened(symbol, value)
    }

    /// Returns the value without a user's value: of the defaults, then of the symbols that imply it.
    fn without_user(&mut self, symbol: SymbolId) -> Pair {
        let mut value = self.defaults(symbol);
        if let Some(implied) = self.model.implied_by(symbol) {
            let direct = self.expression(self.model.direct_dependency(symbol));
            let direct = self.widened(symbol, direct);
            let implied = self.expression(Some(implied));
            let mut implied = self.widened(symbol, implied);
            let mut limit = direct;
            if self.model.dialect().promotes_implied {
                implied = Pair {
                    yes: self.circuit.and(&[implied.yes, direct.on]),
                    on: self.circuit.and(&[implied.on, direct.on]),
                };
                limit = Pair::YES;
            }
            let raised = self.circuit.greatest(&[value, implied]);
            let raised = self.circuit.least(&[raised, limit]);
            value = self.circuit.choose(implied.on, raised, value);
        }
        value
    }

    fn defaults(&mut self, symbol: SymbolId) -> Pair {
        let mut before = !TRUE;
        let mut parts = Vec::new();
        for default in self.model.defaults(symbol) {
            let condition = self.expression(default.condition);
            let counts = self.circuit.and(&[condition.on, !before]);
            if counts != !TRUE {
                let value = self.expression(Some(default.value));
                let value = self.circuit.least(&[value, condition]);
                let guard = Pair::whole(counts);
                parts.push(self.circuit.least(&[value, guard]));
            }
            before = self.circuit.or(&[before, condition.on]);
            if before == TRUE {
                break;
            }
        }
        self.circuit.greatest(&parts)
    }

    /// Returns the visibility of a symbol, which limits the user's value.
    fn visible(&mut self, symbol: SymbolId) -> Pair {
        if self.model.is_transitional(symbol) {
            return Pair::YES;
        }
        let mut parts = Vec::new();
        for prompt in self.model.prompts(symbol) {
            parts.push(self.expression(prompt.condition));
        }
        let visible = self.circuit.greatest(&parts);
        self.widened(symbol, visible)
    }

    /// Raises `m` to `y` for a `bool`, and for a `tristate` where modules are disabled.
    fn widened(&mut self, symbol: SymbolId, value: Pair) -> Pair {
        if value.yes == value.on {
            return value;
        }
        if self.model.type_of(symbol) == Type::Bool {
            return Pair::whole(value.on);
        }
        let modules = self.modules();
        Pair { yes: self.circuit.either(modules, value.yes, value.on), on: value.on }
    }

    fn modules(&mut self) -> Lit {
        let modules = self.model.modules();
        self.symbol(modules).on
    }

    /// Returns the user's value of a symbol, with the change that a fix may make where the symbol is `visible`.
    fn user(&mut self, symbol: SymbolId, visible: Lit) -> User {
        let base = match self.now.user_value(symbol).as_deref() {
            Some("y") => Some(Pair::YES),
            Some("m") => Some(Pair::MOD),
            Some(_) => Some(Pair::NO),
            None => None,
        };
        let has = if base.is_some() { TRUE } else { !TRUE };
        let base = base.unwrap_or(Pair::NO);
        let mut user = User { has, value: base };
        let values = self.possible_change(symbol);
        // An invisible symbol needs no request; but a request that exists may be raised.
        if let Some(values) = values.filter(|values| visible != !TRUE || matches!(values, Values::Raised)) {
            let changed = self.circuit.fresh();
            let value = match values {
                Values::Raised => Pair::YES,
                Values::Any => self.any(symbol),
            };
            self.setters.insert(symbol, Setter { changed, to: To::Logic(value) });
            user = User { has: self.circuit.or(&[has, changed]), value: self.circuit.choose(changed, value, base) };
        }
        if visible != !TRUE && self.is_bound(symbol) {
            let given_up = self.give_up(symbol);
            let value = self.any(symbol);
            let has = self.circuit.fresh();
            user.has = self.circuit.either(given_up, has, user.has);
            user.value = self.circuit.choose(given_up, value, user.value);
        }
        user
    }

    /// Returns a value that the solver is free to choose.
    fn any(&mut self, symbol: SymbolId) -> Pair {
        if self.model.type_of(symbol) == Type::Bool {
            return Pair::whole(self.circuit.fresh());
        }
        let (yes, on) = (self.circuit.fresh(), self.circuit.fresh());
        self.circuit.clause(&[!yes, on]);
        Pair { yes, on }
    }

    /// Whether a request for the symbol must hold.
    fn is_bound(&self, symbol: SymbolId) -> bool {
        self.goals.get(&symbol).is_some_and(|goal| goal.is_binding())
    }

    /// Returns the literal by which a request is given up: with these, the requests that contradict each other are found.
    fn give_up(&mut self, symbol: SymbolId) -> Lit {
        let given_up = self.circuit.fresh();
        self.given_up.insert(symbol, given_up);
        given_up
    }

    /// Returns the change that a fix may make to the request for a symbol.
    fn possible_change(&self, symbol: SymbolId) -> Option<Values> {
        if self.model.stands_for_choice(symbol) {
            return None;
        }
        match self.goals.get(&symbol) {
            None | Some(Goal { strength: Strength::Optional, .. }) => Some(Values::Any),
            Some(Goal { strength: Strength::Required, value, .. }) if value == "m" => Some(Values::Raised),
            Some(_) => None,
        }
    }
}

/// The values to which a request may be changed.
enum Values {
    /// Any value that the type takes.
    Any,
    /// `y`.
    Raised,
}

pub(crate) fn constant(value: Tristate) -> Pair {
    match value {
        Tristate::No => Pair::NO,
        Tristate::Mod => Pair::MOD,
        Tristate::Yes => Pair::YES,
    }
}
