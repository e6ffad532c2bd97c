//! Gates over literals, with constants folded away, and the solver that gets their clauses.

use std::rc::Rc;

use batsat::Callbacks;
use batsat::clause::Kind;
use rustsat::encodings::card::{BoundUpper as _, BoundUpperIncremental as _, Totalizer};
use rustsat::instances::BasicVarManager;
use rustsat::instances::ManageVars as _;
use rustsat::solvers::{Solve as _, SolveIncremental as _, SolverResult};
use rustsat::types::{Clause, Lit, TernaryVal};
use rustsat_batsat::Solver;

use crate::budget::Spent;

/// The steps of one conflict of the solver, with the work that follows from it.
const CONFLICT: u64 = 100;

/// The literal that is always true; its negation is always false.
pub(crate) const TRUE: Lit = Lit::positive(0);

/// The answer of the solver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is an assignment; [`Circuit::is_true`] reads it.
    Yes,
    /// There is none: these assumptions contradict each other.
    No(Vec<Lit>),
    /// The budget is used up.
    Unknown,
}

/// A value of a `bool` or `tristate`: whether it is `y`, and whether it is `m` or `y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) yes: Lit,
    pub(crate) on: Lit,
}

/// The variables and clauses of one problem.
pub(crate) struct Circuit {
    solver: Solver<Watch>,
    variables: BasicVarManager,
    spent: Rc<Spent>,
}

/// Counts the work of the solver, and stops it when the budget is used up.
#[derive(Default)]
struct Watch {
    spent: Option<Rc<Spent>>,
}

impl Callbacks for Watch {
    /// Whether to stop; the solver calls it at each decision.
    fn stop(&self) -> bool {
        self.spent.as_ref().is_some_and(|spent| {
            spent.add(1);
            spent.is_all()
        })
    }

    /// Counts a conflict: each teaches a clause.
    fn on_new_clause(&mut self, learnt: &[batsat::Lit], _: Kind) {
        if let Some(spent) = &self.spent {
            spent.add(CONFLICT + learnt.len() as u64);
        }
    }
}

/// Counts how many literals are true.
#[derive(Debug, Default)]
pub(crate) struct Counter(Totalizer);

impl Pair {
    pub(crate) const NO: Pair = Pair { yes: Lit::negative(0), on: Lit::negative(0) };
    pub(crate) const MOD: Pair = Pair { yes: Lit::negative(0), on: TRUE };
    pub(crate) const YES: Pair = Pair { yes: TRUE, on: TRUE };

    pub(crate) fn negate(self) -> Pair {
        Pair { yes: !self.on, on: !self.yes }
    }

    /// Returns `y` where `bit` holds, `n` elsewhere.
    pub(crate) fn whole(bit: Lit) -> Pair {
        Pair { yes: bit, on: bit }
    }
}

impl Circuit {
    pub(crate) fn new(spent: Rc<Spent>) -> Circuit {
        let mut solver: Solver<Watch> = Solver::default();
        solver.batsat_mut().cb_mut().spent = Some(Rc::clone(&spent));
        let mut circuit = Circuit { solver, variables: BasicVarManager::default(), spent };
        let first = circuit.fresh();
        circuit.clause(&[first]);
        circuit
    }

    /// Whether the budget is used up.
    pub(crate) fn is_over(&self) -> bool {
        self.spent.is_all()
    }

    /// Returns a new variable.
    pub(crate) fn fresh(&mut self) -> Lit {
        self.spent.add(1);
        self.variables.new_lit()
    }

    /// Adds a clause: one of `literals` must hold.
    pub(crate) fn clause(&mut self, literals: &[Lit]) {
        let clause: Clause = literals.iter().copied().filter(|literal| *literal != !TRUE).collect();
        if !clause.iter().any(|literal| *literal == TRUE) || literals == [TRUE] {
            // The solver takes any clause.
            let _ = self.solver.add_clause(clause);
        }
    }

