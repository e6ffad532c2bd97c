//! Effective dependencies and conditions: each includes those of the blocks around it.
//!
//! A node depends on what its parents depend on; a property holds under its node's dependency; a `select` becomes a
//! reverse dependency of its target. Nothing is simplified here: no value depends on that.

use crate::expression::{Expr, ExprId, Expressions};
use crate::model::{Model, Node, NodeId, NodeKind, PropertyId, PropertyKind, SymbolId, Type};

/// The effective expressions of a model; an absent one is `y`, or `n` for the two reverse ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    pub(crate) expressions: Expressions,
    /// By node.
    pub(crate) dependency: Vec<Option<ExprId>>,
    /// By property.
    pub(crate) condition: Vec<Option<ExprId>>,
    /// By symbol: the dependencies of its definitions, joined by `||`.
    pub(crate) direct: Vec<Option<ExprId>>,
    /// By symbol: the symbols that select it.
    pub(crate) reverse: Vec<Option<ExprId>>,
    /// By symbol: the symbols that imply it.
    pub(crate) implied: Vec<Option<ExprId>>,
}

impl Conditions {
    /// Conditions of which only the arena exists yet.
    pub(crate) fn with(expressions: Expressions) -> Conditions {
        Conditions { expressions, ..Conditions::default() }
    }

    /// Computes the conditions of `model`, and takes its arena over.
    pub(crate) fn plain(model: &mut Model) -> Conditions {
        let mut expressions = std::mem::take(&mut model.conditions.expressions);
        if model.dialect.choice_values {
            infer_types(model);
        }
        let modules = expressions.symbol(model.modules);
        let mut spread = Spread {
            model,
            conditions: Conditions {
                dependency: vec![None; model.nodes.len()],
                condition: vec![None; model.properties.len()],
                direct: vec![None; model.symbols.len()],
                reverse: vec![None; model.symbols.len()],
                implied: vec![None; model.symbols.len()],
                expressions,
            },
            modules,
            selects: Vec::new(),
            implies: Vec::new(),
        };
        spread.all();
        spread.conditions
    }

    /// The condition under which a property holds.
    pub(crate) fn of(&self, property: PropertyId) -> Option<ExprId> {
        self.condition[property.at()]
    }
}

/// Before 6.11, members and choices without a type inherit it from each other.
fn infer_types(model: &mut Model) {
    for node in (0..model.nodes.len() as u32).map(NodeId) {
        let Some(choice) = model.node(node).symbol.filter(|symbol| model.is_choice(*symbol)) else { continue };
        let members: Vec<SymbolId> = model.children(node).filter_map(|child| model.node(child).symbol).collect();
        if model.symbol(choice).type_ == Type::Unknown {
            let first = members.iter().map(|member| model.symbol(*member).type_).find(|type_| *type_ != Type::Unknown);
            model.symbols[choice.at()].type_ = first.unwrap_or_default();
        }
        let type_ = model.symbol(choice).type_;
        for member in members {
            let member = &mut model.symbols[member.at()];
            if member.type_ == Type::Unknown {
                member.type_ = type_;
            }
        }
    }
}

struct Spread<'m> {
    model: &'m Model,
    conditions: Conditions,
    modules: ExprId,
    /// Targets with the terms of their reverse dependencies, in order.
    selects: Vec<(SymbolId, ExprId)>,
    implies: Vec<(SymbolId, ExprId)>,
}

