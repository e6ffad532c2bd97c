//! Which settings a search admits: first plain ones of little harm, then more.
//!
//! A setting's harm is measured alone, before the search for symbols that many others read, and later where a fix turns
//! out to harm more than its parts. That is a guess, since settings act together; it decides what is tried first, while
//! the cost of a fix is always measured as a whole.

use std::collections::{BTreeMap, BTreeSet};

use kiln_kconfig::{Model, SymbolId, Tristate, Type};
use rustsat::types::Lit;

use crate::Setting;
use crate::circuit::Pair;
use crate::encoding::{Encoding, To};
use crate::harm::{FIRST, SECOND};
use crate::plain::is_switch;
use crate::trial::Trial;
use crate::{Cost, Fix};

/// The number of readers from which on a symbol's harm is measured before the search.
const MANY_READERS: usize = 16;

/// The literals that forbid kinds of settings.
pub(crate) struct Levels {
    /// No setting that moves as much as [`FIRST`].
    is_light: Lit,
    /// No setting that moves as much as [`SECOND`].
    is_bearable: Lit,
    /// No symbol is turned on by a detour.
    is_plain: Lit,
    /// No switch for tests is turned on.
    is_real: Lit,
    /// Optional requests that hold still do.
    keeps_optional: Vec<Lit>,
    /// The settings whose harm is known to be large.
    heavy: BTreeSet<(SymbolId, String)>,
}

/// The settings that are admitted, from few to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Light,
    Bearable,
    Foreign,
    Drastic,
    Tests,
    All,
}

/// The sets among which is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those that a level admits.
    Level(Level),
    /// Those that can be better than a fix of this cost: their parts alone do not make them worse.
    NotWorse(Cost),
}

impl Level {
    pub(crate) const EACH: [Level; 6] =
        [Level::Light, Level::Bearable, Level::Foreign, Level::Drastic, Level::Tests, Level::All];

    /// Whether a fix with this cost is as good as a fix of the next levels can be expected to be.
    pub(crate) fn is_content(self, cost: &Cost) -> bool {
        let is_kept = cost.n_lost == 0;
        match self {
            Level::Light => is_kept && !cost.asks_tests && cost.n_foreign == 0 && cost.grade == 0,
            Level::Bearable => is_kept && !cost.asks_tests && cost.n_foreign == 0 && !cost.is_drastic,
            Level::Foreign => is_kept && !cost.asks_tests && !cost.is_drastic,
            Level::Drastic => is_kept && !cost.asks_tests,
            Level::Tests => is_kept,
            Level::All => true,
        }
    }
}

impl Levels {
    /// Measures the symbols that many others read.
    pub(crate) fn new(encoding: &mut Encoding<'_, '_>, trial: &mut Trial<'_, '_>, optional: Vec<Lit>) -> Levels {
        let [is_light, is_bearable, is_plain, is_real] = [(); 4].map(|()| encoding.circuit.fresh());
        let heavy = BTreeSet::new();
        let mut levels = Levels { is_light, is_bearable, is_plain, is_real, keeps_optional: optional, heavy };
        let model = trial.model();
        let n_readers = n_readers(model);
        let symbols: Vec<SymbolId> = encoding.setters.keys().copied().collect();
        for symbol in symbols {
            if !model.type_of(symbol).is_logic() {
                continue;
            }
            if let Some(is_on) = encoding.sets_on(symbol) {
                if !trial.is_plain(symbol) {
                    encoding.circuit.clause(&[!is_plain, !is_on]);
                }
                if is_switch(model, symbol) {
                    encoding.circuit.clause(&[!is_real, !is_on]);
                }
            }
            if n_readers.get(&symbol).is_some_and(|n| *n >= MANY_READERS) {
                let values: &[&str] =
                    if model.type_of(symbol) == Type::Tristate { &["y", "m", "n"] } else { &["y", "n"] };
                for value in values {
                    if trial.value_now(symbol).as_str() != *value {
                        let harm = trial.harm_of(symbol, value);
                        levels.forbid(encoding, &Setting { symbol, value: (*value).to_owned() }, harm);
                    }
                }
            }
        }
        levels
    }

