//! Expressions, from the loosest to the tightest: `||`, `&&`, `!`, comparison of two symbols.

use super::{Parsed, Parser, Stop};
use crate::expression::{Comparison, ExprId};
use crate::lexer::Token;
use crate::model::SymbolId;

const MAX_DEPTH: usize = 200;

impl Parser<'_> {
    /// `if EXPRESSION`, if present.
    pub(super) fn condition(&mut self) -> Parsed<Option<ExprId>> {
        if self.token != Token::If {
            return Ok(None);
        }
        self.advance()?;
        self.expression().map(Some)
    }

    pub(super) fn expression(&mut self) -> Parsed<ExprId> {
        self.any(0)
    }

    /// A bare word: a reference to a symbol.
    pub(super) fn reference(&mut self) -> Parsed<SymbolId> {
        if self.token != Token::Word {
            return Err(Stop::Syntax);
        }
        self.operand()
    }

    /// A reference or a quoted constant.
    pub(super) fn operand(&mut self) -> Parsed<SymbolId> {
        let constant = match self.token {
            Token::Word => false,
            Token::Quoted => true,
            _ => return Err(Stop::Syntax),
        };
        let symbol = self.builder.lookup(self.lexer.text(), constant);
        self.advance()?;
        Ok(symbol)
    }

    fn any(&mut self, depth: usize) -> Parsed<ExprId> {
        let first = self.all(depth)?;
        if self.token != Token::Or {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.token == Token::Or {
            self.advance()?;
            operands.push(self.all(depth)?);
        }
        Ok(self.builder.expressions.or(&operands))
    }

    fn all(&mut self, depth: usize) -> Parsed<ExprId> {
        let first = self.single(depth)?;
        if self.token != Token::And {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.token == Token::And {
            self.advance()?;
            operands.push(self.single(depth)?);
        }
        Ok(self.builder.expressions.and(&operands))
    }

    fn single(&mut self, depth: usize) -> Parsed<ExprId> {
        if depth > MAX_DEPTH {
            self.error("nesting", &format!("the expression is nested more than {MAX_DEPTH} deep"));
            return Err(Stop::Fatal);
        }
        match self.token {
            Token::Not => {
                self.advance()?;
                let operand = self.single(depth + 1)?;
                Ok(self.builder.expressions.not(operand))
            }
            Token::Open => {
                self.advance()?;
                let inner = self.any(depth + 1)?;
                if self.token != Token::Close {
                    return Err(Stop::Syntax);
                }
                self.advance()?;
                Ok(inner)
            }
            _ => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Parsed<ExprId> {
        let left = self.operand()?;
        let op = match self.token {
            Token::Equal => Comparison::Equal,
            Token::Unequal => Comparison::Unequal,
            Token::Less => Comparison::Less,
            Token::LessEqual => Comparison::LessEqual,
            Token::Greater => Comparison::Greater,
            Token::GreaterEqual => Comparison::GreaterEqual,
            _ => return Ok(self.builder.expressions.symbol(left)),
        };
        self.advance()?;
        let right = self.operand()?;
        Ok(self.builder.expressions.compare(op, left, right))
    }
}