impl Spread<'_> {
    fn all(&mut self) {
        let model = self.model;
        for parent in (0..model.nodes.len() as u32).map(NodeId) {
            for child in model.children(parent) {
                self.node(parent, child);
            }
        }
        let gathered = gather(std::mem::take(&mut self.selects), &mut self.conditions.expressions);
        for (target, expression) in gathered {
            self.conditions.reverse[target.at()] = Some(expression);
        }
        let gathered = gather(std::mem::take(&mut self.implies), &mut self.conditions.expressions);
        for (target, expression) in gathered {
            self.conditions.implied[target.at()] = Some(expression);
        }
        self.direct();
        if self.model.dialect.choice_values {
            self.insist();
        }
    }

    /// Before 6.11 a visible choice that is not optional is at least `m`.
    fn insist(&mut self) {
        let model = self.model;
        let expressions = &mut self.conditions.expressions;
        for node in &model.nodes {
            let Some(choice) = node.symbol.filter(|choice| !model.symbol(*choice).optional) else { continue };
            let Some(prompt) = node.prompt.filter(|_| node.kind == NodeKind::Choice) else { continue };
            let module = expressions.symbol(SymbolId::MOD);
            let visible = self.conditions.condition[prompt.at()];
            let term = visible.map_or(module, |visible| expressions.and(&[visible, module]));
            let old = self.conditions.reverse[choice.at()];
            self.conditions.reverse[choice.at()] = Some(old.map_or(term, |old| expressions.or(&[old, term])));
        }
    }

    fn node(&mut self, parent: NodeId, id: NodeId) {
        let model = self.model;
        let node = model.node(id);
        let own = self.rewrite(node.dependency);
        let outer = self.outer(parent);
        let mut dependency = self.conditions.expressions.and_maybe(outer, own);
        let guard = self.guard(parent, node);
        dependency = self.conditions.expressions.and_maybe(guard, dependency);
        self.conditions.dependency[id.at()] = dependency;
        if node.symbol.is_none() {
            if let Some(prompt) = node.prompt {
                self.property(prompt, dependency, None);
            }
            return;
        }
        let properties = node.symbol.into_iter().flat_map(|symbol| model.properties_of(symbol));
        for property in properties.filter(|property| model.property(*property).node == id) {
            self.property(property, dependency, node.symbol);
        }
    }

    fn property(&mut self, id: PropertyId, dependency: Option<ExprId>, owner: Option<SymbolId>) {
        let property = self.model.property(id);
        let own = self.rewrite(property.condition);
        let expressions = &mut self.conditions.expressions;
        let condition = expressions.and_maybe(dependency, own);
        self.conditions.condition[id.at()] = condition;
        let Some(owner) = owner else { return };
        match property.kind {
            PropertyKind::Select(target) => {
                let selector = expressions.symbol(owner);
                let term = condition.map_or(selector, |condition| expressions.and(&[selector, condition]));
                self.selects.push((target, term));
            }
            PropertyKind::Imply(target) => {
                let selector = expressions.symbol(owner);
                let term = condition.map_or(selector, |condition| expressions.and(&[selector, condition]));
                self.implies.push((target, term));
            }
            _ => {}
        }
    }

    /// The dependency of everything below `parent`.
    ///
    /// Quirk: before 6.11 a member depends on its choice's value, since then on what the choice depends on
    /// (`_menu_finalize`, scripts/kconfig/menu.c).
    fn outer(&mut self, parent: NodeId) -> Option<ExprId> {
        let node = self.model.node(parent);
        match node.symbol {
            Some(choice) if node.kind == NodeKind::Choice && self.model.dialect.choice_values => {
                Some(self.conditions.expressions.symbol(choice))
            }
            _ => self.conditions.dependency[parent.at()],
        }
    }

    /// Before 6.11 a `bool` in a `tristate` choice needs the choice to be `y`.
    fn guard(&mut self, parent: NodeId, node: &Node) -> Option<ExprId> {
        if !self.model.dialect.choice_values {
            return None;
        }
        let choice = self.model.enclosing_choice(parent)?;
        let choice = self.model.node(choice).symbol?;
        let member = node.symbol?;
        let differs =
            self.model.symbol(choice).type_ == Type::Tristate && self.model.symbol(member).type_ != Type::Tristate;
        differs.then(|| self.conditions.expressions.compare(crate::Comparison::Equal, choice, SymbolId::YES))
    }

    fn direct(&mut self) {
        let model = self.model;
        for (index, symbol) in model.symbols.iter().enumerate() {
            let nodes = std::iter::successors(symbol.first_node, |node| model.node(*node).next_of_symbol);
            // Quirk: only nodes without children count, and since 6.11 no members (`_menu_finalize`).
            let counts = |node: &NodeId| {
                let is_leaf = model.node(*node).end == node.0 + 1;
                let in_choice = model.node(model.node(*node).parent).kind == NodeKind::Choice;
                is_leaf && (model.dialect.choice_values || !in_choice)
            };
            let terms: Vec<ExprId> =
                nodes.filter(counts).filter_map(|node| self.conditions.dependency[node.at()]).collect();
            if !terms.is_empty() {
                self.conditions.direct[index] = Some(self.conditions.expressions.or(&terms));
            }
        }
    }

    /// A bare `m` means `m` only if modules are enabled.
    fn rewrite(&mut self, id: Option<ExprId>) -> Option<ExprId> {
        let id = id?;
        if !self.mentions_m(id) {
            return Some(id);
        }
        let (operands, and) = match self.conditions.expressions.get(id) {
            Expr::Symbol(_) => return Some(self.conditions.expressions.and(&[id, self.modules])),
            Expr::Compare(..) => return Some(id),
            Expr::Not(operand) => {
                let operand = self.rewrite(Some(operand))?;
                return Some(self.conditions.expressions.not(operand));
            }
            Expr::And(operands) => (operands.to_vec(), true),
            Expr::Or(operands) => (operands.to_vec(), false),
        };
        let operands: Vec<ExprId> = operands.into_iter().filter_map(|operand| self.rewrite(Some(operand))).collect();
        let expressions = &mut self.conditions.expressions;
        Some(if and { expressions.and(&operands) } else { expressions.or(&operands) })
    }

    fn mentions_m(&self, id: ExprId) -> bool {
        match self.conditions.expressions.get(id) {
            Expr::Symbol(symbol) => symbol == SymbolId::MOD,
            Expr::Compare(..) => false,
            Expr::Not(operand) => self.mentions_m(operand),
            Expr::And(operands) | Expr::Or(operands) => operands.iter().any(|operand| self.mentions_m(*operand)),
        }
    }
}

impl Model {
    /// The choice that a node is in, looking through `if`s.
    pub(crate) fn enclosing_choice(&self, parent: NodeId) -> Option<NodeId> {
        let mut at = parent;
        loop {
            let node = self.node(at);
            match node.kind {
                NodeKind::Choice => return Some(at),
                NodeKind::If => at = node.parent,
                _ => return None,
            }
        }
    }
}

/// Joins the terms of each target, which keep their order.
fn gather(mut terms: Vec<(SymbolId, ExprId)>, expressions: &mut Expressions) -> Vec<(SymbolId, ExprId)> {
    terms.sort_by_key(|(target, _)| *target);
    terms
        .chunk_by(|a, b| a.0 == b.0)
        .map(|group| {
            let operands: Vec<ExprId> = group.iter().map(|(_, term)| *term).collect();
            (group[0].0, expressions.or(&operands))
        })
        .collect()
}
