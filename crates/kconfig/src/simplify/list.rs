//! Joining of operands before 6.11: every operand of a list with every other, in both orders; and checks that only some
//! callers need.

use super::{Id, Node, Simplifier};
use crate::expression::Comparison;
use crate::model::SymbolId;

impl Simplifier<'_> {
    /// `expr_eq`; an absent one is `y`.
    pub(crate) fn is_same(&mut self, left: Option<Id>, right: Option<Id>) -> bool {
        match (left, right) {
            (Some(left), Some(right)) => self.is_equal(left, right),
            (one, other) => one.or(other).is_none_or(|id| self.is_yes(id)),
        }
    }

    pub(crate) fn compare(&mut self, op: Comparison, left: SymbolId, right: SymbolId) -> Id {
        self.make(Node::Compare(op, left, right))
    }

    /// `expr_eliminate_dups` of an `&&` or `||` list.
    ///
    /// Quirk: constants are removed only when something was joined.
    pub(super) fn deduplicate_list(&mut self, id: Id) -> Id {
        let mut whole = id;
        loop {
            let (joined, changed) = self.join_list(whole);
            if !changed || self.is_exhausted() {
                self.deduplicated.insert(id, joined);
                return joined;
            }
            whole = self.without_constants(joined);
        }
    }

    /// `expr_eliminate_dups1` of a list with itself, once; returns whether anything was joined.
    fn join_list(&mut self, id: Id) -> (Id, bool) {
        let and = match self.node(id) {
            Node::And(..) => true,
            Node::Or(..) => false,
            _ => return (id, false),
        };
        if let Some(known) = self.joined.get(&id) {
            return *known;
        }
        let mut operands = Vec::new();
        self.flatten(and, id, &mut operands);
        let neutral = self.symbol(if and { SymbolId::YES } else { SymbolId::NO });
        let mut changed = false;
        for first in 0..operands.len() {
            for second in 0..operands.len() {
                if first == second {
                    continue;
                }
                let (inner, inner_changed) = self.join_list(operands[first]);
                operands[first] = inner;
                changed |= inner_changed;
                self.budget = self.budget.saturating_sub(1);
                if self.is_exhausted() {
                    return (id, false);
                }
                let pair = (operands[first], operands[second]);
                let joined = if and { self.join_and(pair.0, pair.1) } else { self.join_or(pair.0, pair.1) };
                if let Some(joined) = joined {
                    (operands[first], operands[second]) = (neutral, joined);
                    changed = true;
                }
            }
        }
        let mut result = operands[0];
        for operand in &operands[1..] {
            result = self.chain(and, result, *operand);
        }
        self.joined.insert(id, (result, changed));
        (result, changed)
    }

    fn flatten(&self, and: bool, id: Id, operands: &mut Vec<Id>) {
        match self.operands(and, id) {
            Some((left, right)) => {
                self.flatten(and, left, operands);
                self.flatten(and, right, operands);
            }
            None => operands.push(id),
        }
    }
}
