//! Proposals, tried in the engine.

use std::collections::BTreeSet;
use std::rc::Rc;

use kiln_kconfig::{Change, Evaluation, SymbolId, Tristate, Type};

use crate::effort::Effort;
use crate::{Cost, Firmness, Fix, Patience, Problem, Request, Setting};

/// Whether two texts are one value for a symbol of this type.
pub fn is_same(type_: Type, left: &[u8], right: &[u8]) -> bool {
    let number = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok()?;
        match type_ {
            Type::Int => text.parse::<i128>().ok(),
            Type::Hex => {
                let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
                i128::from_str_radix(digits, 16).ok()
            }
            _ => None,
        }
    };
    left == right || number(left).is_some_and(|left| Some(left) == number(right))
}

/// Whether a request holds.
pub fn holds(values: &Evaluation<'_>, request: &Request) -> bool {
    has(values, request.symbol, &request.value)
}

/// Whether a symbol has a value; a number or a string that is not in the `.config` has none.
fn has(values: &Evaluation<'_>, symbol: SymbolId, value: &str) -> bool {
    let type_ = values.model().type_of(symbol);
    (type_.is_logic() || values.is_written(symbol))
        && is_same(type_, values.value_of(symbol).as_bytes(), value.as_bytes())
}

/// By setting of a fix: the requests, as indices into [`Problem::requests`], that would not hold without it.
pub fn needed_for(problem: &Problem<'_, '_>, fix: &Fix) -> Vec<Vec<usize>> {
    let mut trial = Trial::new(problem.now, problem.requests, Rc::new(Effort::new(Patience::default())));
    let without = |index: usize| {
        let mut settings = fix.settings.clone();
        settings.remove(index);
        trial.failing(&settings)
    };
    (0..fix.settings.len()).map(without).collect()
}

/// A value that is given for a trial.
struct Given {
    symbol: SymbolId,
    value: String,
    /// Whether it is one of the settings, or a request that is given again.
    is_setting: bool,
}

/// An evaluation to try things on.
pub(crate) struct Trial<'a, 'm> {
    now: &'a Evaluation<'m>,
    values: Evaluation<'m>,
    requests: &'a [Request],
    effort: Rc<Effort>,
}

impl<'a, 'm> Trial<'a, 'm> {
    /// Of sets up to this size all values are tried: a matter of microseconds each, but there may be many.
    pub(crate) const MANY: usize = 6;

    pub(crate) fn new(now: &'a Evaluation<'m>, requests: &'a [Request], effort: Rc<Effort>) -> Trial<'a, 'm> {
        Trial { now, values: now.clone(), requests, effort }
    }

    /// The fix that `settings` are; `None` when not every request holds with them.
    pub(crate) fn fix(&mut self, settings: &[Setting]) -> Option<Fix> {
        let changes = self.apply(settings)?;
        let fix = self.all_hold(settings).then(|| self.described(settings, &changes));
        self.take_back(changes);
        fix
    }

    /// Whether every request holds with `settings`.
    pub(crate) fn works(&mut self, settings: &[Setting]) -> bool {
        let Some(changes) = self.apply(settings) else { return false };
        let works = self.all_hold(settings);
        self.take_back(changes);
        works
    }

    /// The requests that must hold and do not with `settings`.
    fn failing(&mut self, settings: &[Setting]) -> Vec<usize> {
        let Some(changes) = self.apply(settings) else { return Vec::new() };
        let fails = |request: &Request| {
            let altered = settings.iter().find(|setting| setting.symbol == request.symbol);
            let value = altered.map_or(&request.value, |setting| &setting.value).clone();
            request.firmness != Firmness::Optional && !holds(&self.values, &Request { value, ..request.clone() })
        };
        let failing = (0..self.requests.len()).filter(|index| fails(&self.requests[*index])).collect();
        self.take_back(changes);
        failing
    }

    /// The values in which a set of symbols does it best; `None` when they do it with none.
    pub(crate) fn best_of(&mut self, symbols: &[Setting]) -> Option<Fix> {
        let given = self.given(symbols);
        let mut best = None;
        self.explore(&given, symbols.len() <= Self::MANY, &mut Vec::new(), &mut Vec::new(), &mut best);
        if symbols.len() > Self::MANY {
            best = best.map(|best| self.lowered(best));
        }
        best
    }

    /// Tries every value of what is left of `given`, or without `is_free` none but the given one.
    fn explore(
        &mut self,
        given: &[Given],
        is_free: bool,
        settings: &mut Vec<Setting>,
        changes: &mut Vec<Change>,
        best: &mut Option<Fix>,
    ) {
        let Some((first, rest)) = given.split_first() else {
            let fix = self.all_hold(settings).then(|| self.described(settings, changes));
            *best = better(best.take(), fix);
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
            self.explore(rest, is_free, settings, changes, best);
            if first.is_setting {
                settings.pop();
            }
            if let Some(change) = changes.pop() {
                self.values.undo(change);
            }
        }
    }

