//! Expressions over symbols.

use kiln_kconfig::{Comparison, Expr, ExprId, SymbolId};
use rustsat::types::Lit;

use super::Encoding;
use crate::circuit::{Pair, TRUE};

impl Encoding<'_, '_> {
    /// Returns the value of an expression; that of none is `y`.
    pub(super) fn expression(&mut self, id: Option<ExprId>) -> Pair {
        let Some(id) = id else { return Pair::YES };
        if let Some(value) = self.expressions.get(&id) {
            return *value;
        }
        let was_approximate = std::mem::take(&mut self.is_approximate);
        let value = match self.model.expression(id) {
            Expr::Symbol(symbol) => self.symbol(symbol),
            Expr::Not(operand) => self.expression(Some(operand)).negate(),
            Expr::And(operands) => {
                let mut parts = Vec::with_capacity(operands.len());
                // The operands after a constant `n` do not count.
                for operand in operands {
                    parts.push(self.expression(Some(*operand)));
                    if parts.last() == Some(&Pair::NO) {
                        break;
                    }
                }
                self.circuit.least(&parts)
            }
            Expr::Or(operands) => {
                let mut parts = Vec::with_capacity(operands.len());
                for operand in operands {
                    parts.push(self.expression(Some(*operand)));
                    if parts.last() == Some(&Pair::YES) {
                        break;
                    }
                }
                self.circuit.greatest(&parts)
            }
            Expr::Compare(op, left, right) => Pair::whole(self.comparison(op, left, right)),
        };
        // A value that was computed inside a circle is valid there only.
        if !self.is_approximate {
            self.expressions.insert(id, value);
        }
        self.is_approximate |= was_approximate;
        value
    }

    fn comparison(&mut self, op: Comparison, left: SymbolId, right: SymbolId) -> Lit {
        let (lefts, rights) = (self.sides(left), self.sides(right));
        let mut pairs = Vec::new();
        for (left_text, left_guard) in &lefts {
            for (right_text, right_guard) in &rights {
                if self.model.holds(op, (left, left_text), (right, right_text)) {
                    pairs.push(self.circuit.and(&[*left_guard, *right_guard]));
                }
            }
        }
        self.circuit.or(&pairs)
    }

    /// Returns the texts that one side of a comparison may have.
    fn sides(&mut self, symbol: SymbolId) -> Vec<(Vec<u8>, Lit)> {
        if let Some(text) = self.model.fixed_text(symbol) {
            return vec![(text.into_owned().into_bytes(), TRUE)];
        }
        if !self.model.type_of(symbol).is_logic() {
            return self.text(symbol);
        }
        let value = self.symbol(symbol);
        let module = self.circuit.and(&[value.on, !value.yes]);
        let sides = [(&b"n"[..], !value.on), (b"m", module), (b"y", value.yes)];
        sides.into_iter().filter(|(_, guard)| *guard != !TRUE).map(|(text, guard)| (text.to_vec(), guard)).collect()
    }
}
