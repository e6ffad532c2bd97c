//! Unmet direct dependencies: a `select` that goes further than its target's `depends on`.

use super::{Evaluation, Tristate};
use crate::expression::{Expr, ExprId};
use crate::message::{Level, Message};
use crate::model::{SymbolId, Type};

impl Evaluation<'_> {
    pub(super) fn report_unmet(&mut self, symbol: SymbolId) {
        self.n_unmet += 1;
        if !self.words {
            return;
        }
        let model = self.model;
        let name = model.name(symbol).into_owned();
        let mut printed = format!("\nWARNING: unmet direct dependencies detected for {name}\n").into_bytes();
        let limit = if self.states[symbol.at()].direct == Tristate::Mod { 'm' } else { 'n' };
        printed.extend_from_slice(format!("  Depends on [{limit}]: ").as_bytes());
        match self.conditions.direct[symbol.at()] {
            Some(direct) => self.print(direct, 0, &mut printed),
            None => printed.push(b'y'),
        }
        printed.push(b'\n');
        if let Some(reverse) = self.conditions.reverse[symbol.at()] {
            self.print_selectors(reverse, Tristate::Yes, "  Selected by [y]:\n", &mut printed);
            self.print_selectors(reverse, Tristate::Mod, "  Selected by [m]:\n", &mut printed);
        }
        let place = model.symbol(symbol).first_node.map(|node| model.place(node));
        let text = format!("unmet direct dependencies detected for {name}");
        self.messages.push(Message::new(Level::Warning, "unmet-dependencies", place, text.as_bytes(), printed));
    }

    pub(crate) fn print_selectors(&mut self, reverse: ExprId, value: Tristate, title: &str, out: &mut Vec<u8>) {
        let conditions = self.conditions;
        let terms = match conditions.expressions.get(reverse) {
            Expr::Or(terms) => terms,
            _ => &[reverse],
        };
        let mut title = Some(title);
        for term in terms {
            if self.expression(Some(*term)) == value {
                out.extend_from_slice(title.take().unwrap_or_default().as_bytes());
                out.extend_from_slice(b"  - ");
                self.print(*term, 0, out);
                out.push(b'\n');
            }
        }
    }

    /// Prints an expression with the values of its symbols (`expr_gstr_print`, scripts/kconfig/expr.c).
    pub(crate) fn print(&self, id: ExprId, outer: u8, out: &mut Vec<u8>) {
        let expression = self.conditions.expressions.get(id);
        let level = match expression {
            Expr::Or(_) => 1,
            Expr::And(_) => 2,
            Expr::Not(_) => 3,
            Expr::Compare(..) | Expr::Symbol(_) => 4,
        };
        if level < outer {
            out.push(b'(');
        }
        match expression {
            Expr::Symbol(symbol) => self.print_symbol(symbol, out),
            Expr::Compare(op, left, right) => {
                self.print_symbol(left, out);
                out.extend_from_slice(op.as_str().as_bytes());
                self.print_symbol(right, out);
            }
            Expr::Not(operand) => {
                out.push(b'!');
                self.print(operand, 3, out);
            }
            Expr::And(operands) | Expr::Or(operands) => {
                for (index, operand) in operands.iter().enumerate() {
                    if index > 0 {
                        out.extend_from_slice(if level == 1 { b" || " } else { b" && " });
                    }
                    self.print(*operand, level, out);
                }
            }
        }
        if level < outer {
            out.push(b')');
        }
    }

    pub(crate) fn print_symbol(&self, symbol: SymbolId, out: &mut Vec<u8>) {
        if self.model.is_choice(symbol) && self.model.name_bytes(symbol).is_empty() {
            out.extend_from_slice(b"<choice>");
            return;
        }
        out.extend_from_slice(self.model.name_bytes(symbol));
        if self.model.symbol(symbol).type_ != Type::Unknown {
            out.extend_from_slice(b" [=");
            out.extend_from_slice(self.shown(symbol));
            out.push(b']');
        }
    }
}
