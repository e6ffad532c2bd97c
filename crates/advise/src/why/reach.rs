//! Whether anything could give a symbol a value: other requests, the environment, the host's tools, or nothing at all.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kiln_kconfig::{Evaluation, Expr, ExprId, Limit, Place, SymbolId, Term, Tristate, Type};

use super::{comparison, host};

/// The least that has to change for a value, from the easiest to the impossible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Nothing, or requests.
    #[default]
    Open,
    /// A variable of the environment that a Kconfig file compares.
    Environment,
    /// The tools of the host.
    Host,
    /// No request and no tool gives it the value on this architecture.
    Never,
}

/// Answers about one evaluation, kept as they are found.
pub(super) struct Reaches<'a, 'm> {
    evaluation: &'a Evaluation<'m>,
    known: RefCell<BTreeMap<(SymbolId, Tristate), Reach>>,
}

impl<'a, 'm> Reaches<'a, 'm> {
    pub(super) fn new(evaluation: &'a Evaluation<'m>) -> Reaches<'a, 'm> {
        Reaches { evaluation, known: RefCell::default() }
    }

    /// Returns what has to change for `symbol` to be at least `wanted`.
    ///
    /// A symbol whose answer depends on itself counts as open, so that [`Reach::Never`] is certain.
    pub(super) fn of(&self, symbol: SymbolId, wanted: Tristate) -> Reach {
        let model = self.evaluation.model();
        let is_declared = model.definitions(symbol).next().is_some();
        if !is_declared && self.evaluation.tristate(symbol) < wanted {
            return Reach::Never;
        }
        if model.type_of(symbol).is_logic() && self.evaluation.tristate(symbol) >= wanted {
            return Reach::Open;
        }
        let key = (symbol, wanted);
        if let Some(known) = self.known.borrow().get(&key) {
            return *known;
        }
        self.known.borrow_mut().insert(key, Reach::Open);
        let found = self.easiest(symbol, wanted);
        self.known.borrow_mut().insert(key, found);
        found
    }

    /// Returns the easiest of the ways in which a declared symbol gets a value.
    fn easiest(&self, symbol: SymbolId, wanted: Tristate) -> Reach {
        let model = self.evaluation.model();
        let wanted = if model.type_of(symbol) == Type::Bool { Tristate::Mod } else { wanted };
        let limits = self.evaluation.limits(symbol, if wanted == Tristate::No { Tristate::Mod } else { wanted });
        let mut best = Reach::Never;
        let mut has_prompt = true;
        let mut is_limited = false;
        for limit in &limits {
            match limit {
                Limit::NoPrompt => has_prompt = false,
                Limit::Prompt { place, terms } => {
                    is_limited = true;
                    best = best.min(self.of_all(symbol, terms, wanted, place));
                }
                // Modules and choices are matters of other requests.
                Limit::NoModules | Limit::Choice(_) | Limit::Selected(_) => {}
            }
        }
        if (has_prompt && !is_limited) || best == Reach::Open {
            return Reach::Open;
        }
        if host::question(self.evaluation, symbol).is_some() {
            best = best.min(Reach::Host);
        }
        for line in model.selectors(symbol) {
            best = best.min(self.of_line(&line, wanted));
        }
        let place = model.definitions(symbol).next().map(|definition| definition.place);
        let depends = match (model.direct_dependency(symbol), place) {
            (Some(dependency), Some(place)) => {
                self.of_all(symbol, &self.evaluation.too_low(dependency, wanted), wanted, &place)
            }
            _ => Reach::Open,
        };
        for default in model.defaults(symbol) {
            let condition = self.of_condition(symbol, default.condition, wanted, &default.place);
            // The value of a number or text is not a condition.
            let is_logic = model.type_of(symbol).is_logic();
            let value = if is_logic { self.of_part(default.value, wanted, &default.place) } else { Reach::Open };
            best = best.min(depends.max(condition).max(value));
        }
        best
    }

    /// Returns what has to change for a `select` or `imply` line to raise its target to `wanted`.
    pub(super) fn of_line(&self, line: &kiln_kconfig::Selection, wanted: Tristate) -> Reach {
        let by_wanted = if self.evaluation.model().type_of(line.by) == Type::Bool { Tristate::Mod } else { wanted };
        let by = self.of(line.by, by_wanted);
        by.max(self.of_condition(line.by, line.condition, wanted, &line.place))
    }

    /// Returns what has to change for the condition of a line of `symbol` at `place`; its dependencies are parts of it,
    /// and are written elsewhere.
    fn of_condition(&self, symbol: SymbolId, condition: Option<ExprId>, wanted: Tristate, place: &Place) -> Reach {
        let terms = condition.map(|part| self.evaluation.too_low(part, wanted)).unwrap_or_default();
        self.of_all(symbol, &terms, wanted, place)
    }

    /// Returns what has to change for all of these parts of `symbol`'s conditions, which are at `place` unless the
    /// symbol has a line of their own for them.
    pub(super) fn of_all(&self, symbol: SymbolId, terms: &[Term], wanted: Tristate, place: &Place) -> Reach {
        let each = terms.iter().map(|term| {
            let written = self.evaluation.model().written(symbol, term.expression);
            self.of_part(term.expression, wanted, written.as_ref().unwrap_or(place))
        });
        each.max().unwrap_or_default()
    }

    /// Returns what has to change for a part of a condition on the line at `place` to be at least `wanted`.
    pub(super) fn of_part(&self, part: ExprId, wanted: Tristate, place: &Place) -> Reach {
        if self.evaluation.evaluate(part) >= wanted {
            return Reach::Open;
        }
        let model = self.evaluation.model();
        match model.expression(part) {
            Expr::Symbol(symbol) if host::statement(self.evaluation, symbol, place).is_some() => Reach::Host,
            // A macro may have answered it on a line that is not known.
            Expr::Symbol(symbol) if matches!(&*model.name(symbol), "n" | "m") && !self.is_written(place) => Reach::Open,
            Expr::Symbol(symbol) => self.of(symbol, wanted),
            Expr::And(parts) => parts.iter().map(|part| self.of_part(*part, wanted, place)).max().unwrap_or_default(),
            Expr::Or(parts) => parts.iter().map(|part| self.of_part(*part, wanted, place)).min().unwrap_or_default(),
            Expr::Not(_) => Reach::Open,
            compare @ Expr::Compare(_, left, right) => match comparison::written(self.evaluation, compare, place) {
                Some(written) if written.variable.is_some() => Reach::Environment,
                _ if host::question(self.evaluation, left).is_some() => Reach::Host,
                _ if [left, right].iter().all(|side| comparison::is_constant(self.evaluation, *side)) => Reach::Never,
                _ => Reach::Open,
            },
        }
    }

    /// Whether the line at `place` has a constant `n` or `m` in its text.
    fn is_written(&self, place: &Place) -> bool {
        let statement = self.evaluation.model().statement(place).unwrap_or_default();
        statement.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| matches!(word, "n" | "m"))
    }
}
