//! Values to `.config`.

use crate::evaluation::Evaluation;
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
                if self.is_menu(node) && self.is_node_visible(node) {
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
            if model.is_choice(symbol) || written[symbol.at()] {
                continue;
            }
            self.compute(symbol);
            if self.states[symbol.at()].write {
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

    /// Whether a node without a symbol is to be seen.
    fn is_node_visible(&mut self, node: NodeId) -> bool {
        let model = self.model;
        let Some(prompt) = model.node(node).prompt else { return false };
        let visibility = model.node(node).visibility;
        self.expression(visibility) != Tristate::No && self.expression(self.conditions.of(prompt)) != Tristate::No
    }

    /// Whether a menu shows a node, with what is below it (`menu_is_visible`, scripts/kconfig/menu.c).
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
        if self.expression(self.conditions.of(prompt)) != Tristate::No {
            return true;
        }
        let Some(symbol) = symbol else { return false };
        if self.states[symbol.at()].value == Tristate::No {
            return false;
        }
        let children: Vec<NodeId> = model.children(node).collect();
        children.into_iter().any(|child| match model.node(child).kind {
            NodeKind::If => model.children(child).collect::<Vec<_>>().into_iter().any(|inner| self.is_shown(inner)),
            _ => self.is_shown(child),
        })
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
                quote(value, out);
                out.push(b'\n');
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

/// Writes a string between quotes, escaped.
pub(crate) fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
