//! The search for the least harmful set of settings, by clauses.
//!
//! Within a [`Level`], the bound on the number of settings rises from one. Settings that no proof has needed so far are
//! assumed to be absent, one by one; those that a proof needs are counted instead. So only a few of thousands are ever
//! counted, and the bound rises only when nothing but the bound is in the way. Where the fixes of a level are as good as
//! those of the next can be, the search is content; at the end it looks for smaller ones among all settings, which is the
//! proof that there are none.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kiln_kconfig::{SymbolId, Type};
use rustsat::types::Lit;

use crate::aside::{self, Demand, Of};
use crate::budget::Spent;
use crate::circuit::{Answer, Circuit, Counter, TRUE};
use crate::encoding::{Encoding, To};
use crate::goal::Goal;
use crate::harm::grade;
use crate::kinds;
use crate::level::{Level, Levels, Scope};
use crate::trial::Trial;
use crate::{Cost, Fix, Outcome, Problem, Setting, Solution};

/// The stack of the search, which recurses through conditions as deep as the tree nests them.
const STACK: usize = 512 << 20;

/// The number of sets of one level among which the best is chosen.
const N_SETS: usize = 64;

/// The steps for further sets of a level once one is known.
const MORE: u64 = 200_000;

/// The steps for the first set of a level.
const FIRST: u64 = 500_000;

/// The number of replacements that are tried for each setting of the best fix, where not all sets were tried.
const N_SWAPS: usize = 8;

/// The steps for reducing the first set that works when the budget is used up.
const REDUCING: u64 = 1_000_000;

/// The number of refused sets that are excluded exactly; after that, all their supersets are excluded too.
const N_EXACT: usize = 200;

/// Finds the least harmful set of further requests with which all requests hold that can.
pub fn fix(problem: &Problem<'_, '_>) -> Solution {
    let goals = Goal::all(problem.now.model(), problem.requests);
    if goals.iter().all(|goal| !goal.is_binding() || goal.holds(problem.now)) {
        return Solution { set_aside: Vec::new(), outcome: Outcome::Holds };
    }
    std::thread::scope(|scope| {
        let work =
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || Search::new(problem, &goals).run());
        match work.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(solution)) => solution,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => Solution { set_aside: Vec::new(), outcome: Outcome::NoMemory(STACK) },
        }
    })
}

struct Search<'a, 'm> {
    problem: &'a Problem<'a, 'm>,
    goals: &'a [Goal],
    spent: Rc<Spent>,
    encoding: Encoding<'a, 'm>,
    trial: Trial<'a, 'm>,
    /// All that must hold.
    demands: Vec<Demand>,
    /// The literals that demand what is not set aside.
    all: Vec<Lit>,
    /// By literal of a setter: whether it is counted instead of assumed to be absent.
    counted: BTreeMap<Lit, bool>,
    counter: Counter,
    found: Vec<Fix>,
    /// Whether a set was excluded of which a subset may work.
    is_coarse: bool,
    n_refused: usize,
}

/// The end of a search among the settings of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All sets were tried.
    Exhausted,
    /// All sets were tried of fewer settings than this.
    Until(usize),
    /// The steps of the level are used up, before all sets of this number of settings were tried.
    Late(usize),
    /// The budget is used up.
    CutShort,
}

impl<'a, 'm> Search<'a, 'm> {
    fn new(problem: &'a Problem<'a, 'm>, goals: &'a [Goal]) -> Search<'a, 'm> {
        let spent = Rc::new(Spent::new(problem.budget));
        let circuit = Circuit::new(Rc::clone(&spent));
        let mut encoding = Encoding::new(circuit, problem.now, goals);
        let mut demands = Vec::new();
        for goal in goals.iter().filter(|goal| goal.is_binding()) {
            let literal = encoding.holds(goal);
            let guard = encoding.circuit.fresh();
            encoding.circuit.clause(&[!guard, literal]);
            let given_up = encoding.given_up.get(&goal.symbol).copied();
            if let Some(given_up) = given_up {
                encoding.circuit.clause(&[!guard, !given_up]);
            }
            demands.push(Demand { of: Of::Request(goal.index), guard, given_up, is_met: goal.holds(problem.now) });
        }
        for symbol in problem.kept {
            let is_on = encoding.symbol(*symbol).on;
            let guard = encoding.circuit.fresh();
            encoding.circuit.clause(&[!guard, is_on]);
            demands.push(Demand { of: Of::Kept(*symbol), guard, given_up: None, is_met: true });
        }
        let trial = Trial::new(problem, goals, Rc::clone(&spent));
        Search {
            problem,
            goals,
            spent,
            encoding,
            trial,
            demands,
            all: Vec::new(),
            counted: BTreeMap::new(),
            counter: Counter::default(),
            found: Vec::new(),
            is_coarse: false,
            n_refused: 0,
        }
    }

