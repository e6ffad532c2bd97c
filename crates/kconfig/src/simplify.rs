//! Expressions simplified as the C program does.
//!
//! No value depends on it; the text of messages does, and the nesting of entries in menus. Expressions are binary here
//! and equal ones are shared, as in the original (`expr.c`), so that every step can be cached. The work is bounded: a
//! chain that would take too long leaves the whole as written.

mod list;

use std::collections::BTreeMap;

use crate::expression::{Comparison, Expr, ExprId, Expressions};
use crate::model::{Model, SymbolId, Type};

/// Identifies an expression of a [`Simplifier`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Symbol(SymbolId),
    Not(Id),
    And(Id, Id),
    Or(Id, Id),
    Compare(Comparison, SymbolId, SymbolId),
}

pub(crate) struct Simplifier<'m> {
    model: &'m Model,
    nodes: Vec<Node>,
    ids: BTreeMap<Node, Id>,
    transformed: BTreeMap<Id, Id>,
    deduplicated: BTreeMap<Id, Id>,
    equal: BTreeMap<(Id, Id), bool>,
    /// Before 6.11: lists whose operands were joined, and whether that changed any.
    joined: BTreeMap<Id, (Id, bool)>,
    /// Steps that may still be taken.
    budget: usize,
    /// Names of bools that are compared with `m`, and the replacement of the comparison.
    pub(crate) forced: Vec<(SymbolId, char)>,
}

const BUDGET: usize = 200_000_000;
/// A longer chain would need as many stack frames.
const MAX_CHAIN: usize = 4000;

impl<'m> Simplifier<'m> {
    pub(crate) fn new(model: &'m Model) -> Simplifier<'m> {
        Simplifier {
            model,
            nodes: Vec::new(),
            ids: BTreeMap::new(),
            transformed: BTreeMap::new(),
            deduplicated: BTreeMap::new(),
            equal: BTreeMap::new(),
            joined: BTreeMap::new(),
            budget: BUDGET,
            forced: Vec::new(),
        }
    }

    /// Whether the budget is spent; results are then not simplified.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.budget == 0
    }

    pub(crate) fn symbol(&mut self, symbol: SymbolId) -> Id {
        self.make(Node::Symbol(symbol))
    }

    pub(crate) fn and_maybe(&mut self, left: Option<Id>, right: Option<Id>) -> Option<Id> {
        match (left, right) {
            (Some(left), Some(right)) => Some(self.make(Node::And(left, right))),
            (one, None) | (None, one) => one,
        }
    }

    /// Imports an expression as it is written; a bare `m` is joined with the modules symbol.
    pub(crate) fn import(&mut self, expressions: &Expressions, id: ExprId) -> Id {
        match expressions.get(id) {
            Expr::Symbol(SymbolId::MOD) => {
                let (module, modules) = (self.symbol(SymbolId::MOD), self.symbol(self.model.modules));
                self.make(Node::And(module, modules))
            }
            Expr::Symbol(symbol) => self.symbol(symbol),
            Expr::Compare(op, left, right) => self.make(Node::Compare(op, left, right)),
            Expr::Not(operand) => {
                let operand = self.import(expressions, operand);
                self.make(Node::Not(operand))
            }
            Expr::And(operands) | Expr::Or(operands) => {
                let and = matches!(expressions.get(id), Expr::And(_));
                if operands.len() > MAX_CHAIN {
                    self.budget = 0;
                    return self.symbol(SymbolId::YES);
                }
                let mut whole = self.import(expressions, operands[0]);
                for operand in &operands[1..] {
                    let operand = self.import(expressions, *operand);
                    whole = self.chain(and, whole, operand);
                }
                whole
            }
        }
    }

