//! Trials of proposals in the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kiln_kconfig::{Change, Evaluation, Model, SymbolId, Tristate, Type};

use crate::budget::{Budget, Spent};
use crate::goal::{Goal, has_value};
use crate::harm::{grade, is_drastic, weight};
use crate::plain::{Plain, is_switch};
use crate::{Cost, Fix, Problem, SetAside, Setting};

/// Returns, for each setting of a fix, the requests that would not hold without it, as indices into
/// [`Problem::requests`]; those that are set aside are left out.
pub fn needed_for(problem: &Problem<'_, '_>, set_aside: &[SetAside], fix: &Fix) -> Vec<Vec<usize>> {
    let goals = Goal::all(problem.now.model(), problem.requests);
    let mut trial = Trial::new(problem, &goals, Rc::new(Spent::new(Budget::default())));
    trial.leave(set_aside);
    let without = |index: usize| {
        let mut settings = fix.settings.clone();
        settings.remove(index);
        trial.failing(&settings)
    };
    (0..fix.settings.len()).map(without).collect()
}

/// Returns the cost of settings, sorted or not; `None` when a request does not hold with them that is not set aside.
pub fn cost_of(problem: &Problem<'_, '_>, set_aside: &[SetAside], settings: &[Setting]) -> Option<Cost> {
    let goals = Goal::all(problem.now.model(), problem.requests);
    let mut trial = Trial::new(problem, &goals, Rc::new(Spent::new(Budget::default())));
    trial.leave(set_aside);
    trial.fix(settings).map(|fix| fix.cost)
}

/// A value that a trial sets.
struct Given {
    symbol: SymbolId,
    value: String,
    /// Whether it is one of the settings; otherwise it is a request that is applied again.
    is_setting: bool,
}

/// The result of trying a set of symbols with all values.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    pub(crate) best: Option<Fix>,
    /// The values with which all requests hold, none of which can be left out.
    pub(crate) working: Vec<Vec<Setting>>,
    /// Whether all requests hold with some of the values, be it that a part of them is enough.
    pub(crate) works: bool,
}

/// An evaluation on which settings are tried.
pub(crate) struct Trial<'a, 'm> {
    now: &'a Evaluation<'m>,
    values: Evaluation<'m>,
    goals: &'a [Goal],
    by_symbol: BTreeMap<SymbolId, &'a Goal>,
    kept: &'a [SymbolId],
    /// The symbols that plain ways turn on.
    plain: Plain,
    /// The symbols whose requests are set aside.
    aside: BTreeSet<SymbolId>,
    spent: Rc<Spent>,
}

impl<'a, 'm> Trial<'a, 'm> {
    /// The largest set of which all values are tried: each takes microseconds, but there may be many.
    pub(crate) const MANY: usize = 6;

    pub(crate) fn new(problem: &Problem<'a, 'm>, goals: &'a [Goal], spent: Rc<Spent>) -> Trial<'a, 'm> {
        let now = problem.now;
        let mut trial = Trial {
            now,
            values: now.clone(),
            goals,
            by_symbol: goals.iter().map(|goal| (goal.symbol, goal)).collect(),
            kept: problem.kept,
            plain: Plain::default(),
            aside: BTreeSet::new(),
            spent,
        };
        trial.leave(&[]);
        trial
    }

