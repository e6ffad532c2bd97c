//! Values to `.config`.

use crate::evaluation::{Evaluation, Wanted};
use crate::expression::Tristate;
use crate::model::{NodeId, NodeKind, PropertyKind, SymbolId, Type};

impl Evaluation<'_> {
    /// The whole `.config` (`conf_write`, scripts/kconfig/confdata.c).
    pub(crate) fn write(&mut self, prefix: &str) -> Vec<u8> {
        let model = self.model;
        let mut out = heading(model.title(NodeId::ROOT));
        let mut written = vec![false; model.symbols.len()];
        let mut newline = false;
        let mut open: Vec<NodeId> = Vec::new();
        let n_nodes = model.nodes.len() as u32;
        for id in 1..=n_nodes {
            while open.last().is_some_and(|last| id == n_nodes || model.node(*last).end <= id) {
                let Some(node) = open.pop() else { break };
                let is_empty = id == node.0 + 1;
                let ends = model.dialect.end_comments && (!is_empty || model.dialect.empty_menu_ends);
                if ends && self.is_menu(node) && self.is_node_visible(node) {
                    out.extend_from_slice(&[b"# end of ", model.title(node), b"\n"].concat());
                    newline = true;
                }
            }
            if id == n_nodes {
                break;
            }
            let node = NodeId(id);
            open.push(node);
            let Some(symbol) = model.node(node).symbol else {
                if self.is_node_visible(node) {
                    out.extend_from_slice(&[b"\n#\n# ", model.title(node), b"\n#\n"].concat());
                    newline = false;
                }
                continue;
            };
            let hidden = model.dialect.writes_hidden;
            if model.is_choice(symbol) || (written[symbol.at()] && !hidden) {
                continue;
            }
            self.compute(symbol);
            if self.states[symbol.at()].write || hidden {
                if std::mem::take(&mut newline) {
                    out.push(b'\n');
                }
                written[symbol.at()] = true;
                self.print_config(symbol, prefix, &mut out);
            }
        }
        out
    }

    fn is_menu(&self, node: NodeId) -> bool {
        let node = self.model.node(node);
        let prompt = node.prompt.map(|prompt| self.model.property(prompt).kind);
        node.symbol.is_none() && matches!(prompt, Some(PropertyKind::Menu(_)))
    }

    /// Whether a node without a symbol is visible.
    fn is_node_visible(&mut self, node: NodeId) -> bool {
        let model = self.model;
        let Some(prompt) = model.node(node).prompt else { return false };
        let visibility = model.node(node).visibility;
        self.expression(visibility) != Tristate::No && self.expression(self.conditions.of(prompt)) != Tristate::No
    }

    /// Whether a node, or anything below it, is visible in the menu (`menu_is_visible`, scripts/kconfig/menu.c).
    pub(crate) fn is_shown(&mut self, node: NodeId) -> bool {
        let model = self.model;
        let Some(prompt) = model.node(node).prompt else { return false };
        let visibility = model.node(node).visibility;
        if self.expression(visibility) == Tristate::No {
            return false;
        }
        let symbol = model.node(node).symbol;
        if let Some(symbol) = symbol {
            self.compute(symbol);
        }
        let value = self.expression(self.conditions.of(prompt));
        let is_hidden = value == Tristate::Mod && symbol.is_some_and(|symbol| self.hides_modular(symbol));
        if value != Tristate::No && !is_hidden {
            return true;
        }
        let Some(symbol) = symbol else { return false };
        if self.states[symbol.at()].value == Tristate::No {
            return false;
        }
        let shown = self.tree_children(node).into_iter().any(|child| self.is_shown(child));
        if shown && model.dialect.choice_values && self.states[symbol.at()].user.is_none() {
            // Quirk: before 6.11 this check marks the symbol as set by the user (`menu_is_visible`).
            self.states[symbol.at()].user = Some(Wanted::Logic(self.states[symbol.at()].wanted_value));
        }
        shown
    }

    /// The children of a node in the final tree, looking through `if`s.
    pub(crate) fn tree_children(&self, node: NodeId) -> Vec<NodeId> {
        let model = self.model;
        if let Some(exact) = model.exact().filter(|_| self.words) {
            return std::iter::successors(exact.first[node.at()], |child| exact.next[child.at()]).collect();
        }
        let mut children = Vec::new();
        for child in model.children(node) {
            match model.node(child).kind {
                NodeKind::If => children.extend(self.tree_children(child)),
                _ => children.push(child),
            }
        }
        children
    }

    /// The parent of a node in the final tree.
    pub(crate) fn tree_parent(&self, node: NodeId) -> NodeId {
        let exact = self.model.exact().filter(|_| self.words);
        exact.map_or(self.model.node(node).parent, |exact| exact.parents[node.at()])
    }

    /// One symbol as a line of a `.config`.
    pub(crate) fn print_config(&self, symbol: SymbolId, prefix: &str, out: &mut Vec<u8>) {
        let name = self.model.name_bytes(symbol);
        let type_ = self.model.symbol(symbol).type_;
        let value = self.shown(symbol);
        match type_ {
            Type::Unknown => {}
            Type::Bool | Type::Tristate if value == b"n" => {
                out.extend_from_slice(&[b"# ", prefix.as_bytes(), name, b" is not set\n"].concat());
            }
            Type::String => {
                out.extend_from_slice(&[prefix.as_bytes(), name, b"="].concat());
                quote(value, self.model.dialect.raw_strings, out);
                out.push(b'\n');
            }
            // Only a symbol that is written although it has no value is empty.
            Type::Int if value.is_empty() && self.model.dialect.writes_hidden => {
                out.extend_from_slice(&[prefix.as_bytes(), name, b"=0\n"].concat());
            }
            _ => out.extend_from_slice(&[prefix.as_bytes(), name, b"=", value, b"\n"].concat()),
        }
    }

    /// One symbol as `listnewconfig` prints it.
    pub(crate) fn print_listed(&self, symbol: SymbolId, prefix: &str, out: &mut Vec<u8>) {
        match self.shown(symbol) {
            b"n" if self.model.symbol(symbol).type_.is_logic() => {
                out.extend_from_slice(&[prefix.as_bytes(), self.model.name_bytes(symbol), b"=n\n"].concat());
            }
            _ => self.print_config(symbol, prefix, out),
        }
    }
}

/// The comment that a `.config` starts with.
pub(crate) fn heading(title: &[u8]) -> Vec<u8> {
    [b"#\n# Automatically generated file; DO NOT EDIT.\n# ".as_slice(), title, b"\n#\n"].concat()
}

/// Writes a string between quotes, escaped unless `raw`.
pub(crate) fn quote(text: &[u8], raw: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        if !raw && matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