    /// Exports a result to an arena.
    pub(crate) fn export(&self, id: Id, expressions: &mut Expressions, known: &mut BTreeMap<Id, ExprId>) -> ExprId {
        if let Some(known) = known.get(&id) {
            return *known;
        }
        let exported = match self.node(id) {
            Node::Symbol(symbol) => expressions.symbol(symbol),
            Node::Compare(op, left, right) => expressions.compare(op, left, right),
            Node::Not(operand) => {
                let operand = self.export(operand, expressions, known);
                expressions.not(operand)
            }
            Node::And(left, right) => {
                let operands = [self.export(left, expressions, known), self.export(right, expressions, known)];
                expressions.and(&operands)
            }
            Node::Or(left, right) => {
                let operands = [self.export(left, expressions, known), self.export(right, expressions, known)];
                expressions.or(&operands)
            }
        };
        known.insert(id, exported);
        exported
    }

    /// `expr_transform`: comparisons of bools with constants become plain symbols, `!` moves to the leaves.
    pub(crate) fn transform(&mut self, id: Id) -> Id {
        if let Some(known) = self.transformed.get(&id) {
            return *known;
        }
        let n_forced = self.forced.len();
        let result = match self.node(id) {
            Node::Symbol(_) => id,
            Node::Compare(op, left, right) => self.transform_comparison(id, op, left, right),
            Node::And(left, right) => {
                let (left, right) = (self.transform(left), self.transform(right));
                self.make(Node::And(left, right))
            }
            Node::Or(left, right) => {
                let (left, right) = (self.transform(left), self.transform(right));
                self.make(Node::Or(left, right))
            }
            Node::Not(operand) => {
                let operand = self.transform(operand);
                self.transform_not(operand)
            }
        };
        // A result with messages is not cached: they are repeated each time.
        if self.forced.len() == n_forced {
            self.transformed.insert(id, result);
        }
        result
    }

    fn transform_comparison(&mut self, id: Id, op: Comparison, left: SymbolId, right: SymbolId) -> Id {
        if self.model.symbol(left).type_ != Type::Bool {
            return id;
        }
        let plain = self.make(Node::Symbol(left));
        match (op, right) {
            (Comparison::Equal, SymbolId::YES) | (Comparison::Unequal, SymbolId::NO) => plain,
            (Comparison::Equal, SymbolId::NO) | (Comparison::Unequal, SymbolId::YES) => self.make(Node::Not(plain)),
            (Comparison::Equal, SymbolId::MOD) => {
                self.forced.push((left, 'n'));
                self.symbol(SymbolId::NO)
            }
            (Comparison::Unequal, SymbolId::MOD) => {
                self.forced.push((left, 'y'));
                self.symbol(SymbolId::YES)
            }
            _ => id,
        }
    }

    /// `!` of an operand that is already transformed.
    fn transform_not(&mut self, operand: Id) -> Id {
        match self.node(operand) {
            Node::Not(inner) => inner,
            Node::Compare(op, left, right) => self.make(Node::Compare(op.inverse(), left, right)),
            Node::And(left, right) | Node::Or(left, right) => {
                let is_or = matches!(self.node(operand), Node::Or(..));
                let (left, right) = (self.make(Node::Not(left)), self.make(Node::Not(right)));
                let whole = self.chain(is_or, left, right);
                self.transform(whole)
            }
            Node::Symbol(SymbolId::YES) => self.symbol(SymbolId::NO),
            Node::Symbol(SymbolId::MOD) => operand,
            Node::Symbol(SymbolId::NO) => self.symbol(SymbolId::YES),
            Node::Symbol(_) => self.make(Node::Not(operand)),
        }
    }

    /// `expr_eliminate_dups`: joins redundant operands until nothing changes.
    pub(crate) fn deduplicate(&mut self, id: Id) -> Id {
        if let Some(known) = self.deduplicated.get(&id) {
            return *known;
        }
        if self.model.dialect.choice_values {
            return self.deduplicate_list(id);
        }
        let mut whole = id;
        loop {
            let mut n_joined = 0;
            if let Node::And(left, right) | Node::Or(left, right) = self.node(whole) {
                let and = matches!(self.node(whole), Node::And(..));
                let (left, right) = (self.deduplicate(left), self.deduplicate(right));
                let (left, right) = self.join_lists(and, left, right, &mut n_joined);
                whole = self.chain(and, left, right);
            }
            whole = self.without_constants(whole);
            if n_joined == 0 || self.is_exhausted() {
                break;
            }
        }
        self.deduplicated.insert(id, whole);
        whole
    }