    fn run(mut self) -> Solution {
        let mut solution = Solution { set_aside: Vec::new(), outcome: Outcome::OutOfTime(None) };
        let optional = self.optional();
        self.encoding.require_settings();
        let Some(set_aside) = aside::set_aside(&mut self.encoding.circuit, &self.demands) else { return solution };
        solution.set_aside = set_aside;
        let is_aside = |index: usize| solution.set_aside.iter().any(|one| one.request == index);
        for demand in &self.demands {
            match demand.of {
                Of::Request(index) if is_aside(index) => {
                    // It stays in the recipe as it is.
                    demand.given_up.iter().for_each(|given_up| self.encoding.circuit.clause(&[!*given_up]));
                    let goal = self.goals.iter().find(|goal| goal.index == index);
                    let setter = goal.and_then(|goal| self.encoding.setters.remove(&goal.symbol));
                    setter.iter().for_each(|setter| self.encoding.circuit.clause(&[!setter.changed]));
                }
                _ => self.all.push(demand.guard),
            }
        }
        self.trial.leave(&solution.set_aside);
        if self.trial.works(&[]) {
            solution.outcome = Outcome::Holds;
            return solution;
        }
        self.counted = self.encoding.setters.values().map(|setter| (setter.changed, false)).collect();
        let mut levels = Levels::new(&mut self.encoding, &mut self.trial, optional);
        solution.outcome = self.fixes(&mut levels);
        solution
    }

    /// Returns the literals by which optional requests that hold still do.
    fn optional(&mut self) -> Vec<Lit> {
        let logic = |goal: &&Goal| self.problem.now.model().type_of(goal.symbol).is_logic();
        let goals = self.goals.iter().filter(logic).filter(|goal| !goal.is_binding() && goal.holds(self.problem.now));
        goals.map(|goal| self.encoding.has(goal)).collect()
    }

    /// Searches level by level.
    fn fixes(&mut self, levels: &mut Levels) -> Outcome {
        let mut first = None;
        let mut is_cut_short = false;
        let mut proved = None;
        for level in Level::EACH {
            let scope = Scope::Level(level);
            let assumptions = [self.all.as_slice(), &levels.assumptions(scope)].concat();
            match self.encoding.circuit.solve(&assumptions) {
                Answer::No(_) => continue,
                Answer::Unknown => is_cut_short = true,
                Answer::Yes => {
                    first.get_or_insert_with(|| self.proposed());
                    let end = self.explore(levels, scope, None);
                    is_cut_short |= end == End::CutShort;
                    if level == Level::All {
                        proved = Some(end);
                    }
                }
            }
            if is_cut_short || self.best().is_some_and(|best| level.is_content(&best.cost)) {
                break;
            }
        }
        let Some(best) = self.best().cloned() else {
            let Some(first) = first else { return Outcome::OutOfTime(None) };
            // The first set works, but has much that is not needed.
            return match self.trial.reduced(first, REDUCING) {
                // Of all that the clauses allow, only this was not refused.
                Some(fix) if !is_cut_short => Outcome::Fixes(vec![fix]),
                known => Outcome::OutOfTime(known),
            };
        };
        let is_smallest = !is_cut_short && self.prove(levels, &best, proved);
        let model = self.problem.now.model();
        let mut found = std::mem::take(&mut self.found);
        // A proof may have found better ones.
        if let Some(best) = found.iter().min_by(|left, right| kinds::order(model, left, right)).cloned() {
            for fix in &mut found {
                fix.is_smallest = is_smallest && fix.cost.is_of_class(&best.cost) && fix.cost.size == best.cost.size;
            }
        }
        Outcome::Fixes(kinds::chosen(model, found, self.problem.n_wanted, &|symbol| self.trial.is_selector(symbol)))
    }

