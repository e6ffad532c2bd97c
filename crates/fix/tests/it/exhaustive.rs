//! The search for the best fix by trying every one, on the engine alone.

use kiln_fix::{Cost, Problem, SetAside, Setting, cost_of};
use kiln_kconfig::{Evaluation, Strength, SymbolId, Tristate, Type};

/// Returns the part of a cost by which the best fix is chosen.
pub(crate) fn order(cost: &Cost) -> impl Ord + use<> {
    (cost.n_lost, cost.asks_tests, cost.is_drastic, cost.n_foreign, cost.grade, cost.size)
}

/// Whether a symbol has a value; the numbers of these trees have one form each.
pub(crate) fn holds(values: &Evaluation<'_>, symbol: SymbolId, value: &str) -> bool {
    (values.model().type_of(symbol).is_logic() || values.is_written(symbol)) && values.value_of(symbol) == value
}

/// The result of an exhaustive search.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tried {
    /// The cost of the best.
    pub(crate) best: Option<Cost>,
    /// Whether all that may be better were tried.
    pub(crate) is_complete: bool,
}

/// Tries every set of settings in the order of size, up to `many` of one size.
pub(crate) fn by_trying(problem: &Problem<'_, '_>, set_aside: &[SetAside], many: usize) -> Tried {
    let (now, requests) = (problem.now, problem.requests);
    let model = now.model();
    let mut open: Vec<(SymbolId, Vec<String>)> = Vec::new();
    for symbol in model.declared() {
        let request = requests.iter().position(|request| request.symbol == model.name(symbol));
        if request.is_none() && model.prompts(symbol).next().is_none()
            || set_aside.iter().any(|one| Some(one.request) == request)
        {
            continue;
        }
        let request = request.map(|index| &requests[index]);
        let values: Vec<String> =
            match (request.map(|request| (request.strength, request.value.as_str())), model.type_of(symbol)) {
                (Some((Strength::Fixed, _)), _) => continue,
                (Some((Strength::Required, "m")), _) => vec!["y".to_owned()],
                (Some((Strength::Required, _)), _) => continue,
                (_, Type::Bool) => ["y", "n"].map(str::to_owned).to_vec(),
                (_, Type::Tristate) => ["y", "m", "n"].map(str::to_owned).to_vec(),
                (_, Type::String) => ["text", "other", "", "0", "1", "2", "3", "4"].map(str::to_owned).to_vec(),
                (_, Type::Int) => (-1..=6).map(|number| number.to_string()).collect(),
                _ => continue,
            };
        open.push((symbol, values));
    }
    let mut trying = Trying { problem, set_aside, values: now.clone(), whole: Vec::new(), best: None };
    for size in 0..=open.len() {
        if trying.best.is_some_and(|best| is_unbeaten(&best, size)) {
            break;
        }
        if n_sets(&open, size) > many {
            return Tried { best: trying.best, is_complete: false };
        }
        trying.sets(&open, size, &mut Vec::new());
    }
    Tried { best: trying.best, is_complete: true }
}

/// Whether no set of `size` settings can be better: each of them does some harm.
fn is_unbeaten(cost: &Cost, size: usize) -> bool {
    size > cost.size && cost.n_lost == 0 && !cost.asks_tests && cost.n_foreign == 0 && cost.grade == 0
}

/// Returns the number of sets of `size` symbols with values.
fn n_sets(open: &[(SymbolId, Vec<String>)], size: usize) -> usize {
    let mut counts = vec![1_usize];
    for (_, values) in open {
        counts.push(0);
        for at in (1..counts.len()).rev() {
            counts[at] += counts[at - 1] * values.len();
        }
    }
    counts[size]
}

struct Trying<'a, 'm> {
    problem: &'a Problem<'a, 'm>,
    set_aside: &'a [SetAside],
    values: Evaluation<'m>,
    /// The sets that work, no part of which does.
    whole: Vec<Vec<(SymbolId, String)>>,
    best: Option<Cost>,
}

impl Trying<'_, '_> {
    fn sets(&mut self, open: &[(SymbolId, Vec<String>)], size: usize, chosen: &mut Vec<(SymbolId, String)>) {
        if size == 0 {
            let has_part = self.whole.iter().any(|whole| whole.iter().all(|one| chosen.contains(one)));
            if !has_part && self.works(chosen) {
                let setting = |(symbol, value): &(SymbolId, String)| Setting { symbol: *symbol, value: value.clone() };
                let settings: Vec<Setting> = chosen.iter().map(setting).collect();
                let cost = cost_of(self.problem, self.set_aside, &settings).expect("it works");
                if self.best.is_none_or(|best| order(&cost) < order(&best)) {
                    self.best = Some(cost);
                }
                self.whole.push(chosen.clone());
            }
            return;
        }
        for (index, (symbol, texts)) in open.iter().enumerate() {
            if open.len() - index < size {
                return;
            }
            for text in texts {
                chosen.push((*symbol, text.clone()));
                self.sets(&open[index + 1..], size - 1, chosen);
                chosen.pop();
            }
        }
    }

    /// Whether all requests hold when they and the chosen settings are applied after the base, in the order of their names.
    fn works(&mut self, chosen: &[(SymbolId, String)]) -> bool {
        let model = self.values.model();
        let mut all: Vec<(SymbolId, String, bool)> = Vec::new();
        for (index, request) in self.problem.requests.iter().enumerate() {
            let requested = model.find(&request.symbol).expect("it is declared");
            let is_binding = !request.is_optional() && self.set_aside.iter().all(|one| one.request != index);
            if chosen.iter().all(|(symbol, _)| *symbol != requested) {
                all.push((requested, request.value.clone(), is_binding));
            }
        }
        for (symbol, value) in chosen {
            all.push((*symbol, value.clone(), true));
        }
        all.sort_by_key(|(symbol, ..)| model.name(*symbol));
        let mut changes = Vec::new();
        for (symbol, value, _) in &all {
            changes.push(self.values.set(*symbol, value).expect("the type takes it"));
        }
        let is_met =
            |(symbol, value, is_binding): &(SymbolId, String, bool)| !is_binding || holds(&self.values, *symbol, value);
        let is_on = |symbol: &SymbolId| self.values.tristate(*symbol) != Tristate::No;
        let works = all.iter().all(is_met) && self.problem.kept.iter().all(is_on);
        for change in changes.into_iter().rev() {
            self.values.undo(change);
        }
        works
    }
}
