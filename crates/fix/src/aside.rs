//! Requests that cannot hold, and the reason for each.
//!
//! Requests that hold now stay. Of the rest, as many requests as possible are kept; each of the others is set aside, with a
//! smallest set of kept requests that it contradicts, which is empty when nothing makes it hold. A request that is set
//! aside is still applied, as it stays in the recipe.

use kiln_kconfig::SymbolId;
use rustsat::types::Lit;

use crate::SetAside;
use crate::circuit::{Answer, Circuit, Counter};

/// The largest number of demands of which all pairs are tried.
const MANY: usize = 40;

/// Something that must hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    pub(crate) of: Of,
    /// The literal that demands it.
    pub(crate) guard: Lit,
    /// The literal that frees the user's value of its symbol.
    pub(crate) given_up: Option<Lit>,
    /// Whether it holds without a fix.
    pub(crate) is_met: bool,
}

/// The origin of a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// A request, as an index into [`Problem::requests`](crate::Problem::requests).
    Request(usize),
    /// One of [`Problem::kept`](crate::Problem::kept).
    Kept(SymbolId),
}

/// Returns the demands that are set aside, with reasons; `None` when the budget is used up.
pub(crate) fn set_aside(circuit: &mut Circuit, demands: &[Demand]) -> Option<Vec<SetAside>> {
    let all: Vec<Lit> = demands.iter().map(|demand| demand.guard).collect();
    match circuit.solve(&all) {
        Answer::Yes => return Some(Vec::new()),
        Answer::Unknown => return None,
        Answer::No(_) => {}
    }
    let mut aside = Vec::new();
    let mut open = Vec::new();
    for demand in demands {
        match circuit.solve(&[demand.guard]) {
            Answer::Unknown => return None,
            // Whatever else holds.
            Answer::No(_) => aside.push(*demand),
            Answer::Yes => open.push(*demand),
        }
    }
    let n_alone = aside.len();
    let as_they_are: Vec<Lit> = demands.iter().filter_map(|demand| demand.given_up).map(|lit| !lit).collect();
    let (held, open): (Vec<Demand>, Vec<Demand>) = open.into_iter().partition(|demand| demand.is_met);
    let mut kept: Vec<Lit> = held.iter().map(|demand| demand.guard).collect();
    let chosen = most(circuit, &[kept.as_slice(), &as_they_are].concat(), &open)?;
    for (demand, is_chosen) in open.iter().zip(chosen) {
        if is_chosen {
            kept.push(demand.guard);
        } else {
            aside.push(*demand);
        }
    }
    let mut found = Vec::new();
    for (index, demand) in aside.iter().enumerate() {
        let Of::Request(request) = demand.of else { continue };
        let mut one = SetAside { request, requests: Vec::new(), kept: Vec::new(), is_smallest: true };
        if index >= n_alone {
            let others: Vec<(Of, Lit)> = demands
                .iter()
                .filter(|other| other.guard != demand.guard)
                .filter_map(|other| Some((other.of, is_kept(&kept, other).or(other.given_up.map(|lit| !lit))?)))
                .collect();
            let (with, is_smallest) = rivals(circuit, demand.guard, &others);
            one.is_smallest = is_smallest;
            for of in with {
                match of {
                    Of::Request(request) => one.requests.push(request),
                    Of::Kept(symbol) => one.kept.push(symbol),
                }
            }
        }
        found.push(one);
    }
    found.sort_by_key(|one| one.request);
    Some(found)
}

fn is_kept(kept: &[Lit], demand: &Demand) -> Option<Lit> {
    kept.contains(&demand.guard).then_some(demand.guard)
}

/// Returns, by demand, whether it is among the most that hold together with `base`; `None` when the budget is used up.
fn most(circuit: &mut Circuit, base: &[Lit], open: &[Demand]) -> Option<Vec<bool>> {
    let mut counter = Counter::default();
    counter.add(&open.iter().map(|demand| !demand.guard).collect::<Vec<Lit>>());
    for bound in 0..open.len() {
        let mut assumptions = base.to_vec();
        assumptions.extend(counter.at_most(bound, circuit));
        match circuit.solve(&assumptions) {
            Answer::Unknown => return None,
            Answer::No(_) => continue,
            Answer::Yes => {}
        }
        let mut chosen: Vec<bool> = open.iter().map(|demand| circuit.is_true(demand.guard)).collect();
        // The solver may leave a guard open that holds too.
        for index in 0..open.len() {
            if chosen[index] {
                continue;
            }
            let more = open.iter().zip(&chosen).filter(|(_, is_chosen)| **is_chosen).map(|(demand, _)| demand.guard);
            let assumptions: Vec<Lit> = base.iter().copied().chain(more).chain([open[index].guard]).collect();
            match circuit.solve(&assumptions) {
                Answer::Unknown => return None,
                answer => chosen[index] = answer == Answer::Yes,
            }
        }
        return Some(chosen);
    }
    Some(vec![false; open.len()])
}

/// Returns a smallest set of `others` that contradicts `guard`, and whether it is known to be the smallest.
fn rivals(circuit: &mut Circuit, guard: Lit, others: &[(Of, Lit)]) -> (Vec<Of>, bool) {
    if others.len() <= MANY {
        for (of, other) in others {
            if let Answer::No(_) = circuit.solve(&[guard, *other]) {
                return (vec![*of], true);
            }
        }
    }
    let mut set: Vec<Lit> = others.iter().map(|(_, lit)| *lit).collect();
    let mut at = 0;
    while at < set.len() {
        let mut fewer = set.clone();
        fewer.remove(at);
        let assumptions: Vec<Lit> = fewer.iter().copied().chain([guard]).collect();
        match circuit.solve(&assumptions) {
            Answer::No(core) => {
                set.retain(|lit| core.contains(lit));
                // A literal that was found to be necessary before is still necessary.
                at = at.min(set.len());
            }
            Answer::Yes | Answer::Unknown => at += 1,
        }
    }
    let is_smallest = !circuit.is_over() && (set.len() <= 1 || set.len() == 2 && others.len() <= MANY);
    (others.iter().filter(|(_, lit)| set.contains(lit)).map(|(of, _)| *of).collect(), is_smallest)
}
