//! Requests that cannot hold together.

use rustsat::types::Lit;

use crate::Outcome;
use crate::circuit::{Answer, Circuit};

/// The largest number of requests of which all pairs are tried.
const MANY: usize = 40;

/// Returns a smallest set of requests that contradicts itself; `core` is a set that does.
pub(crate) fn smallest(circuit: &mut Circuit, wanted: &[(usize, Lit)], core: &[Lit]) -> Outcome {
    let outcome = |set: &[Lit], is_smallest: bool| {
        let is_in = |(_, guard): &&(usize, Lit)| set.contains(guard);
        Outcome::Contradiction { requests: wanted.iter().filter(is_in).map(|(index, _)| *index).collect(), is_smallest }
    };
    for (_, guard) in wanted {
        if let Answer::No(_) = circuit.solve(&[*guard]) {
            return outcome(&[*guard], true);
        }
    }
    let mut set = core.to_vec();
    let mut at = 0;
    while at < set.len() {
        let mut fewer = set.clone();
        fewer.remove(at);
        match circuit.solve(&fewer) {
            Answer::No(core) => set.retain(|guard| core.contains(guard)),
            Answer::Yes | Answer::Unknown => at += 1,
        }
    }
    if set.len() <= 2 {
        return outcome(&set, !circuit.is_over());
    }
    if wanted.len() <= MANY {
        for (index, (_, one)) in wanted.iter().enumerate() {
            for (_, other) in &wanted[index + 1..] {
                if let Answer::No(_) = circuit.solve(&[*one, *other]) {
                    return outcome(&[*one, *other], true);
                }
            }
        }
    }
    let is_smallest = set.len() == 3 && wanted.len() <= MANY && !circuit.is_over();
    outcome(&set, is_smallest)
}
