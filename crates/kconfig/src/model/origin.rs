//! Source positions: the Kconfig lines of conditions, and the menus around an entry.

use std::borrow::Cow;

use super::{Model, NodeId, NodeKind, SymbolId};
use crate::expression::{Expr, ExprId};
use crate::message::Place;

/// The most continuation lines that are joined to one.
const MAX_CONTINUATION: usize = 16;

impl Model {
    /// Returns the line that makes `part` a condition of a symbol: a `depends on` or an `if` after a prompt of its own
    /// entries, or one of the menus, choices and `if`s around them; the innermost such line. `part` is an operand of
    /// `&&` in one of the symbol's conditions.
    pub fn written(&self, symbol: SymbolId, part: ExprId) -> Option<Place> {
        let nodes: Vec<NodeId> = self.definitions(symbol).map(|definition| definition.node).collect();
        let prompts = nodes.iter().filter_map(|node| self.node(*node).prompt);
        let mut around = nodes.clone();
        for at in nodes.iter() {
            let outer =
                std::iter::successors(Some(*at), |at| Some(self.node(*at).parent).filter(|parent| parent != at));
            around.extend(outer.skip(1));
        }
        let clause = around.iter().find_map(|node| self.clause_of(*node, part));
        let own = prompts.into_iter().find(|prompt| {
            let condition = self.property(*prompt).condition;
            condition.is_some_and(|condition| self.has_conjunct(condition, part))
        });
        clause.or_else(|| own.map(|prompt| self.property_place(prompt)))
    }

    /// Returns the text of the statement at `place`, with continued lines joined and surrounding blanks removed.
    pub fn statement(&self, place: &Place) -> Option<Cow<'_, str>> {
        let file = self.files.iter().find(|file| file.name == place.file)?;
        let mut lines = file.text.split(|byte| *byte == b'\n').skip(place.line.checked_sub(1)? as usize);
        let mut text = String::from_utf8_lossy(lines.next()?);
        for _ in 0..MAX_CONTINUATION {
            let Some(start) = text.strip_suffix('\\') else { break };
            let next = String::from_utf8_lossy(lines.next().unwrap_or_default());
            text = Cow::Owned(format!("{} {}", start.trim_end(), next.trim_start()));
        }
        Some(Cow::Owned(text.trim().to_owned()))
    }

    /// Returns the titles of the menus around a node, the outermost first; the main menu is not among them.
    pub fn menus(&self, node: NodeId) -> Vec<Cow<'_, str>> {
        let mut titles: Vec<Cow<'_, str>> = self.around(node).filter_map(|at| self.menu_title(at)).collect();
        titles.reverse();
        titles
    }

    /// The nodes around another, the innermost first.
    fn around(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(Some(self.node(node).parent), |at| Some(self.node(*at).parent))
            .take_while(|at| *at != NodeId::ROOT)
    }

    /// Returns the position of a node's first line.
    pub fn place_of(&self, node: NodeId) -> Place {
        self.place(node)
    }

    fn menu_title(&self, node: NodeId) -> Option<Cow<'_, str>> {
        match self.node(node).kind {
            NodeKind::Menu | NodeKind::Choice => self.prompt_of(node),
            // Entries in an `if` after a `menuconfig` are shown below it.
            NodeKind::If => match self.node(node).dependency.map(|condition| self.expression(condition)) {
                Some(Expr::Symbol(symbol)) => {
                    let first = self.symbol(symbol).first_node?;
                    if self.kind_of(first) == NodeKind::MenuConfig { self.prompt_of(first) } else { None }
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn clause_of(&self, node: NodeId, part: ExprId) -> Option<Place> {
        let from = self.clauses.partition_point(|clause| clause.node < node);
        let mut own = self.clauses[from..].iter().take_while(|clause| clause.node == node);
        let clause = own.find(|clause| self.has_conjunct(clause.expression, part))?;
        Some(Place { line: clause.line, ..self.place(node) })
    }

    fn has_conjunct(&self, whole: ExprId, part: ExprId) -> bool {
        whole == part
            || match self.conditions.expressions.get(whole) {
                Expr::And(operands) => operands.iter().any(|operand| self.has_conjunct(*operand, part)),
                _ => false,
            }
    }
}
