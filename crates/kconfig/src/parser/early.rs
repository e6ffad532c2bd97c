//! Values of symbols while the text is still being read: `$NAME` in grammars without macros.

use super::builder::Builder;
use crate::expression::{Comparison, Expr, ExprId, Tristate};
use crate::model::{NodeId, PropertyKind, SymbolId, Type};

/// Symbols may refer to each other; the program's own values are those of the first visit then.
const MAX_DEPTH: usize = 64;

impl Builder {
    /// Replaces each `$NAME` by the present value of the symbol, which is empty when there is none of that name.
    ///
    /// # Source
    /// `sym_expand_string_value` (symbol.c), until 4.17.
    pub(super) fn with_values(&mut self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(dollar) = memchr::memchr(b'$', rest) {
            out.extend_from_slice(&rest[..dollar]);
            let name = &rest[dollar + 1..];
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let length = name.iter().position(|byte| !is_name(byte)).unwrap_or(name.len());
            if let Some(symbol) = self.known(&name[..length]) {
                out.extend(self.value_now(symbol, 0));
            }
            rest = &name[length..];
        }
        out.extend_from_slice(rest);
        out
    }

    /// Expands the symbols in the title.
    pub(super) fn expand_title(&mut self) {
        let Some(prompt) = self.node(NodeId::ROOT).prompt else { return };
        let Some(range) = self.properties[prompt.at()].kind.text() else { return };
        let text = self.blob[range.start as usize..range.end as usize].to_vec();
        let text = self.with_values(&text);
        let range = self.add_text(&text);
        self.properties[prompt.at()].kind = PropertyKind::Menu(range);
    }

    /// The value by defaults alone: nothing has a user's value or is selected yet.
    fn value_now(&self, symbol: SymbolId, depth: usize) -> Vec<u8> {
        let name = || {
            let range = self.symbol(symbol).name;
            self.blob[range.start as usize..range.end as usize].to_vec()
        };
        let type_ = self.symbol(symbol).type_;
        match type_ {
            _ if symbol <= SymbolId::NO => name(),
            Type::Unknown => name(),
            Type::Bool | Type::Tristate => {
                let value = self
                    .default_now(symbol, depth)
                    .map_or(Tristate::No, |(value, limit)| self.expression_now(Some(value), depth).min(limit));
                let value = if value == Tristate::Mod && type_ == Type::Bool { Tristate::Yes } else { value };
                value.as_str().as_bytes().to_vec()
            }
            Type::Int | Type::Hex | Type::String => match self.default_now(symbol, depth) {
                Some((value, _)) => match self.expressions.get(value) {
                    Expr::Symbol(source) => self.value_now(source, depth + 1),
                    _ => Vec::new(),
                },
                None => Vec::new(),
            },
        }
    }

    /// The first default whose condition holds, and the value of the condition.
    fn default_now(&self, symbol: SymbolId, depth: usize) -> Option<(ExprId, Tristate)> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut next = self.symbol(symbol).first_property;
        while let Some(id) = next {
            let property = &self.properties[id.at()];
            if let PropertyKind::Default(value) = property.kind {
                let limit = self.expression_now(property.condition, depth + 1);
                if limit != Tristate::No {
                    return Some((value, limit));
                }
            }
            next = property.next;
        }
        None
    }

    fn expression_now(&self, id: Option<ExprId>, depth: usize) -> Tristate {
        let Some(id) = id.filter(|_| depth <= MAX_DEPTH) else { return Tristate::Yes };
        let values = |operands: &[ExprId]| -> Vec<Tristate> {
            operands.iter().map(|operand| self.expression_now(Some(*operand), depth + 1)).collect()
        };
        match self.expressions.get(id) {
            Expr::Symbol(symbol) => match self.value_now(symbol, depth + 1).as_slice() {
                b"y" if self.is_logic(symbol) => Tristate::Yes,
                b"m" if self.is_logic(symbol) => Tristate::Mod,
                _ => Tristate::No,
            },
            Expr::Not(operand) => self.expression_now(Some(operand), depth + 1).negate(),
            Expr::And(operands) => values(operands).into_iter().min().unwrap_or(Tristate::Yes),
            Expr::Or(operands) => values(operands).into_iter().max().unwrap_or(Tristate::No),
            Expr::Compare(op, left, right) => {
                let (left, right) = (self.value_now(left, depth + 1), self.value_now(right, depth + 1));
                let holds = match op {
                    Comparison::Equal => left == right,
                    Comparison::Unequal => left != right,
                    other => other.holds(left.cmp(&right)),
                };
                if holds { Tristate::Yes } else { Tristate::No }
            }
        }
    }

    fn is_logic(&self, symbol: SymbolId) -> bool {
        symbol <= SymbolId::NO || matches!(self.symbol(symbol).type_, Type::Bool | Type::Tristate)
    }
}