    pub(crate) fn model(&self) -> &'m Model {
        self.now.model()
    }

    /// Returns the values without a fix.
    pub(crate) fn before(&self) -> &'a Evaluation<'m> {
        self.now
    }

    /// Demands these requests no longer.
    pub(crate) fn leave(&mut self, set_aside: &[SetAside]) {
        let of = |goal: &&Goal| set_aside.iter().any(|one| one.request == goal.index);
        self.aside = self.goals.iter().filter(of).map(|goal| goal.symbol).collect();
        let is_open = |goal: &&Goal| self.binds(goal) && !goal.holds(self.now);
        let open: Vec<&Goal> = self.goals.iter().filter(is_open).collect();
        self.plain = Plain::new(self.now.model(), &open);
    }

    /// Whether a plain way turns a symbol on.
    pub(crate) fn is_plain(&self, symbol: SymbolId) -> bool {
        self.plain.contains(&symbol)
    }

    /// Whether a symbol is on a plain way only because it selects another one.
    pub(crate) fn is_selector(&self, symbol: SymbolId) -> bool {
        self.plain.is_selector(symbol)
    }

    /// Whether a goal must hold.
    fn binds(&self, goal: &Goal) -> bool {
        goal.is_binding() && !self.aside.contains(&goal.symbol)
    }

    /// Returns the harm of a value alone, as far as the symbol is visible now.
    pub(crate) fn harm_of(&mut self, symbol: SymbolId, value: &str) -> usize {
        self.harm_with(&[Setting { symbol, value: value.to_owned() }])
    }

    /// Returns the harm of settings, whether or not requests hold with them.
    pub(crate) fn harm_with(&mut self, settings: &[Setting]) -> usize {
        let Some(changes) = self.apply(settings) else { return 0 };
        let moved = self.moved(&changes);
        let harm = moved.iter().map(|symbol| weight(self.now, &self.values, *symbol)).sum();
        self.undo(changes);
        harm
    }

    /// Returns the symbols without a request that would be off with `settings`, or `m` where modules are enabled without
    /// them; `None` where not all requests hold.
    pub(crate) fn lost_with(&mut self, settings: &[Setting]) -> Option<Vec<SymbolId>> {
        let changes = self.apply(settings)?;
        let has_modules = self.now.tristate(self.model().modules()) != Tristate::No;
        let is_lost = |symbol: &SymbolId| {
            let then = self.values.tristate(*symbol);
            then < self.now.tristate(*symbol)
                && (then == Tristate::No || has_modules)
                && !self.is_bound(*symbol)
                && settings.iter().all(|setting| setting.symbol != *symbol)
        };
        let lost = self.all_hold(settings).then(|| self.moved(&changes).into_iter().filter(is_lost).collect());
        self.undo(changes);
        lost
    }

    /// Returns the fix with these settings; `None` when not every request holds with them.
    pub(crate) fn fix(&mut self, settings: &[Setting]) -> Option<Fix> {
        let changes = self.apply(settings)?;
        let fix = self.all_hold(settings).then(|| self.described(settings, &changes));
        self.undo(changes);
        fix
    }

    /// Whether every request holds with `settings`.
    pub(crate) fn works(&mut self, settings: &[Setting]) -> bool {
        let Some(changes) = self.apply(settings) else { return false };
        let works = self.all_hold(settings);
        self.undo(changes);
        works
    }

    /// Returns the requests that must hold and do not hold with `settings`.
    fn failing(&mut self, settings: &[Setting]) -> Vec<usize> {
        let Some(changes) = self.apply(settings) else { return Vec::new() };
        let fails = |goal: &&Goal| {
            let altered = settings.iter().find(|setting| setting.symbol == goal.symbol);
            let value = altered.map_or(&goal.value, |setting| &setting.value);
            self.binds(goal) && !has_value(&self.values, goal.symbol, value)
        };
        let failing = self.goals.iter().filter(fails).map(|goal| goal.index).collect();
        self.undo(changes);
        failing
    }

    /// Returns the best fix that these symbols make with any values; `None` when there is none.
    fn best_of(&mut self, symbols: &[Setting]) -> Option<Fix> {
        self.values_of(symbols).best
    }

    /// Tries these symbols with all values, where they are few.
    pub(crate) fn values_of(&mut self, symbols: &[Setting]) -> Tried {
        let given = self.given(symbols);
        let mut tried = Tried::default();
        self.explore(&given, symbols.len() <= Self::MANY, &mut Vec::new(), &mut Vec::new(), &mut tried);
        if symbols.len() > Self::MANY {
            tried.best = tried.best.map(|best| self.lowered(best));
        } else {
            tried.works = !tried.working.is_empty();
            tried.working.retain(|settings| self.is_whole(settings));
            tried.best = None;
            for settings in &tried.working {
                let fix = self.fix(settings);
                tried.best = better(tried.best.take(), fix);
            }
        }
        tried
    }

    /// Whether none of the settings can be left out.
    fn is_whole(&mut self, settings: &[Setting]) -> bool {
        settings.len() == 1
            || (0..settings.len()).all(|index| {
                let mut fewer = settings.to_vec();
                fewer.remove(index);
                !self.works(&fewer)
            })
    }

    /// Tries every value of the rest of `given`; where `is_free` is false, only the given one.
    fn explore(
        &mut self,
        given: &[Given],
        is_free: bool,
        settings: &mut Vec<Setting>,
        changes: &mut Vec<Change>,
        tried: &mut Tried,
    ) {
        let Some((first, rest)) = given.split_first() else {
            if self.all_hold(settings) {
                if !is_free {
                    tried.best = better(tried.best.take(), Some(self.described(settings, changes)));
                }
                tried.working.push(settings.clone());
            }
            return;
        };
        let values: Vec<&str> = match self.now.model().type_of(first.symbol) {
            _ if !is_free || !first.is_setting || self.is_bound(first.symbol) => vec![&first.value],
            Type::Tristate => vec!["m", "y", "n"],
            Type::Bool => vec!["y", "n"],
            _ => vec![&first.value],
        };
        for value in values {
            let Some(change) = self.give(first.symbol, value) else { continue };
            changes.push(change);
            if first.is_setting {
                settings.push(Setting { symbol: first.symbol, value: value.to_owned() });
            }
            self.explore(rest, is_free, settings, changes, tried);
            if first.is_setting {
                settings.pop();
            }
            if let Some(change) = changes.pop() {
                self.values.undo(change);
            }
        }
    }

    /// Lowers each setting from `y` to `m` where that is enough.
    fn lowered(&mut self, mut best: Fix) -> Fix {
        for index in 0..best.settings.len() {
            let setting = &best.settings[index];
            let is_tristate = self.now.model().type_of(setting.symbol) == Type::Tristate;
            if !is_tristate || setting.value != "y" || self.goal(setting.symbol).is_some() {
                continue;
            }
            let mut settings = best.settings.clone();
            settings[index].value = "m".to_owned();
            if let Some(fix) = self.fix(&settings).filter(|fix| fix.cost < best.cost) {
                best = fix;
            }
        }
        best
    }

    /// Removes from settings that work those that are not needed, as far as `steps` allow.
    pub(crate) fn reduced(&mut self, mut settings: Vec<Setting>, steps: u64) -> Option<Fix> {
        let until = self.spent.steps() + steps;
        let mut step = settings.len().div_ceil(2);
        while step > 0 {
            let mut at = 0;
            while at < settings.len() && self.spent.steps() < until {
                let end = (at + step).min(settings.len());
                let mut fewer = settings.clone();
                fewer.drain(at..end);
                if self.works(&fewer) { settings = fewer } else { at = end }
            }
            step = if step == 1 { 0 } else { step.div_ceil(2) };
        }
        self.best_of(&settings)
    }

    fn goal(&self, symbol: SymbolId) -> Option<&'a Goal> {
        self.by_symbol.get(&symbol).copied()
    }

    /// Whether a request determines the value of a setting of the symbol.
    fn is_bound(&self, symbol: SymbolId) -> bool {
        self.goal(symbol).is_some_and(|goal| self.binds(goal))
    }

    /// Returns the settings, and the requests that must be applied again because their order counts, in the order in which
    /// they are applied.
    fn given(&self, settings: &[Setting]) -> Vec<Given> {
        let model = self.now.model();
        let setting =
            |setting: &Setting| Given { symbol: setting.symbol, value: setting.value.clone(), is_setting: true };
        let mut given: Vec<Given> = settings.iter().map(setting).collect();
        let choices: BTreeSet<_> = given.iter().filter_map(|one| model.choice_of(one.symbol)).collect();
        // Of the members of a choice, the last one counts, and requests are applied in the order of their names.
        for goal in self.goals {
            let is_near = model.choice_of(goal.symbol).is_some_and(|choice| choices.contains(&choice));
            if is_near && settings.iter().all(|setting| setting.symbol != goal.symbol) {
                given.push(Given { symbol: goal.symbol, value: goal.value.clone(), is_setting: false });
            }
        }
        given.sort_by_cached_key(|one| model.name(one.symbol).into_owned());
        given
    }

    /// Applies the settings; `None` when a value is refused.
    fn apply(&mut self, settings: &[Setting]) -> Option<Vec<Change>> {
        let mut changes = Vec::new();
        for one in self.given(settings) {
            match self.give(one.symbol, &one.value) {
                Some(change) => changes.push(change),
                None => {
                    self.undo(changes);
                    return None;
                }
            }
        }
        Some(changes)
    }

    fn give(&mut self, symbol: SymbolId, value: &str) -> Option<Change> {
        let change = self.values.set(symbol, value).ok()?;
        // Once to set it, once to undo it.
        self.spent.add(2 + 2 * change.n_visited() as u64);
        Some(change)
    }

    fn undo(&mut self, changes: Vec<Change>) {
        for change in changes.into_iter().rev() {
            self.values.undo(change);
        }
    }

    fn all_hold(&self, settings: &[Setting]) -> bool {
        let is_kept = |goal: &Goal| {
            let is_altered = settings.iter().any(|setting| setting.symbol == goal.symbol);
            !self.binds(goal) || is_altered || goal.holds(&self.values)
        };
        settings.iter().all(|setting| has_value(&self.values, setting.symbol, &setting.value))
            && self.goals.iter().all(is_kept)
            && self.kept.iter().all(|symbol| self.values.tristate(*symbol) != Tristate::No)
    }

    /// Returns the symbols whose values differ from those before, causes before effects.
    fn moved(&self, changes: &[Change]) -> Vec<SymbolId> {
        let model = self.now.model();
        let mut seen = BTreeSet::new();
        let is_moved = |symbol: &SymbolId| {
            self.now.value_of(*symbol) != self.values.value_of(*symbol)
                && !model.stands_for_choice(*symbol)
                && seen.insert(*symbol)
        };
        changes.iter().flat_map(|change| change.changed().iter().copied()).filter(is_moved).collect()
    }

    fn described(&self, settings: &[Setting], changes: &[Change]) -> Fix {
        let model = self.now.model();
        let set: BTreeSet<SymbolId> = settings.iter().map(|setting| setting.symbol).collect();
        let (mut raised, mut lowered) = (Vec::new(), Vec::new());
        let mut cost = Cost { size: settings.len(), ..Cost::default() };
        let moved = self.moved(changes);
        for symbol in &moved {
            let is_set = set.contains(symbol);
            if is_set || !self.is_bound(*symbol) {
                cost.harm += weight(self.now, &self.values, *symbol);
            }
            if is_set || self.is_bound(*symbol) || !model.type_of(*symbol).is_logic() {
                continue;
            }
            let is_raised = self.values.tristate(*symbol) > self.now.tristate(*symbol);
            if is_raised { &mut raised } else { &mut lowered }.push(*symbol);
        }
        for goal in self.goals.iter().filter(|goal| !goal.is_binding()) {
            cost.n_lost += usize::from(goal.holds(self.now) && !goal.holds(&self.values));
        }
        for setting in settings {
            let is_tristate = model.type_of(setting.symbol) == Type::Tristate;
            let is_logic = model.type_of(setting.symbol).is_logic();
            let is_on = is_logic && setting.value != "n";
            cost.harm += usize::from(!moved.contains(&setting.symbol));
            cost.asks_tests |= is_on && is_switch(model, setting.symbol);
            cost.n_foreign += usize::from(is_on && !self.is_plain(setting.symbol));
            cost.n_altered += usize::from(self.goal(setting.symbol).is_some());
            cost.n_off += usize::from(is_logic && setting.value == "n");
            cost.n_built_in += usize::from(is_tristate && setting.value == "y");
        }
        cost.grade = grade(cost.harm);
        cost.is_drastic = is_drastic(cost.grade);
        let mut settings = settings.to_vec();
        settings.sort_by_key(|setting| model.name(setting.symbol).into_owned());
        debug_assert!(raised.iter().all(|symbol| self.values.tristate(*symbol) != Tristate::No));
        Fix { settings, cost, raised, lowered, substitutes: Vec::new(), is_smallest: false }
    }
}

/// Returns the fix that costs less; of two that cost the same, the one whose settings sort first.
fn better(left: Option<Fix>, right: Option<Fix>) -> Option<Fix> {
    match (left, right) {
        (Some(left), Some(right)) if (right.cost, &right.settings) < (left.cost, &left.settings) => Some(right),
        (Some(left), _) => Some(left),
        (None, right) => right,
    }
}