    /// `expr_eliminate_dups1`: every operand on the left against every one on the right.
    fn join_lists(&mut self, and: bool, left: Id, right: Id, n_joined: &mut usize) -> (Id, Id) {
        if let Some((a, b)) = self.operands(and, left) {
            let (a, right) = self.join_lists(and, a, right, n_joined);
            let (b, right) = self.join_lists(and, b, right, n_joined);
            return (self.chain(and, a, b), right);
        }
        if let Some((a, b)) = self.operands(and, right) {
            let (left, a) = self.join_lists(and, left, a, n_joined);
            let (left, b) = self.join_lists(and, left, b, n_joined);
            return (left, self.chain(and, a, b));
        }
        self.budget = self.budget.saturating_sub(1);
        if self.is_exhausted() {
            return (left, right);
        }
        let joined = if and { self.join_and(left, right) } else { self.join_or(left, right) };
        match joined {
            Some(joined) => {
                *n_joined += 1;
                (self.symbol(if and { SymbolId::YES } else { SymbolId::NO }), joined)
            }
            None => (left, right),
        }
    }

    /// `expr_eliminate_yn`.
    ///
    /// Quirk: since 6.11 an operand that becomes simpler is taken only when it decides the whole.
    fn without_constants(&mut self, id: Id) -> Id {
        self.budget = self.budget.saturating_sub(1);
        let (left, right, and) = match self.node(id) {
            Node::And(left, right) => (left, right, true),
            Node::Or(left, right) => (left, right, false),
            _ => return id,
        };
        let (left, right) = (self.without_constants(left), self.without_constants(right));
        let (absorbing, neutral) = if and { (SymbolId::NO, SymbolId::YES) } else { (SymbolId::YES, SymbolId::NO) };
        for (one, other) in [(left, right), (right, left)] {
            match self.node(one) {
                Node::Symbol(symbol) if symbol == absorbing => return one,
                Node::Symbol(symbol) if symbol == neutral => return other,
                _ => {}
            }
        }
        if self.model.dialect.choice_values { self.chain(and, left, right) } else { id }
    }

    /// `expr_eq`: equal up to the order of operands.
    fn is_equal(&mut self, left: Id, right: Id) -> bool {
        if left == right {
            return true;
        }
        match (self.node(left), self.node(right)) {
            (Node::Not(left), Node::Not(right)) => self.is_equal(left, right),
            (Node::And(..), Node::And(..)) | (Node::Or(..), Node::Or(..)) => {
                if let Some(known) = self.equal.get(&(left, right)) {
                    return *known;
                }
                let (a, b) = self.without_common(left, right);
                let same = a == b && matches!(self.node(a), Node::Symbol(_));
                self.equal.insert((left, right), same);
                same
            }
            _ => false,
        }
    }

    /// `expr_eliminate_eq`: removes the operands that both have.
    pub(crate) fn without_common(&mut self, left: Id, right: Id) -> (Id, Id) {
        let (mut left, mut right) = (left, right);
        match self.node(left) {
            Node::And(..) => (left, right) = self.common_lists(true, left, right),
            Node::Or(..) => (left, right) = self.common_lists(false, left, right),
            _ => {}
        }
        match (self.node(left), self.node(right)) {
            (Node::And(..), Node::And(..)) | (Node::Or(..), Node::Or(..)) => {}
            (_, Node::And(..)) => (left, right) = self.common_lists(true, left, right),
            (_, Node::Or(..)) => (left, right) = self.common_lists(false, left, right),
            _ => {}
        }
        (self.without_constants(left), self.without_constants(right))
    }

