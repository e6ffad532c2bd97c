//! The search for the smallest set of settings, by clauses.
//!
//! The bound on the number of settings rises from one. Settings that no proof has needed so far are assumed to be absent,
//! one by one; those that a proof needs are counted instead. So only a few of thousands are ever counted, and the bound
//! rises only when nothing but the bound is in the way.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kiln_kconfig::{SymbolId, Type};
use rustsat::types::Lit;

use crate::budget::Spent;
use crate::circuit::{Answer, Circuit, Counter};
use crate::contradiction;
use crate::encoding::{Encoding, To};
use crate::goal::Goal;
use crate::kinds;
use crate::trial::Trial;
use crate::{Fix, Outcome, Problem, Setting};

/// The stack of the search, which recurses through conditions as deep as the tree nests them.
const STACK: usize = 512 << 20;

/// The number of sets of one size among which the best is chosen.
const N_SETS: usize = 64;

/// The steps for further sets once one is known.
const MORE: u64 = 200_000;

/// The number of replacements that are tried for each setting of the best fix, where not all sets were tried.
const N_SWAPS: usize = 8;

/// The steps for reducing the first set that works when the budget is used up.
const REDUCING: u64 = 1_000_000;

/// The number of refused sets that are excluded exactly; after that, all their supersets are excluded too.
const N_EXACT: usize = 200;

/// Finds the smallest set of further requests with which all requests hold.
pub fn fix(problem: &Problem<'_, '_>) -> Outcome {
    let goals = Goal::all(problem.now.model(), problem.requests);
    if goals.iter().all(|goal| !goal.is_binding() || goal.holds(problem.now)) {
        return Outcome::Holds;
    }
    std::thread::scope(|scope| {
        let work =
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || Search::new(problem, &goals).run());
        match work.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => Outcome::NoMemory(STACK),
        }
    })
}

struct Search<'a, 'm> {
    problem: &'a Problem<'a, 'm>,
    spent: Rc<Spent>,
    encoding: Encoding<'a, 'm>,
    trial: Trial<'a, 'm>,
    /// By request that must hold: its index, and the literal that demands it.
    wanted: Vec<(usize, Lit)>,
    /// By literal of a setter: whether it is counted instead of assumed to be absent.
    counted: BTreeMap<Lit, bool>,
    counter: Counter,
    /// Whether a set was excluded of which a subset may work.
    is_coarse: bool,
    n_refused: usize,
}

impl<'a, 'm> Search<'a, 'm> {
    fn new(problem: &'a Problem<'a, 'm>, goals: &'a [Goal]) -> Search<'a, 'm> {
        let spent = Rc::new(Spent::new(problem.budget));
        let circuit = Circuit::new(Rc::clone(&spent));
        let mut encoding = Encoding::new(circuit, problem.now, goals);
        let mut wanted = Vec::new();
        for goal in goals.iter().filter(|goal| goal.is_binding()) {
            let literal = encoding.holds(goal);
            let guard = encoding.circuit.fresh();
            encoding.circuit.clause(&[!guard, literal]);
            if let Some(given_up) = encoding.given_up.get(&goal.symbol).copied() {
                encoding.circuit.clause(&[!guard, !given_up]);
            }
            wanted.push((goal.index, guard));
        }
        encoding.require_settings();
        let counted = encoding.setters.values().map(|setter| (setter.changed, false)).collect();
        let trial = Trial::new(problem.now, goals, Rc::clone(&spent));
        Search {
            problem,
            spent,
            encoding,
            trial,
            wanted,
            counted,
            counter: Counter::default(),
            is_coarse: false,
            n_refused: 0,
        }
    }

