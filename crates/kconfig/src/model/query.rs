//! Queries on a model: what is declared, where, under which conditions.

use std::borrow::Cow;

use super::{Dependents, Model, NodeId, NodeKind, PropertyId, PropertyKind, SymbolId, SymbolKind, Type};
use crate::conditions::Conditions;
use crate::exact::Exact;
use crate::expression::{Comparison, Expr, ExprId};
use crate::help;
use crate::message::Place;
use crate::model::NameIndex;

/// One place that defines a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition<'m> {
    /// The menu node.
    pub node: NodeId,
    /// The position of the entry's first line.
    pub place: Place,
    /// The prompt, when this definition has one.
    pub prompt: Option<Cow<'m, str>>,
    /// The dependency of the definition, the blocks around it included; `None` is `y`.
    pub dependency: Option<ExprId>,
}

/// A `default` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultValue {
    /// The value.
    pub value: ExprId,
    /// The condition under which it applies; `None` is always.
    pub condition: Option<ExprId>,
    /// The position of its line.
    pub place: Place,
}

/// A `range` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The lowest value.
    pub low: SymbolId,
    /// The highest value.
    pub high: SymbolId,
    /// The condition under which it applies; `None` is always.
    pub condition: Option<ExprId>,
    /// The position of its line.
    pub place: Place,
}

/// A `select` or `imply` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The symbol that has the line.
    pub by: SymbolId,
    /// The symbol that is selected or implied.
    pub target: SymbolId,
    /// The condition under which it applies, the symbol itself left out; `None` is always.
    pub condition: Option<ExprId>,
    /// Whether it is an `imply`.
    pub weak: bool,
    /// The position of its line.
    pub place: Place,
}

impl Model {
    /// Returns the symbol called `name`, declared or only mentioned; constants have no name.
    pub fn find(&self, name: &str) -> Option<SymbolId> {
        self.find_bytes(name.as_bytes())
    }

    /// Returns every symbol that has a definition, in the order of first mention. Choices are not among them.
    pub fn declared(&self) -> impl Iterator<Item = SymbolId> {
        let ids = (0..self.symbols.len() as u32).map(SymbolId);
        ids.filter(|id| self.symbol(*id).kind == SymbolKind::Reference && self.symbol(*id).first_node.is_some())
    }