    pub(crate) fn and(&mut self, inputs: &[Lit]) -> Lit {
        let mut inputs: Vec<Lit> = inputs.iter().copied().filter(|input| *input != TRUE).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let clash = inputs.windows(2).any(|pair| pair[0] == !pair[1]);
        if clash || inputs.contains(&!TRUE) {
            return !TRUE;
        }
        match inputs.as_slice() {
            [] => TRUE,
            [only] => *only,
            _ => {
                let out = self.fresh();
                for input in &inputs {
                    self.clause(&[!out, *input]);
                }
                let mut all: Vec<Lit> = inputs.iter().map(|input| !*input).collect();
                all.push(out);
                self.clause(&all);
                out
            }
        }
    }

    pub(crate) fn or(&mut self, inputs: &[Lit]) -> Lit {
        let negated: Vec<Lit> = inputs.iter().map(|input| !*input).collect();
        !self.and(&negated)
    }

    /// Returns `condition ? then : other`.
    pub(crate) fn either(&mut self, condition: Lit, then: Lit, other: Lit) -> Lit {
        if then == other {
            return then;
        }
        if condition == TRUE {
            return then;
        }
        if condition == !TRUE {
            return other;
        }
        let left = self.and(&[condition, then]);
        let right = self.and(&[!condition, other]);
        self.or(&[left, right])
    }

    /// Returns the least of the values.
    pub(crate) fn least(&mut self, values: &[Pair]) -> Pair {
        let yes: Vec<Lit> = values.iter().map(|value| value.yes).collect();
        let on: Vec<Lit> = values.iter().map(|value| value.on).collect();
        Pair { yes: self.and(&yes), on: self.and(&on) }
    }

    /// Returns the greatest of the values.
    pub(crate) fn greatest(&mut self, values: &[Pair]) -> Pair {
        let yes: Vec<Lit> = values.iter().map(|value| value.yes).collect();
        let on: Vec<Lit> = values.iter().map(|value| value.on).collect();
        Pair { yes: self.or(&yes), on: self.or(&on) }
    }

    /// Returns `condition ? then : other`.
    pub(crate) fn choose(&mut self, condition: Lit, then: Pair, other: Pair) -> Pair {
        Pair { yes: self.either(condition, then.yes, other.yes), on: self.either(condition, then.on, other.on) }
    }

    /// Asks for an assignment in which all of `assumptions` hold.
    pub(crate) fn solve(&mut self, assumptions: &[Lit]) -> Answer {
        if self.is_over() {
            return Answer::Unknown;
        }
        let top = self.variables.n_used().saturating_sub(1);
        let _ = self.solver.reserve(rustsat::types::Var::new(top));
        match self.solver.solve_assumps(assumptions) {
            Ok(SolverResult::Sat) => Answer::Yes,
            Ok(SolverResult::Unsat) => {
                // The solver may return them negated.
                let core: Vec<u32> =
                    self.solver.core().unwrap_or_default().iter().map(|literal| literal.vidx32()).collect();
                let is_in = |literal: &Lit| core.contains(&literal.vidx32());
                Answer::No(assumptions.iter().copied().filter(is_in).collect())
            }
            _ => Answer::Unknown,
        }
    }

    /// Returns the value of a literal in the assignment that was found; a literal without a value is false.
    pub(crate) fn is_true(&self, literal: Lit) -> bool {
        match self.solver.lit_val(literal) {
            Ok(TernaryVal::True) => true,
            Ok(_) | Err(_) => false,
        }
    }
}

impl Counter {
    /// Adds literals to those that are counted.
    pub(crate) fn add(&mut self, literals: &[Lit]) {
        self.0.extend(literals.iter().copied());
    }

    /// Returns the assumptions under which at most `bound` of the literals are true.
    pub(crate) fn at_most(&mut self, bound: usize, circuit: &mut Circuit) -> Vec<Lit> {
        let Circuit { solver, variables, .. } = circuit;
        if self.0.encode_ub_change(bound..=bound, solver, variables).is_err() {
            return vec![!TRUE];
        }
        self.0.enforce_ub(bound).unwrap_or_else(|_| vec![!TRUE])
    }
}