    fn best(&self) -> Option<&Fix> {
        let model = self.problem.now.model();
        self.found.iter().min_by(|left, right| kinds::order(model, left, right))
    }

    /// Whether no fix that harms as little as the best is smaller, and none harms less.
    fn prove(&mut self, levels: &mut Levels, best: &Fix, known: Option<End>) -> bool {
        let mut best = best.clone();
        let mut end = known;
        loop {
            let needed = needed(&best.cost);
            let is_proved = match end {
                Some(End::Exhausted) => true,
                Some(End::Until(size)) => needed.is_some_and(|needed| size >= needed),
                Some(End::Late(size)) => needed.is_some_and(|needed| size >= needed),
                Some(End::CutShort) | None => false,
            };
            if is_proved || matches!(end, Some(End::Late(_) | End::CutShort)) {
                return is_proved && !self.is_coarse && !self.encoding.is_approximate;
            }
            end = Some(self.explore(levels, Scope::NotWorse(best.cost), Some(needed.unwrap_or(usize::MAX))));
            if let Some(now) = self.best() {
                best = now.clone();
            }
        }
    }

    /// Looks for fixes in a scope, up to as many settings as `limit`, or as long as more may be better.
    fn explore(&mut self, levels: &mut Levels, scope: Scope, limit: Option<usize>) -> End {
        let n_before = self.found.len();
        let start = self.spent.steps();
        let mut until = start + FIRST;
        let mut bound = 1;
        loop {
            if limit.is_some_and(|limit| bound >= limit) {
                return End::Until(bound);
            }
            let news = &self.found[n_before..];
            if news.len() >= N_SETS || self.spent.steps() >= until {
                self.improve(levels, scope);
                return End::Late(bound);
            }
            let mut assumptions = self.assumptions(bound);
            assumptions.extend(levels.assumptions(scope));
            match self.encoding.circuit.solve(&assumptions) {
                Answer::Unknown => return End::CutShort,
                Answer::Yes => {
                    let settings = self.proposed();
                    if self.try_all(&settings) {
                        if let Some(fix) = self.found.last() {
                            levels.blame(&mut self.encoding, &mut self.trial, fix);
                        }
                        if self.found.len() == n_before + 1 {
                            until = self.spent.steps() + MORE;
                        }
                    }
                }
                Answer::No(core) => {
                    if self.count(&core) {
                        continue;
                    }
                    if !self.is_bound(bound, &core) {
                        return End::Exhausted;
                    }
                    bound += 1;
                    let news = &self.found[n_before..];
                    if limit.is_none() && self.is_enough(news, bound) {
                        return End::Until(bound);
                    }
                }
            }
        }
    }

    /// Whether sets of `bound` settings are neither better than those that are known nor alternatives to them.
    fn is_enough(&self, news: &[Fix], bound: usize) -> bool {
        let model = self.problem.now.model();
        let Some(best) = news.iter().min_by(|left, right| kinds::order(model, left, right)) else { return false };
        // One more than needed is an alternative, two more are none.
        let is_far = bound > best.cost.size + 1 || kinds::count(news) >= self.problem.n_wanted;
        is_far && needed(&best.cost).is_some_and(|needed| bound >= needed)
    }

