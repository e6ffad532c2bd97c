//! The side effects of a fix that turn symbols off, and the requests that would prevent them.

use std::cmp::Reverse;
use std::rc::Rc;

use kiln_kconfig::{Model, SymbolId};

use crate::budget::Spent;
use crate::goal::Goal;
use crate::level::n_readers;
use crate::trial::Trial;
use crate::{Budget, Fix, Problem, SetAside, Setting};

/// The requests with which a fix turns off less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// The requests, each with the value before the fix; the core of the kernel first, and of it the one that keeps most.
    pub settings: Vec<Setting>,
    /// Symbols that the fix turns off or lowers with them too, in the order of importance, without what becomes `m` because the
    /// fix enables modules.
    pub left: Vec<SymbolId>,
    /// Symbols that the fix turns off or lowers without them, in the order of importance: symbols with a prompt first, of
    /// these the core of the kernel before drivers, and of these those that most others depend on.
    pub lowered: Vec<SymbolId>,
}

/// Finds requests that keep what a fix turns off, each tried with the fix and those before it.
pub fn pins(problem: &Problem<'_, '_>, set_aside: &[SetAside], fix: &Fix) -> Pins {
    if fix.lowered.is_empty() {
        return Pins::default();
    }
    let model = problem.now.model();
    let goals = Goal::all(model, problem.requests);
    let mut trial = Trial::new(problem, &goals, Rc::new(Spent::new(Budget::default())));
    trial.leave(set_aside);
    let mut settings = fix.settings.clone();
    let lost = trial.lost_with(&settings).unwrap_or_default();
    let mut left = lost.clone();
    let mut kept: Vec<(usize, Setting)> = Vec::new();
    for symbol in lost {
        let has_request = goals.iter().any(|goal| goal.symbol == symbol);
        if has_request || !left.contains(&symbol) || model.prompt(symbol).is_none() {
            continue;
        }
        let pin = Setting { symbol, value: problem.now.value_of(symbol).into_owned() };
        settings.push(pin.clone());
        let fewer = trial.lost_with(&settings);
        let is_better = |fewer: &Vec<SymbolId>| fewer.len() < left.len() && fewer.iter().all(|one| left.contains(one));
        match fewer.filter(is_better) {
            Some(fewer) => {
                kept.push((left.len() - fewer.len(), pin));
                left = fewer;
            }
            None => drop(settings.pop()),
        }
    }
    kept.sort_by_cached_key(|(n_kept, pin)| {
        (is_driver(model, pin.symbol), Reverse(*n_kept), model.name(pin.symbol).into_owned())
    });
    let n_readers = n_readers(model);
    let sorted = |mut symbols: Vec<SymbolId>| {
        symbols.sort_by_cached_key(|symbol| {
            let n = n_readers.get(symbol).copied().unwrap_or(0);
            let is_hidden = model.prompt(*symbol).is_none();
            (is_hidden, is_driver(model, *symbol), Reverse(n), model.name(*symbol).into_owned())
        });
        symbols
    };
    Pins {
        settings: kept.into_iter().map(|(_, pin)| pin).collect(),
        left: sorted(left),
        lowered: sorted(fix.lowered.clone()),
    }
}

/// Whether a symbol is a driver's.
fn is_driver(model: &Model, symbol: SymbolId) -> bool {
    let is_below = |file: &str| file.starts_with("drivers/") || file.starts_with("sound/");
    model.definitions(symbol).next().is_some_and(|definition| is_below(&definition.place.file))
}