    fn run(mut self) -> Outcome {
        let all: Vec<Lit> = self.wanted.iter().map(|(_, guard)| *guard).collect();
        let first = match self.encoding.circuit.solve(&all) {
            Answer::Unknown => return Outcome::OutOfTime(None),
            Answer::No(core) => return contradiction::smallest(&mut self.encoding.circuit, &self.wanted, &core),
            Answer::Yes => self.proposed(),
        };
        let mut found: Vec<Fix> = Vec::new();
        let mut bound = 1;
        let mut until = None;
        let mut is_cut_short = false;
        loop {
            let is_late = until.is_some_and(|until| self.spent.steps() >= until);
            if found.len() >= N_SETS || is_late {
                break;
            }
            let assumptions = self.assumptions(bound, &all);
            match self.encoding.circuit.solve(&assumptions) {
                Answer::Unknown => {
                    is_cut_short = true;
                    break;
                }
                Answer::Yes => {
                    let settings = self.proposed();
                    if let Some(fix) = self.trial.best_of(&settings) {
                        let is_smallest = !self.is_coarse && !self.encoding.is_approximate;
                        let is_first_size = found.first().is_none_or(|first| first.cost.size == fix.cost.size);
                        until.get_or_insert_with(|| self.spent.steps() + MORE);
                        found.push(Fix { is_smallest: is_smallest && is_first_size, ..fix });
                        self.leave_out(&settings);
                    } else {
                        self.refuse(&settings);
                    }
                }
                Answer::No(core) => {
                    if self.count(&core) {
                        continue;
                    }
                    if core.iter().all(|literal| all.contains(literal)) {
                        break;
                    }
                    bound += 1;
                    // One more than needed is an alternative, two more are none.
                    let first = found.first().map(|first| first.cost.size);
                    if first.is_some_and(|first| bound > first + 1 || kinds::count(&found) >= self.problem.n_wanted) {
                        break;
                    }
                }
            }
        }
        if found.is_empty() {
            // The first set works, but has much that is not needed.
            return match self.trial.reduced(first, REDUCING) {
                // Of all that the clauses allow, only this was not refused.
                Some(fix) if !is_cut_short => Outcome::Fixes(vec![fix]),
                known => Outcome::OutOfTime(known),
            };
        }
        if found.len() >= N_SETS || until.is_some_and(|until| self.spent.steps() >= until) {
            self.improve(&mut found, &all);
        }
        Outcome::Fixes(kinds::chosen(self.problem.now.model(), found, self.problem.n_wanted))
    }

    /// Counts the settings that a proof needs and that were assumed to be absent; returns whether there were any.
    fn count(&mut self, core: &[Lit]) -> bool {
        let is_new = |new: &Lit| self.counted.get(new) == Some(&false);
        let news: Vec<Lit> = core.iter().map(|literal| !*literal).filter(is_new).collect();
        self.counter.add(&news);
        self.counted.extend(news.iter().map(|new| (*new, true)));
        !news.is_empty()
    }

    /// Looks for fixes that differ from the best in one symbol, as long as that improves it: not all sets of one size were
    /// tried.
    fn improve(&mut self, found: &mut Vec<Fix>, all: &[Lit]) {
        let until = self.spent.steps() + MORE;
        let mut before = None;
        loop {
            let model = self.problem.now.model();
            let Some(best) = found.iter().min_by(|left, right| kinds::order(model, left, right)).cloned() else {
                return;
            };
            if before.as_ref() == Some(&best.settings) {
                return;
            }
            let n_before = found.len();
            best.settings.iter().for_each(|setting| self.ask_directly(&best, setting.symbol, until, found));
            if found[n_before..].iter().any(|fix| fix.cost < best.cost) {
                continue;
            }
            for setting in &best.settings {
                self.swaps(&best, setting.symbol, all, until, found);
            }
            before = Some(best.settings);
        }
    }

    /// Asks the solver for sets with another symbol instead of one of the best.
    fn swaps(&mut self, best: &Fix, instead_of: SymbolId, all: &[Lit], until: u64, found: &mut Vec<Fix>) {
        let mut n_seen = 0;
        while n_seen < N_SWAPS && self.spent.steps() < until {
            let mut assumptions = self.assumptions(best.cost.size, all);
            for other in &best.settings {
                let changed = self.encoding.setters[&other.symbol].changed;
                assumptions.push(if other.symbol == instead_of { !changed } else { changed });
            }
            match self.encoding.circuit.solve(&assumptions) {
                Answer::No(core) if self.count(&core) => {}
                Answer::No(_) | Answer::Unknown => return,
                Answer::Yes => {
                    n_seen += 1;
                    let settings = self.proposed();
                    match self.trial.best_of(&settings) {
                        Some(fix) => {
                            found.push(Fix { is_smallest: best.is_smallest, ..fix });
                            self.leave_out(&settings);
                        }
                        None => self.refuse(&settings),
                    }
                }
            }
        }
    }