    /// Returns a symbol's name; `<choice>` for a choice without one.
    pub fn name(&self, symbol: SymbolId) -> Cow<'_, str> {
        match self.name_bytes(symbol) {
            b"" if self.is_choice(symbol) => Cow::Borrowed("<choice>"),
            name => String::from_utf8_lossy(name),
        }
    }

    /// Returns the declared type.
    pub fn type_of(&self, symbol: SymbolId) -> Type {
        self.symbol(symbol).type_
    }

    /// Returns the symbol that says whether modules are enabled; the constant `n` when there is none.
    pub fn modules(&self) -> SymbolId {
        self.modules
    }

    /// Returns the main menu's title.
    pub fn main_menu(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.title(NodeId::ROOT))
    }

    /// Returns the definitions of a symbol, in order.
    pub fn definitions(&self, symbol: SymbolId) -> impl Iterator<Item = Definition<'_>> {
        let nodes = std::iter::successors(self.symbol(symbol).first_node, |node| self.node(*node).next_of_symbol);
        nodes.map(|node| Definition {
            node,
            place: self.place(node),
            prompt: self.prompt_of(node),
            dependency: self.conditions.dependency[node.at()],
        })
    }

    /// Returns the first prompt of a symbol.
    pub fn prompt(&self, symbol: SymbolId) -> Option<Cow<'_, str>> {
        self.definitions(symbol).find_map(|definition| definition.prompt)
    }

    /// Returns the symbol's help text, of the first definition that has one.
    pub fn help(&self, symbol: SymbolId) -> Option<String> {
        self.definitions(symbol).find_map(|definition| self.help_of(definition.node))
    }

    /// Returns the `default` lines of a symbol in order; the first with a true condition applies.
    pub fn defaults(&self, symbol: SymbolId) -> impl Iterator<Item = DefaultValue> {
        self.properties_of(symbol).filter_map(|id| match self.property(id).kind {
            PropertyKind::Default(value) => {
                Some(DefaultValue { value, condition: self.conditions.of(id), place: self.property_place(id) })
            }
            _ => None,
        })
    }

    /// Returns the `range` lines of a symbol in order; the first with a true condition applies.
    pub fn ranges(&self, symbol: SymbolId) -> impl Iterator<Item = Range> {
        self.properties_of(symbol).filter_map(|id| match self.property(id).kind {
            PropertyKind::Range(low, high) => {
                Some(Range { low, high, condition: self.conditions.of(id), place: self.property_place(id) })
            }
            _ => None,
        })
    }

    /// Returns the `select` and `imply` lines of a symbol in order.
    pub fn selections(&self, symbol: SymbolId) -> impl Iterator<Item = Selection> {
        self.properties_of(symbol).filter_map(move |id| self.selection(symbol, id))
    }

    /// Returns the `select` and `imply` lines with this target, by the symbols that have them.
    pub fn selectors(&self, target: SymbolId) -> impl Iterator<Item = Selection> {
        let lines = self.selections.get_or_init(|| self.selections_by_target());
        let from = lines.partition_point(|(other, ..)| *other < target);
        let lines = lines[from..].iter().take_while(move |(other, ..)| *other == target);
        lines.filter_map(|(_, by, id)| self.selection(*by, *id))
    }

    fn selections_by_target(&self) -> Vec<(SymbolId, SymbolId, PropertyId)> {
        let mut lines = Vec::new();
        for symbol in self.declared() {
            for id in self.properties_of(symbol) {
                if let PropertyKind::Select(target) | PropertyKind::Imply(target) = self.property(id).kind {
                    lines.push((target, symbol, id));
                }
            }
        }
        lines.sort_by_key(|(target, ..)| *target);
        lines
    }

    fn selection(&self, by: SymbolId, id: PropertyId) -> Option<Selection> {
        let (target, weak) = match self.property(id).kind {
            PropertyKind::Select(target) => (target, false),
            PropertyKind::Imply(target) => (target, true),
            _ => return None,
        };
        Some(Selection { by, target, condition: self.conditions.of(id), weak, place: self.property_place(id) })
    }

    /// Returns the dependencies of a symbol's definitions, joined by `||`; `None` is `y`.
    pub fn direct_dependency(&self, symbol: SymbolId) -> Option<ExprId> {
        self.conditions.direct[symbol.at()]
    }

    /// Returns the conditions under which others select the symbol, joined by `||`; `None` is `n`.
    pub fn reverse_dependency(&self, symbol: SymbolId) -> Option<ExprId> {
        self.conditions.reverse[symbol.at()]
    }

    /// Returns the conditions under which others imply the symbol, joined by `||`; `None` is `n`.
    pub fn implied_by(&self, symbol: SymbolId) -> Option<ExprId> {
        self.conditions.implied[symbol.at()]
    }

    /// Returns the expression with this id.
    pub fn expression(&self, id: ExprId) -> Expr<'_> {
        self.conditions.expressions.get(id)
    }

    /// Returns an expression as Kconfig writes it.
    pub fn show(&self, id: ExprId) -> String {
        let mut out = String::new();
        self.write_expression(id, 0, &mut out);
        out
    }

    /// Returns the symbols that an expression mentions, constants left out, each once in the order of the text.
    pub fn symbols_in(&self, id: ExprId) -> Vec<SymbolId> {
        let mut symbols = Vec::new();
        self.gather_symbols(id, &mut symbols);
        symbols
    }

    fn gather_symbols(&self, id: ExprId, symbols: &mut Vec<SymbolId>) {
        let mut add = |symbol: SymbolId| {
            if self.symbol(symbol).kind != SymbolKind::Constant && !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        };
        match self.conditions.expressions.get(id) {
            Expr::Symbol(symbol) => add(symbol),
            Expr::Compare(_, left, right) => {
                add(left);
                add(right);
            }
            Expr::Not(operand) => self.gather_symbols(operand, symbols),
            Expr::And(operands) | Expr::Or(operands) => {
                operands.iter().for_each(|operand| self.gather_symbols(*operand, symbols));
            }
        }
    }

    /// Returns the files that were read, in the order of first opening.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| &*file.name)
    }

    /// Returns the environment variables that the text reads, with their values, in the order of first use.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The model as the C program sees it after simplification; `None` when that exceeds the budget.
    pub(crate) fn exact(&self) -> Option<&Exact> {
        self.exact.get_or_init(|| Exact::new(self).map(Box::new)).as_deref()
    }

    /// The readers of each symbol; `None` when a change may reach everything.
    pub(crate) fn dependents(&self) -> Option<&Dependents> {
        self.dependents.get_or_init(|| Dependents::new(self).map(Box::new)).as_deref()
    }

    /// The conditions with simplified expressions, for printing.
    pub(crate) fn exact_conditions(&self) -> &Conditions {
        self.exact().map_or(&self.conditions, |exact| &exact.conditions)
    }

    pub(crate) fn find_bytes(&self, name: &[u8]) -> Option<SymbolId> {
        match name {
            b"y" => return Some(SymbolId::YES),
            b"m" => return Some(SymbolId::MOD),
            b"n" => return Some(SymbolId::NO),
            _ => {}
        }
        let is = |id: SymbolId| self.symbol(id).kind == SymbolKind::Reference && self.name_bytes(id) == name;
        self.index.find(NameIndex::hash(name), is)
    }

    /// Returns the prompt of a node, or the title of a menu or comment.
    pub fn prompt_of(&self, node: NodeId) -> Option<Cow<'_, str>> {
        let text = self.node(node).prompt.and_then(|prompt| self.property(prompt).kind.text())?;
        Some(String::from_utf8_lossy(self.bytes(text)))
    }

    /// Returns the help text of a node.
    pub fn help_of(&self, node: NodeId) -> Option<String> {
        let help = self.node(node).help?;
        let mut text = Vec::new();
        help::scan(&self.files[help.file as usize].text, help.start as usize, Some(&mut text));
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// Returns the kind of a node.
    pub fn kind_of(&self, node: NodeId) -> NodeKind {
        self.node(node).kind
    }

    fn write_expression(&self, id: ExprId, outer: u8, out: &mut String) {
        let expression = self.conditions.expressions.get(id);
        let level = match expression {
            Expr::Or(_) => 1,
            Expr::And(_) => 2,
            Expr::Not(_) => 3,
            Expr::Compare(..) | Expr::Symbol(_) => 4,
        };
        if level < outer {
            out.push('(');
        }
        match expression {
            Expr::Symbol(symbol) => self.write_operand(symbol, out),
            Expr::Compare(op, left, right) => self.write_comparison(op, left, right, out),
            Expr::Not(operand) => {
                out.push('!');
                self.write_expression(operand, 3, out);
            }
            Expr::And(operands) | Expr::Or(operands) => {
                for (index, operand) in operands.iter().enumerate() {
                    if index > 0 {
                        out.push_str(if level == 1 { " || " } else { " && " });
                    }
                    self.write_expression(*operand, level, out);
                }
            }
        }
        if level < outer {
            out.push(')');
        }
    }

    fn write_comparison(&self, op: Comparison, left: SymbolId, right: SymbolId, out: &mut String) {
        self.write_operand(left, out);
        out.push_str(op.as_str());
        self.write_operand(right, out);
    }

    /// Writes an operand, quoted if Kconfig would otherwise read it as something else.
    fn write_operand(&self, symbol: SymbolId, out: &mut String) {
        let name = self.name(symbol);
        if self.symbol(symbol).kind == SymbolKind::Constant && symbol.0 > 2 {
            out.push('"');
            out.push_str(&name.replace('\\', "\\\\").replace('"', "\\\""));
            out.push('"');
        } else {
            out.push_str(&name);
        }
    }
}
