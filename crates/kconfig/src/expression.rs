//! Expressions over symbols, in an arena.
//!
//! `&&` and `||` hold all their operands in one list, so that neither evaluating nor printing a chain of any length
//! recurses; what recursion is left follows the parentheses of the text, whose depth the parser limits.

use crate::SymbolId;

/// A value of a `bool` or `tristate`, and of every expression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tristate {
    /// `n`
    #[default]
    No,
    /// `m`
    Mod,
    /// `y`
    Yes,
}

/// Identifies an expression within one arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub(crate) u32);

/// The operator of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// One expression; operands are ids in the same arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expr<'a> {
    /// A symbol's value.
    Symbol(SymbolId),
    /// `!` of the operand.
    Not(ExprId),
    /// The least of the operands.
    And(&'a [ExprId]),
    /// The greatest of the operands.
    Or(&'a [ExprId]),
    /// `y` or `n` by comparing two symbols.
    Compare(Comparison, SymbolId, SymbolId),
}

/// The arena.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expressions {
    nodes: Vec<Node>,
    operands: Vec<ExprId>,
    /// By symbol: the expression of just this symbol, so that its value is cached once.
    of_symbol: Vec<Option<ExprId>>,
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Symbol(SymbolId),
    Not(ExprId),
    And { start: u32, len: u32 },
    Or { start: u32, len: u32 },
    Compare(Comparison, SymbolId, SymbolId),
}

impl Tristate {
    /// Returns `n`, `m` or `y`.
    pub fn as_str(self) -> &'static str {
        match self {
            Tristate::No => "n",
            Tristate::Mod => "m",
            Tristate::Yes => "y",
        }
    }

    /// Returns the opposite: `m` stays `m`.
    #[must_use]
    pub fn negate(self) -> Tristate {
        match self {
            Tristate::No => Tristate::Yes,
            Tristate::Mod => Tristate::Mod,
            Tristate::Yes => Tristate::No,
        }
    }
}

impl std::fmt::Display for Tristate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Comparison {
    /// Returns the operator as Kconfig writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::Unequal => "!=",
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
        }
    }

    /// Returns the comparison that holds exactly when this one does not.
    #[must_use]
    pub fn inverse(self) -> Comparison {
        match self {
            Comparison::Equal => Comparison::Unequal,
            Comparison::Unequal => Comparison::Equal,
            Comparison::Less => Comparison::GreaterEqual,
            Comparison::LessEqual => Comparison::Greater,
            Comparison::Greater => Comparison::LessEqual,
            Comparison::GreaterEqual => Comparison::Less,
        }
    }

    /// Whether the comparison holds for two sides that compare as `ordering`.
    pub(crate) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::Unequal => ordering.is_ne(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterEqual => ordering.is_ge(),
        }
    }
}

impl Expressions {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn get(&self, id: ExprId) -> Expr<'_> {
        let list = |start: u32, len: u32| &self.operands[start as usize..(start + len) as usize];
        match self.nodes[id.0 as usize] {
            Node::Symbol(symbol) => Expr::Symbol(symbol),
            Node::Not(operand) => Expr::Not(operand),
            Node::And { start, len } => Expr::And(list(start, len)),
            Node::Or { start, len } => Expr::Or(list(start, len)),
            Node::Compare(op, left, right) => Expr::Compare(op, left, right),
        }
    }

    /// Every comparison in the arena.
    pub(crate) fn comparisons(&self) -> impl Iterator<Item = (Comparison, SymbolId, SymbolId)> {
        self.nodes.iter().filter_map(|node| match *node {
            Node::Compare(op, left, right) => Some((op, left, right)),
            _ => None,
        })
    }

    pub(crate) fn symbol(&mut self, symbol: SymbolId) -> ExprId {
        let index = symbol.0 as usize;
        if self.of_symbol.len() <= index {
            self.of_symbol.resize(index + 1, None);
        }
        if let Some(id) = self.of_symbol[index] {
            return id;
        }
        let id = self.push(Node::Symbol(symbol));
        self.of_symbol[index] = Some(id);
        id
    }

    pub(crate) fn not(&mut self, operand: ExprId) -> ExprId {
        self.push(Node::Not(operand))
    }

    pub(crate) fn compare(&mut self, op: Comparison, left: SymbolId, right: SymbolId) -> ExprId {
        self.push(Node::Compare(op, left, right))
    }

    /// `&&` of the operands in order; a single operand is returned as is. Must not be empty.
    pub(crate) fn and(&mut self, operands: &[ExprId]) -> ExprId {
        self.chain(operands, true)
    }

    /// `||` of the operands in order; a single operand is returned as is. Must not be empty.
    pub(crate) fn or(&mut self, operands: &[ExprId]) -> ExprId {
        self.chain(operands, false)
    }

    /// `&&` of the present operands; an absent one means `y`.
    pub(crate) fn and_maybe(&mut self, left: Option<ExprId>, right: Option<ExprId>) -> Option<ExprId> {
        match (left, right) {
            (Some(left), Some(right)) => Some(self.and(&[left, right])),
            (one, None) | (None, one) => one,
        }
    }

    fn chain(&mut self, operands: &[ExprId], and: bool) -> ExprId {
        if let &[only] = operands {
            return only;
        }
        let start = self.operands.len() as u32;
        self.operands.extend_from_slice(operands);
        let len = self.operands.len() as u32 - start;
        self.push(if and { Node::And { start, len } } else { Node::Or { start, len } })
    }

    fn push(&mut self, node: Node) -> ExprId {
        self.nodes.push(node);
        ExprId(self.nodes.len() as u32 - 1)
    }
}