    /// Tries, instead of a symbol, the symbols that it selects and that can be set directly: a bus instead of a driver.
    fn ask_directly(&mut self, best: &Fix, instead_of: SymbolId, until: u64, found: &mut Vec<Fix>) {
        let model = self.problem.now.model();
        let is_known = |symbol: &SymbolId| {
            self.encoding.setters.contains_key(symbol) && model.selectors(*symbol).any(|line| line.by == instead_of)
        };
        let raised: Vec<SymbolId> = best.raised.iter().copied().filter(is_known).collect();
        for symbol in raised {
            let values: &[&str] = if model.type_of(symbol) == Type::Tristate { &["y", "m"] } else { &["y"] };
            for value in values {
                if self.spent.steps() >= until {
                    return;
                }
                let others = best.settings.iter().filter(|setting| setting.symbol != instead_of).cloned();
                let settings: Vec<Setting> = others.chain([Setting { symbol, value: (*value).to_owned() }]).collect();
                if let Some(fix) = self.trial.best_of(&settings) {
                    self.leave_out(&fix.settings);
                    found.push(Fix { is_smallest: best.is_smallest, ..fix });
                    break;
                }
            }
        }
    }

    /// Returns the assumptions: all requests, no setting that is not counted, and at most `bound` of those that are.
    fn assumptions(&mut self, bound: usize, all: &[Lit]) -> Vec<Lit> {
        let mut assumptions = all.to_vec();
        assumptions.extend(self.counter.at_most(bound, &mut self.encoding.circuit));
        assumptions.extend(self.counted.iter().filter(|(_, counted)| !**counted).map(|(changed, _)| !*changed));
        assumptions
    }

    /// Returns the settings in the assignment that was found.
    fn proposed(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (symbol, setter) in &self.encoding.setters {
            if !self.encoding.circuit.is_true(setter.changed) {
                continue;
            }
            let value = match &setter.to {
                To::Logic(pair) if self.encoding.circuit.is_true(pair.yes) => "y".to_owned(),
                To::Logic(pair) if self.encoding.circuit.is_true(pair.on) => "m".to_owned(),
                To::Logic(_) => "n".to_owned(),
                To::Text(values) => {
                    let value = values.iter().find(|(_, literal)| self.encoding.circuit.is_true(*literal));
                    value.map(|(text, _)| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
                }
            };
            settings.push(Setting { symbol: *symbol, value });
        }
        settings
    }

    fn changed(&self, settings: &[Setting]) -> Vec<Lit> {
        settings.iter().map(|setting| self.encoding.setters[&setting.symbol].changed).collect()
    }

    /// Excludes a set and all its supersets.
    fn leave_out(&mut self, settings: &[Setting]) {
        let clause: Vec<Lit> = self.changed(settings).into_iter().map(|changed| !changed).collect();
        self.encoding.circuit.clause(&clause);
    }

    /// Excludes a set with which the engine finds that not all requests hold.
    fn refuse(&mut self, settings: &[Setting]) {
        self.n_refused += 1;
        if self.n_refused > N_EXACT {
            self.is_coarse = true;
            self.leave_out(settings);
            return;
        }
        // All logic values were tried.
        self.is_coarse |= settings.len() > Trial::MANY;
        let set: BTreeSet<Lit> = self.changed(settings).into_iter().collect();
        let mut clause: Vec<Lit> = self.counted.keys().copied().filter(|changed| !set.contains(changed)).collect();
        for setting in settings {
            let setter = &self.encoding.setters[&setting.symbol];
            let text = match &setter.to {
                To::Text(values) => values.iter().find(|(text, _)| text == setting.value.as_bytes()),
                To::Logic(_) => None,
            };
            clause.push(!text.map_or(setter.changed, |(_, literal)| *literal));
        }
        self.encoding.circuit.clause(&clause);
    }
}