    fn common_lists(&mut self, and: bool, left: Id, right: Id) -> (Id, Id) {
        if let Some((a, b)) = self.operands(and, left) {
            let (a, right) = self.common_lists(and, a, right);
            let (b, right) = self.common_lists(and, b, right);
            return (self.chain(and, a, b), right);
        }
        if let Some((a, b)) = self.operands(and, right) {
            let (left, a) = self.common_lists(and, left, a);
            let (left, b) = self.common_lists(and, left, b);
            return (left, self.chain(and, a, b));
        }
        self.budget = self.budget.saturating_sub(1);
        let is_constant = matches!(self.node(left), Node::Symbol(SymbolId::YES | SymbolId::NO));
        if (is_constant && left == right) || self.is_exhausted() || !self.is_equal(left, right) {
            return (left, right);
        }
        let neutral = self.symbol(if and { SymbolId::YES } else { SymbolId::NO });
        (neutral, neutral)
    }

    /// The symbol that both operands refer to, so that they can be joined.
    fn common_symbol(&self, left: Id, right: Id) -> Option<(SymbolId, Type)> {
        let of = |id| match self.node(id) {
            Node::Symbol(symbol) => Some(symbol),
            Node::Compare(Comparison::Equal | Comparison::Unequal, symbol, _) => Some(symbol),
            _ => None,
        };
        let first = match self.node(left) {
            Node::Not(inner) => of(inner)?,
            _ => of(left)?,
        };
        let second = match self.node(right) {
            Node::Not(inner) => match self.node(inner) {
                Node::Symbol(symbol) => symbol,
                _ => return None,
            },
            _ => of(right)?,
        };
        let type_ = self.model.symbol(first).type_;
        (first == second && type_.is_logic()).then_some((first, type_))
    }

    /// The constant that a tristate is compared with by `op`.
    fn compared(&self, id: Id, op: Comparison) -> Option<SymbolId> {
        match self.node(id) {
            Node::Compare(found, _, right) if found == op => Some(right),
            _ => None,
        }
    }

    fn join_or(&mut self, left: Id, right: Id) -> Option<Id> {
        if self.is_equal(left, right) {
            return Some(left);
        }
        let (symbol, type_) = self.common_symbol(left, right)?;
        if type_ == Type::Tristate {
            let pair = (self.compared(left, Comparison::Equal)?, self.compared(right, Comparison::Equal)?);
            let rest = remaining(pair)?;
            return Some(self.make(Node::Compare(Comparison::Unequal, symbol, rest)));
        }
        let is_not = |id| matches!(self.node(id), Node::Not(inner) if matches!(self.node(inner), Node::Symbol(_)));
        let is_symbol = |id| matches!(self.node(id), Node::Symbol(_));
        let both = (is_not(left) && is_symbol(right)) || (is_not(right) && is_symbol(left));
        both.then(|| self.symbol(SymbolId::YES))
    }

    fn join_and(&mut self, left: Id, right: Id) -> Option<Id> {
        if self.is_equal(left, right) {
            return Some(left);
        }
        let (symbol, type_) = self.common_symbol(left, right)?;
        for (one, other) in [(left, right), (right, left)] {
            if !matches!(self.node(one), Node::Symbol(_)) {
                continue;
            }
            let is = Node::Compare(Comparison::Equal, symbol, SymbolId::YES);
            match self.node(other) {
                Node::Compare(Comparison::Equal, _, SymbolId::YES)
                | Node::Compare(Comparison::Unequal, _, SymbolId::MOD) => return Some(self.make(is)),
                Node::Compare(Comparison::Unequal, _, SymbolId::NO) => return Some(one),
                _ => {}
            }
        }
        if type_ != Type::Tristate {
            return None;
        }
        for (one, other) in [(left, right), (right, left)] {
            let pair = (self.compared(one, Comparison::Equal), self.compared(other, Comparison::Unequal));
            if let (Some(is), Some(is_not)) = pair
                && self.is_constant(is)
                && self.is_constant(is_not)
            {
                return Some(if is == is_not { self.symbol(SymbolId::NO) } else { one });
            }
        }
        let pair = (self.compared(left, Comparison::Unequal)?, self.compared(right, Comparison::Unequal)?);
        let rest = remaining(pair)?;
        Some(self.make(Node::Compare(Comparison::Equal, symbol, rest)))
    }

