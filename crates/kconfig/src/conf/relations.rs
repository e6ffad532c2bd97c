//! A symbol's help as the line-oriented program prints it: where it is defined, what it depends on, what selects it.

use crate::evaluation::Evaluation;
use crate::expression::{Expr, ExprId, Tristate};
use crate::model::{NodeId, PropertyId, PropertyKind, SymbolId, Type};

/// The most menus around a prompt that are named.
const MAX_MENUS: usize = 8;

impl Evaluation<'_> {
    /// A node's help and its symbol's relations (`menu_get_ext_help`, scripts/kconfig/menu.c).
    ///
    /// Expressions are printed as they are in the conditions of this evaluation.
    pub(crate) fn long_help(&mut self, node: NodeId, prefix: &str) -> Vec<u8> {
        let model = self.model;
        let mut out = b"\n".to_vec();
        let symbol = model.node(node).symbol;
        let name = symbol.map(|symbol| model.name_bytes(symbol)).unwrap_or_default();
        let help = model.help_of(node);
        if help.is_some() && !name.is_empty() {
            out.extend_from_slice(&[prefix.as_bytes(), name, b":\n\n"].concat());
        }
        out.extend_from_slice(help.as_deref().unwrap_or("There is no help available for this option.").as_bytes());
        out.push(b'\n');
        if let Some(symbol) = symbol {
            self.relations(symbol, &mut out);
        }
        out.push(b'\n');
        out
    }

    /// `get_symbol_str`.
    fn relations(&mut self, symbol: SymbolId, out: &mut Vec<u8>) {
        let model = self.model;
        let type_ = model.symbol(symbol).type_;
        if !model.name_bytes(symbol).is_empty() {
            let name = model.name_bytes(symbol);
            out.extend_from_slice(&[b"Symbol: ", name, b" [=", self.shown(symbol), b"]\n"].concat());
            out.extend_from_slice(format!("Type  : {}\n", type_.shown()).as_bytes());
            if matches!(type_, Type::Int | Type::Hex)
                && let Some((low, high)) = self.range_of(symbol)
            {
                out.extend_from_slice(b"Range : [");
                self.print_symbol(low, out);
                out.push(b' ');
                self.print_symbol(high, out);
                out.extend_from_slice(b"]\n");
            }
        }
        let nodes = std::iter::successors(model.symbol(symbol).first_node, |node| model.node(*node).next_of_symbol);
        let (with, without): (Vec<NodeId>, Vec<NodeId>) = nodes.partition(|node| model.node(*node).prompt.is_some());
        for node in with.into_iter().chain(without) {
            let place = model.place(node);
            out.extend_from_slice(format!("Defined at {}:{}\n", place.file, place.line).as_bytes());
            let dependency = self.conditions.dependency[node.at()];
            match model.node(node).prompt {
                Some(prompt) => self.prompt_relations(node, prompt, out),
                None => self.dependency(dependency, "  Depends on: ", out),
            }
        }
        self.targets(symbol, false, "Selects: ", out);
        self.selectors(self.conditions.reverse[symbol.at()], "Selected", out);
        self.targets(symbol, true, "Implies: ", out);
        self.selectors(self.conditions.implied[symbol.at()], "Implied", out);
        out.extend_from_slice(b"\n\n");
    }

    /// `get_prompt_str`.
    fn prompt_relations(&mut self, node: NodeId, prompt: PropertyId, out: &mut Vec<u8>) {
        let model = self.model;
        let text = model.property(prompt).kind.text().map(|text| model.bytes(text)).unwrap_or_default();
        out.extend_from_slice(&[b"  Prompt: ", text, b"\n"].concat());
        self.dependency(self.conditions.dependency[node.at()], "  Depends on: ", out);
        if model.exact().is_some_and(|exact| exact.differs[prompt.at()]) {
            self.dependency(self.conditions.of(prompt), "  Visible if: ", out);
        }
        let mut menus = Vec::new();
        let mut at = node;
        while at != NodeId::ROOT && menus.len() < MAX_MENUS {
            menus.push(at);
            at = model.exact().map_or(model.node(at).parent, |exact| exact.parents[at.at()]);
        }
        // Quirk: checking whether a menu is visible computes its symbol; newer versions stop at the first visible menu.
        for menu in &menus {
            if self.is_shown(*menu) && !model.dialect.choice_values {
                break;
            }
        }
        out.extend_from_slice(b"  Location:\n");
        for (depth, menu) in menus.into_iter().rev().enumerate() {
            out.resize(out.len() + 2 * depth + 4, b' ');
            out.extend_from_slice(&[b"-> ", model.title(menu)].concat());
            if let Some(symbol) = model.node(menu).symbol {
                let name = model.name(symbol);
                out.extend_from_slice(&[b" (", name.as_bytes(), b" [=", self.shown(symbol), b"])"].concat());
            }
            out.push(b'\n');
        }
    }

    fn dependency(&self, id: Option<ExprId>, title: &str, out: &mut Vec<u8>) {
        let Some(id) = id else { return };
        if matches!(self.conditions.expressions.get(id), Expr::Symbol(SymbolId::YES)) {
            return;
        }
        out.extend_from_slice(title.as_bytes());
        self.print(id, 0, out);
        out.push(b'\n');
    }

    fn targets(&self, symbol: SymbolId, weak: bool, title: &str, out: &mut Vec<u8>) {
        let targets = self.model.properties_of(symbol).filter_map(|id| match self.model.property(id).kind {
            PropertyKind::Select(target) if !weak => Some(target),
            PropertyKind::Imply(target) if weak => Some(target),
            _ => None,
        });
        let mut first = true;
        for target in targets {
            let before = if std::mem::take(&mut first) { title } else { " && " };
            out.extend_from_slice(before.as_bytes());
            self.print_symbol(target, out);
        }
        if !first {
            out.push(b'\n');
        }
    }

    fn selectors(&mut self, reverse: Option<ExprId>, verb: &str, out: &mut Vec<u8>) {
        let Some(reverse) = reverse else { return };
        for value in [Tristate::Yes, Tristate::Mod, Tristate::No] {
            self.print_selectors(reverse, value, &format!("{verb} by [{}]:\n", value.as_str()), out);
        }
    }
}