    /// Makes `m` what need not be `y`, one after the other.
    fn lowered(&mut self, mut best: Fix) -> Fix {
        for index in 0..best.settings.len() {
            let setting = &best.settings[index];
            let is_tristate = self.now.model().type_of(setting.symbol) == Type::Tristate;
            if !is_tristate || setting.value != "y" || self.request(setting.symbol).is_some() {
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

    /// Leaves out of settings that work what is not needed, as far as so many steps allow.
    pub(crate) fn reduced(&mut self, mut settings: Vec<Setting>, steps: u64) -> Option<Fix> {
        let until = self.effort.spent() + steps;
        let mut step = settings.len().div_ceil(2);
        while step > 0 {
            let mut at = 0;
            while at < settings.len() && self.effort.spent() < until {
                let end = (at + step).min(settings.len());
                let mut fewer = settings.clone();
                fewer.drain(at..end);
                if self.works(&fewer) { settings = fewer } else { at = end }
            }
            step = if step == 1 { 0 } else { step.div_ceil(2) };
        }
        self.best_of(&settings)
    }

    fn request(&self, symbol: SymbolId) -> Option<&'a Request> {
        self.requests.iter().find(|request| request.symbol == symbol)
    }

    /// Whether a request says what a setting of the symbol must be.
    fn is_bound(&self, symbol: SymbolId) -> bool {
        self.request(symbol).is_some_and(|request| request.firmness != Firmness::Optional)
    }

    /// The settings, and again the requests whose place behind them counts, in the order in which they are given.
    fn given(&self, settings: &[Setting]) -> Vec<Given> {
        let model = self.now.model();
        let setting =
            |setting: &Setting| Given { symbol: setting.symbol, value: setting.value.clone(), is_setting: true };
        let mut given: Vec<Given> = settings.iter().map(setting).collect();
        let choices: BTreeSet<_> = given.iter().filter_map(|one| model.choice_of(one.symbol)).collect();
        // Of the members of a choice the last one counts, and requests are given in the order of their names.
        for request in self.requests {
            let is_near = model.choice_of(request.symbol).is_some_and(|choice| choices.contains(&choice));
            if is_near && settings.iter().all(|setting| setting.symbol != request.symbol) {
                given.push(Given { symbol: request.symbol, value: request.value.clone(), is_setting: false });
            }
        }
        given.sort_by_cached_key(|one| model.name(one.symbol).into_owned());
        given
    }

    /// Gives the settings; `None` when a value is refused.
    fn apply(&mut self, settings: &[Setting]) -> Option<Vec<Change>> {
        let mut changes = Vec::new();
        for one in self.given(settings) {
            match self.give(one.symbol, &one.value) {
                Some(change) => changes.push(change),
                None => {
                    self.take_back(changes);
                    return None;
                }
            }
        }
        Some(changes)
    }

    fn give(&mut self, symbol: SymbolId, value: &str) -> Option<Change> {
        let change = self.values.set(symbol, value).ok()?;
        // Once for the way there, once for the way back.
        self.effort.spend(2 + 2 * change.n_visited() as u64);
        Some(change)
    }

    fn take_back(&mut self, changes: Vec<Change>) {
        for change in changes.into_iter().rev() {
            self.values.undo(change);
        }
    }

    fn all_hold(&self, settings: &[Setting]) -> bool {
        let is_kept = |request: &Request| {
            let is_altered = settings.iter().any(|setting| setting.symbol == request.symbol);
            request.firmness == Firmness::Optional || is_altered || holds(&self.values, request)
        };
        settings.iter().all(|setting| has(&self.values, setting.symbol, &setting.value))
            && self.requests.iter().all(is_kept)
    }

    fn described(&self, settings: &[Setting], changes: &[Change]) -> Fix {
        let model = self.now.model();
        let mut seen = BTreeSet::new();
        let (mut raised, mut lowered) = (Vec::new(), Vec::new());
        let mut cost = Cost { size: settings.len(), ..Cost::default() };
        for symbol in changes.iter().flat_map(|change| change.changed().iter().copied()) {
            let (before, after) = (self.now.value_of(symbol), self.values.value_of(symbol));
            if before == after || model.stands_for_choice(symbol) || !seen.insert(symbol) {
                continue;
            }
            cost.n_moved += 1;
            let is_said = settings.iter().any(|setting| setting.symbol == symbol)
                || self.request(symbol).is_some_and(|request| request.firmness != Firmness::Optional);
            if is_said || !model.type_of(symbol).is_logic() {
                continue;
            }
            let is_raised = self.values.tristate(symbol) > self.now.tristate(symbol);
            if is_raised { &mut raised } else { &mut lowered }.push(symbol);
        }
        for request in self.requests.iter().filter(|request| request.firmness == Firmness::Optional) {
            cost.n_lost += usize::from(holds(self.now, request) && !holds(&self.values, request));
        }
        for setting in settings {
            let is_tristate = model.type_of(setting.symbol) == Type::Tristate;
            let is_logic = model.type_of(setting.symbol).is_logic();
            cost.asks_compile_test |= model.name(setting.symbol) == "COMPILE_TEST";
            cost.n_altered += usize::from(self.request(setting.symbol).is_some());
            cost.n_off += usize::from(is_logic && setting.value == "n");
            cost.n_built_in += usize::from(is_tristate && setting.value == "y");
        }
        let mut settings = settings.to_vec();
        settings.sort_by_key(|setting| model.name(setting.symbol).into_owned());
        debug_assert!(raised.iter().all(|symbol| self.values.tristate(*symbol) != Tristate::No));
        Fix { settings, cost, raised, lowered, instead: Vec::new(), is_smallest: false }
    }
}

/// The one that costs less; of two that cost the same, the one whose settings come first.
fn better(left: Option<Fix>, right: Option<Fix>) -> Option<Fix> {
    match (left, right) {
        (Some(left), Some(right)) if (right.cost, &right.settings) < (left.cost, &left.settings) => Some(right),
        (Some(left), _) => Some(left),
        (None, right) => right,
    }
}
