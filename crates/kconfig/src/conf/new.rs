//! Symbols that a `.config` does not set.

use super::{Mode, Run};
use crate::evaluation::{Evaluation, Wanted};
use crate::expression::Tristate;
use crate::model::{NodeId, SymbolId, Type};
use crate::number;

impl Evaluation<'_> {
    /// The symbol of this node's `bool` or `tristate` prompt, if the user gave it no value. Members of choices are left
    /// out, choices are not.
    pub(crate) fn open_prompt(&self, node: NodeId) -> Option<SymbolId> {
        let node = self.model.node(node);
        let symbol = node.symbol.filter(|_| node.prompt.is_some())?;
        let is_open = self.states[symbol.at()].user.is_none() && !self.is_listed(symbol);
        (is_open && self.model.symbol(symbol).type_.is_logic()).then_some(symbol)
    }

    /// Whether the value to be saved differs from the user's; also when only one of them exists.
    pub(crate) fn differs(&self, symbol: SymbolId) -> bool {
        let state = self.state(symbol);
        match &state.user {
            Some(Wanted::Logic(wanted)) if state.write => state.value != *wanted,
            Some(Wanted::Text(wanted)) if state.write => self.shown(symbol) != &**wanted,
            Some(_) => true,
            None => state.write,
        }
    }

    /// Drops user values that a reader before 6.10 does not keep; returns whether a number was out of its range.
    pub(crate) fn drop_ineffective(&mut self, unsaved: bool) -> bool {
        let mut dropped = false;
        for symbol in self.model.hash_order.iter().copied() {
            if self.states[symbol.at()].user.is_none() || self.is_listed(symbol) {
                continue;
            }
            let in_range = self.is_in_range(symbol);
            if self.states[symbol.at()].visible == Tristate::No && !unsaved && !dropped {
                self.states[symbol.at()].user = None;
            }
            if !in_range {
                self.states[symbol.at()].user = None;
                self.states[symbol.at()].valid = false;
                dropped = true;
            }
        }
        dropped
    }

    /// Whether the number that the user gave is within its range; other values always are.
    pub(crate) fn is_in_range(&mut self, symbol: SymbolId) -> bool {
        let base = match self.model.symbol(symbol).type_ {
            Type::Int => 10,
            Type::Hex => 16,
            _ => return true,
        };
        let Some(Wanted::Text(text)) = &self.states[symbol.at()].user else { return true };
        let value = number::signed(text, base);
        let Some((low, high)) = self.range_of(symbol) else { return true };
        value >= self.range_end(low, base) && value <= self.range_end(high, base)
    }
}

impl Run<'_> {
    /// Prints new symbols, with help if requested (`check_conf`, scripts/kconfig/conf.c).
    pub(super) fn list_new(&mut self) {
        self.list_below(NodeId::ROOT);
    }

    /// Whether there is something to ask about.
    pub(super) fn anything_new(&mut self, node: NodeId) -> bool {
        self.evaluation.is_shown(node)
            && (self.is_new(node)
                || self.evaluation.tree_children(node).into_iter().any(|child| self.anything_new(child)))
    }

    fn list_below(&mut self, node: NodeId) {
        if !self.evaluation.is_shown(node) {
            return;
        }
        if let Some(symbol) = self.evaluation.model.node(node).symbol
            && self.is_new(node)
        {
            self.print_new(node, symbol);
        }
        for child in self.evaluation.tree_children(node) {
            self.list_below(child);
        }
    }

    fn print_new(&mut self, node: NodeId, symbol: SymbolId) {
        let mut out = std::mem::take(&mut self.outcome.stdout);
        if *self.mode == Mode::HelpNewConfig {
            out.extend_from_slice(b"-----\n");
            out.extend_from_slice(&self.evaluation.long_help(node, &self.prefix));
            out.extend_from_slice(b"-----\n");
        } else if !self.evaluation.model.is_choice(symbol) {
            self.evaluation.print_listed(symbol, &self.prefix, &mut out);
        }
        self.outcome.stdout = out;
    }
}