    /// Whether a proof relies on the bound.
    fn is_bound(&mut self, bound: usize, core: &[Lit]) -> bool {
        let bounds = self.counter.at_most(bound, &mut self.encoding.circuit);
        core.iter().any(|literal| bounds.contains(literal))
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
    fn improve(&mut self, levels: &mut Levels, scope: Scope) {
        let until = self.spent.steps() + MORE;
        let mut before = None;
        loop {
            let Some(best) = self.best().cloned() else { return };
            if before.as_ref() == Some(&best.settings) {
                return;
            }
            let n_before = self.found.len();
            best.settings.iter().for_each(|setting| self.ask_directly(&best, setting.symbol, until));
            if self.found[n_before..].iter().any(|fix| fix.cost < best.cost) {
                continue;
            }
            for setting in &best.settings {
                self.swaps(&best, setting.symbol, &levels.assumptions(scope), until);
            }
            before = Some(best.settings);
        }
    }

    /// Asks the solver for sets with another symbol instead of one of the best.
    fn swaps(&mut self, best: &Fix, instead_of: SymbolId, level: &[Lit], until: u64) {
        let mut n_seen = 0;
        while n_seen < N_SWAPS && self.spent.steps() < until {
            let mut assumptions = self.assumptions(best.cost.size);
            assumptions.extend_from_slice(level);
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
                    self.try_all(&settings);
                }
            }
        }
    }

    /// Tries, instead of a symbol, the symbols that it selects and that can be set directly: a bus instead of a driver.
    fn ask_directly(&mut self, best: &Fix, instead_of: SymbolId, until: u64) {
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
                if self.trial.works(&settings) && self.try_all(&settings) {
                    break;
                }
            }
        }
    }

    /// Returns the assumptions: all requests, no setting that is not counted, and at most `bound` of those that are.
    fn assumptions(&mut self, bound: usize) -> Vec<Lit> {
        let mut assumptions = self.all.clone();
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

    /// Tries a set with all values, and keeps the best; returns whether there is one.
    fn try_all(&mut self, settings: &[Setting]) -> bool {
        let tried = self.trial.values_of(settings);
        for working in &tried.working {
            let clause: Vec<Lit> = working.iter().map(|setting| !self.literal(setting)).collect();
            self.encoding.circuit.clause(&clause);
        }
        match tried.best {
            Some(fix) => {
                self.leave_out(settings, false);
                self.found.push(fix);
                true
            }
            None if tried.works => {
                self.leave_out(settings, false);
                false
            }
            None => {
                self.n_refused += 1;
                // All logic values were tried.
                self.is_coarse |= settings.len() > Trial::MANY || self.n_refused > N_EXACT;
                self.leave_out(settings, self.n_refused > N_EXACT);
                false
            }
        }
    }

    /// Returns the literal of a setting with its value.
    fn literal(&mut self, setting: &Setting) -> Lit {
        match &self.encoding.setters[&setting.symbol].to {
            To::Text(values) => {
                let value = values.iter().find(|(text, _)| text == setting.value.as_bytes());
                value.map_or(self.encoding.setters[&setting.symbol].changed, |(_, literal)| *literal)
            }
            To::Logic(_) => self.encoding.sets_to(setting).unwrap_or(!TRUE),
        }
    }

    /// Excludes a set of symbols with all values, and with `supersets`, all sets that contain it.
    fn leave_out(&mut self, settings: &[Setting], supersets: bool) {
        let mut set: BTreeSet<Lit> = BTreeSet::new();
        let mut clause = Vec::new();
        for setting in settings {
            set.insert(self.encoding.setters[&setting.symbol].changed);
            let is_text = matches!(self.encoding.setters[&setting.symbol].to, To::Text(_));
            let changed = self.encoding.setters[&setting.symbol].changed;
            clause.push(if is_text { !self.literal(setting) } else { !changed });
        }
        if !supersets {
            clause.extend(self.counted.keys().copied().filter(|changed| !set.contains(changed)));
        }
        self.encoding.circuit.clause(&clause);
    }
}

/// Returns the number of settings from which on no set is better than a fix of this cost; `None` where one may be that
/// harms less, whatever its size.
fn needed(cost: &Cost) -> Option<usize> {
    let is_clean = cost.n_lost == 0 && !cost.asks_tests && cost.n_foreign == 0;
    // Each setting does some harm: sets of that many settings harm as much.
    (is_clean && grade(cost.size) == cost.grade).then_some(cost.size)
}