    fn is_constant(&self, symbol: SymbolId) -> bool {
        self.model.symbol(symbol).kind == crate::model::SymbolKind::Constant
    }

    /// `expr_trans_compare` with `n`: the expression for whether it is (not) `n`.
    pub(crate) fn compared_to_n(&mut self, id: Option<Id>, op: Comparison) -> Id {
        let Some(id) = id else {
            let no = self.symbol(SymbolId::NO);
            return if op == Comparison::Unequal { self.make(Node::Not(no)) } else { no };
        };
        match self.node(id) {
            Node::Symbol(symbol) => self.make(Node::Compare(op, symbol, SymbolId::NO)),
            Node::Not(operand) => self.compared_to_n(Some(operand), op.inverse()),
            Node::Compare(..) if op == Comparison::Equal => self.make(Node::Not(id)),
            Node::Compare(..) => id,
            Node::And(left, right) | Node::Or(left, right) => {
                let is_and = matches!(self.node(id), Node::And(..));
                let left = self.compared_to_n(Some(left), Comparison::Equal);
                let right = self.compared_to_n(Some(right), Comparison::Equal);
                let whole = self.chain(!is_and, left, right);
                if op == Comparison::Unequal { self.make(Node::Not(whole)) } else { whole }
            }
        }
    }

    /// Whether the expression mentions a symbol.
    pub(crate) fn contains(&self, id: Id, symbol: SymbolId) -> bool {
        match self.node(id) {
            Node::Symbol(found) => found == symbol,
            Node::Compare(_, left, right) => left == symbol || right == symbol,
            Node::Not(operand) => self.contains(operand, symbol),
            Node::And(left, right) | Node::Or(left, right) => {
                self.contains(left, symbol) || self.contains(right, symbol)
            }
        }
    }

    /// `expr_depends_symbol`: whether it can be true only when the symbol is on.
    pub(crate) fn needs(&self, id: Id, symbol: SymbolId) -> bool {
        match self.node(id) {
            Node::Symbol(found) => found == symbol,
            Node::And(left, right) => self.needs(left, symbol) || self.needs(right, symbol),
            Node::Compare(Comparison::Equal, left, SymbolId::YES | SymbolId::MOD)
            | Node::Compare(Comparison::Unequal, left, SymbolId::NO) => left == symbol,
            _ => false,
        }
    }

    /// Whether the expression is the constant `y`.
    pub(crate) fn is_yes(&self, id: Id) -> bool {
        self.node(id) == Node::Symbol(SymbolId::YES)
    }

    fn operands(&self, and: bool, id: Id) -> Option<(Id, Id)> {
        match self.node(id) {
            Node::And(left, right) if and => Some((left, right)),
            Node::Or(left, right) if !and => Some((left, right)),
            _ => None,
        }
    }

    fn chain(&mut self, and: bool, left: Id, right: Id) -> Id {
        self.make(if and { Node::And(left, right) } else { Node::Or(left, right) })
    }

    fn node(&self, id: Id) -> Node {
        self.nodes[id.0 as usize]
    }

    fn make(&mut self, node: Node) -> Id {
        let next = Id(self.nodes.len() as u32);
        let id = *self.ids.entry(node).or_insert(next);
        if id == next {
            self.nodes.push(node);
        }
        id
    }
}

/// The third of `y`, `m` and `n`.
///
/// Quirk: `a!=m && a!=n` becomes `a=y`, as it should, although a comment in `expr_join_and` says `a=m`.
fn remaining(pair: (SymbolId, SymbolId)) -> Option<SymbolId> {
    let all = [SymbolId::YES, SymbolId::MOD, SymbolId::NO];
    let is_known = |symbol: SymbolId| all.contains(&symbol);
    if pair.0 == pair.1 || !is_known(pair.0) || !is_known(pair.1) {
        return None;
    }
    all.into_iter().find(|symbol| *symbol != pair.0 && *symbol != pair.1)
}