    /// Returns the assumptions of a scope.
    pub(crate) fn assumptions(&self, scope: Scope) -> Vec<Lit> {
        let mut all = Vec::new();
        let level = match scope {
            Scope::Level(level) => level,
            Scope::NotWorse(cost) => {
                let is_kept = cost.n_lost == 0;
                if is_kept {
                    all.extend_from_slice(&self.keeps_optional);
                }
                if is_kept && !cost.asks_tests {
                    all.push(self.is_real);
                    if !cost.is_drastic && cost.n_foreign == 0 {
                        all.push(self.is_plain);
                    }
                }
                return all;
            }
        };
        let mut add = |until: Level, literals: &[Lit]| {
            if level < until {
                all.extend_from_slice(literals);
            }
        };
        add(Level::Bearable, &[self.is_light]);
        add(Level::Drastic, &[self.is_bearable]);
        add(Level::Foreign, &[self.is_plain]);
        add(Level::Tests, &[self.is_real]);
        add(Level::All, &self.keeps_optional);
        all
    }

    /// Measures what each setting of a fix contributes to its harm, so that the next sets do without the large ones.
    pub(crate) fn blame(&mut self, encoding: &mut Encoding<'_, '_>, trial: &mut Trial<'_, '_>, fix: &Fix) {
        if fix.cost.grade == 0 {
            return;
        }
        for (index, setting) in fix.settings.iter().enumerate() {
            let mut others = fix.settings.clone();
            others.remove(index);
            let harm = fix.cost.harm.saturating_sub(trial.harm_with(&others));
            if trial.value_now(setting.symbol).as_str() != setting.value {
                self.forbid(encoding, setting, harm);
            }
        }
    }

    /// Forbids a setting in the levels below its harm.
    fn forbid(&mut self, encoding: &mut Encoding<'_, '_>, setting: &Setting, harm: usize) {
        if harm < FIRST || !self.heavy.insert((setting.symbol, setting.value.clone())) {
            return;
        }
        let Some(literal) = encoding.sets_to(setting) else { return };
        encoding.circuit.clause(&[!self.is_light, !literal]);
        if harm >= SECOND {
            encoding.circuit.clause(&[!self.is_bearable, !literal]);
        }
    }
}

impl Encoding<'_, '_> {
    /// Returns the literal of a setting that turns a symbol on, or keeps it on.
    fn sets_on(&mut self, symbol: SymbolId) -> Option<Lit> {
        let (changed, to) = self.logic_setter(symbol)?;
        Some(self.circuit.and(&[changed, to.on]))
    }

    /// Returns the literal of a setting with a value.
    pub(crate) fn sets_to(&mut self, setting: &Setting) -> Option<Lit> {
        let (changed, to) = self.logic_setter(setting.symbol)?;
        Some(match setting.value.as_str() {
            "y" => self.circuit.and(&[changed, to.yes]),
            "m" => self.circuit.and(&[changed, to.on, !to.yes]),
            _ => self.circuit.and(&[changed, !to.on]),
        })
    }

    fn logic_setter(&self, symbol: SymbolId) -> Option<(Lit, Pair)> {
        let setter = self.setters.get(&symbol)?;
        match setter.to {
            To::Logic(to) => Some((setter.changed, to)),
            To::Text(_) => None,
        }
    }
}

impl Trial<'_, '_> {
    fn value_now(&self, symbol: SymbolId) -> Tristate {
        self.before().tristate(symbol)
    }
}

/// Returns how many symbols depend on a symbol, or take their default from it.
pub(crate) fn n_readers(model: &Model) -> BTreeMap<SymbolId, usize> {
    let mut counts = BTreeMap::new();
    for symbol in model.declared() {
        let defaults = model.defaults(symbol).flat_map(|default| [default.condition, Some(default.value)]);
        let parts: Vec<_> = defaults.chain([model.direct_dependency(symbol)]).flatten().collect();
        let read: BTreeSet<SymbolId> = parts.into_iter().flat_map(|part| model.symbols_in(part)).collect();
        for symbol in read {
            *counts.entry(symbol).or_default() += 1;
        }
    }
    counts
}
